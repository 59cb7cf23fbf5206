//! What several must approve: with too few of them nothing of it can be done, with enough it can, once.

use std::collections::BTreeSet;
use std::time::Duration;

use tests::{Hsm, Staff};
use ukey::{Algorithm, Holder};
use wire::admin::Command;
use wire::admin::command::Quorum;

const FIVE: [&str; 5] = ["Ada", "Ben", "Eva", "Max", "Zoe"];
const DELETE: [&str; 4] = ["partition", "delete", "dev-1", "--yes"];

/// An HSM of five officers, three of whom must approve.
fn three_of_five(hsm: &Hsm) -> Staff<'_> {
    let staff = Staff::new(hsm, &FIVE);
    staff.initialise(&FIVE, 3);
    staff
}

/// Requirement: DHSM-005
#[test]
fn two_of_five_can_do_nothing_of_the_table_and_three_can() {
    let hsm = Hsm::start();
    let staff = three_of_five(&hsm);
    let table = staff.by("Ada", &["quorum", "list"]).succeeds().out();
    for command in Command::ALL {
        let needs = command.quorum() == Quorum::FromInit;
        let row = table.lines().any(|line| line.split("  ").next() == Some(command.name()));
        assert_eq!(row, needs, "{}: {table}", command.name());
    }
    staff.hire("New");
    staff.hire("Aide");
    let legacy = ["partition", "create", "old", "--policy", "legacy", "--blank"];
    let add = ["people", "add", "New", "--role", "hsm-so", "--key", "New.pub"];
    let set = ["quorum", "set", "partition create", "2"];
    let remove = ["people", "remove", "New", "--role", "hsm-so"];
    let unlock = ["people", "unlock", "Max"];
    let commands: [&[&str]; 6] = [&legacy, &add, &set, &unlock, &remove, &DELETE];
    for command in commands {
        staff.by("Ada", command).fails().says("needs the approval of 3 hsm-so: make a request").done();
        staff
            .together(&["Ada", "Ben"], command)
            .fails()
            .says("needs the approval of 3 hsm-so, and 2 approved it")
            .done();
    }
    for command in commands {
        staff.together(&["Eva", "Max", "Zoe"], command).succeeds().done();
    }
    staff.by("Ada", &["quorum", "list"]).succeeds().says("partition create ").done();
    staff.by("Ada", &["partition", "create", "x", "--blank"]).fails().says("approval of 2 hsm-so").done();
}

#[test]
fn officers_with_sm2_ukeys_log_in_and_approve() {
    let hsm = Hsm::start();
    let staff = Staff::with_keys(&hsm, &["Ada", "Ben", "Eva"], Algorithm::Sm2);
    staff.initialise(&["Ada", "Ben", "Eva"], 2);
    let ukey = staff.key("Ada").public().clone();
    assert_eq!(ukey.algorithm(), Algorithm::Sm2);
    // A login that another one signed, or that has a bit wrong, is none.
    let mut console = staff.console();
    let message = console.challenge(&[]);
    let other = staff.key("Ben").sign(wire::admin::people::LOGIN, &message).unwrap();
    assert!(matches!(console.answer(&staff.key("Ada"), other), wire::admin::Told::Failed { .. }));
    let message = console.challenge(&[]);
    let mut wrong = staff.key("Ada").sign(wire::admin::people::LOGIN, &message).unwrap();
    wrong[40] ^= 1;
    assert!(matches!(console.answer(&staff.key("Ada"), wrong), wire::admin::Told::Failed { .. }));
    drop(staff.console_of("Ada"));

    staff.by("Ada", &DELETE).fails().says("needs the approval of 2 hsm-so: make a request").done();
    staff
        .together(&["Ben"], &DELETE)
        .fails()
        .says("needs the approval of 2 hsm-so, and 1 approved it")
        .done();
    staff.request("Ada", "r", &DELETE).succeeds().done();
    let files = [staff.sign("Ada", "r"), staff.sign("Eva", "r")];
    let text = String::from_utf8(hsm.read(&files[1])).unwrap();
    hsm.write("changed", text.replacen("\"signature\": \"", "\"signature\": \"00", 1));
    staff.with("Ada", &[&files[0], "changed"], &DELETE).fails().says("the signature is not by UKey").done();
    staff.with("Ada", &[&files[0], &files[1]], &DELETE).succeeds().done();
}

#[test]
fn an_approval_is_good_once_and_for_what_was_approved() {
    let mut hsm = Hsm::with(&["--partitions", "2"]);
    let staff = three_of_five(&hsm);
    staff.request("Ada", "r", &DELETE).succeeds().says("partition \"dev-1\" (serial number").done();
    let files: Vec<_> = ["Ada", "Ben", "Eva"].iter().map(|name| staff.sign(name, "r")).collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    // Another partition, another command.
    let other = ["partition", "delete", "dev-2", "--yes"];
    staff
        .with("Ada", &files, &other)
        .fails()
        .says("it is about partition \"dev-1\"")
        .says("not about partition \"dev-2\"")
        .done();
    let unlock = ["people", "unlock", "Max"];
    staff
        .with("Ada", &files, &unlock)
        .fails()
        .says("it approves `partition delete`, not `people unlock`")
        .done();
    // One of them twice; somebody who did not sign; a word changed.
    let twice = [files[0], files[1], files[1]];
    staff.with("Ada", &twice, &DELETE).fails().says("Ben approved it twice").done();
    let text = String::from_utf8(hsm.read(files[2])).unwrap();
    for (from, to, says) in [
        ("\"expires\": \"2", "\"expires\": \"3", "the signature is not by UKey"),
        ("\"approvals_needed\": 3", "\"approvals_needed\": 1", "the signature is not by UKey"),
        ("\"approvers\": \"hsm-so\"", "\"approvers\": \"auditor\"", "the signature is not by UKey"),
        ("\"signature\": \"", "\"signature\": \"00", "the signature is not by UKey"),
        ("\"details\": []", "\"details\": [[\"a\", \"b\"]]", "it is for other parameters"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        hsm.write("changed", changed);
        staff.with("Ada", &[files[0], files[1], "changed"], &DELETE).fails().says(says).done();
    }
    hsm.write("changed", text.replace(&hex_id(&staff, "Eva"), &hex_id(&staff, "Max")));
    staff
        .with("Ada", &[files[0], files[1], "changed"], &DELETE)
        .fails()
        .says("the signature is not by UKey")
        .done();
    // Nothing of that used it up.
    staff.with("Ada", &files, &DELETE).succeeds().done();
    // With what was deleted there again under its name, it would be another; with the same target, it is used.
    staff.request("Ada", "r2", &["people", "unlock", "Max"]).succeeds().done();
    let files: Vec<_> = ["Ada", "Ben", "Eva"].iter().map(|name| staff.sign(name, "r2")).collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    staff.with("Zoe", &files, &unlock).succeeds().done();
    staff.with("Zoe", &files, &unlock).fails().says("it has been used already").done();
    hsm.kill_and_start_again();
    let staff = Staff::new(&hsm, &[]);
    staff.with("Zoe", &files, &unlock).fails().says("it has been used already").done();
}

fn hex_id(staff: &Staff<'_>, name: &str) -> String {
    wire::admin::people::hex(staff.key(name).public().id().as_bytes())
}

#[test]
fn the_parameters_are_approved_with_the_command() {
    let hsm = Hsm::start();
    let staff = three_of_five(&hsm);
    let set = |needed: &'static str| ["quorum", "set", "partition create", needed];
    staff.request("Ada", "r", &set("4")).succeeds().says("needed").done();
    let files: Vec<_> = ["Ada", "Ben", "Eva"].iter().map(|name| staff.sign(name, "r")).collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    staff
        .with("Ada", &files, &set("1"))
        .fails()
        .says(
            "it is for other parameters: approved were needed \"4\", role \"hsm-so\", given are needed \"1\"",
        )
        .done();
    staff.with("Ada", &files, &set("4")).succeeds().done();
    staff
        .together(&["Ada", "Ben", "Eva"], &set("6"))
        .fails()
        .says("6 hsm-so cannot approve: there are 5")
        .done();
    staff.hire("New");
    staff.hire("Odd");
    // The UKey of a new officer is approved, not the name alone.
    let add = |key: &'static str| ["people", "add", "New", "--role", "hsm-so", "--key", key];
    staff.request("Ada", "r2", &add("New.pub")).succeeds().done();
    let files: Vec<_> = ["Ada", "Ben", "Eva"].iter().map(|name| staff.sign(name, "r2")).collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    staff.with("Ada", &files, &add("Odd.pub")).fails().says("it is for other parameters").done();
    staff.with("Ada", &files, &add("New.pub")).succeeds().done();
}

#[test]
fn an_approval_ends_with_its_time_and_with_the_right_of_who_gave_it() {
    let hsm = Hsm::start();
    let staff = three_of_five(&hsm);
    let request = |valid: &str| {
        let _ = std::fs::remove_file(hsm.path("r"));
        let mut words = vec!["approval", "request", "--out", "r", "--valid", valid, "--"];
        words.extend(DELETE);
        staff.by("Ada", &words)
    };
    let signed =
        || -> Vec<String> { ["Ben", "Eva", "Max"].iter().map(|name| staff.sign(name, "r")).collect() };
    let give = |files: &[String]| {
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        staff.with("Ada", &files, &DELETE)
    };
    request("31d").fails().says("an approval can be asked for 1 second to 30 days").done();
    request("2s").succeeds().done();
    let files = signed();
    std::thread::sleep(Duration::from_secs(3));
    give(&files).fails().says("it has expired, ").done();
    // It is forgotten, and says still what is wrong with it.
    request("24h").succeeds().done();
    let others = signed();
    let mixed = [others[0].clone(), others[1].clone(), files[2].clone()];
    assert_eq!(others[2], files[2], "the file was written again");
    // Of two requests.
    staff.request("Ada", "r3", &DELETE).succeeds().done();
    let foreign = staff.sign("Max", "r3");
    give(&[mixed[0].clone(), mixed[1].clone(), foreign])
        .fails()
        .says("it is of another request than the first")
        .done();
    // Somebody without the role, somebody unknown, somebody locked, somebody removed.
    staff.hire("Bob");
    staff
        .by("Ada", &["people", "add", "Bob", "--role", "backup-operator", "--key", "Bob.pub"])
        .succeeds()
        .done();
    staff.hire("Eve");
    for (name, says) in [("Bob", "Bob is not hsm-so"), ("Eve", "nobody is registered with this UKey")] {
        give(&[others[0].clone(), others[1].clone(), staff.sign(name, "r")]).fails().says(says).done();
    }
    let (max, mut console) = (staff.key("Max"), staff.console());
    for _ in 0..10 {
        console.challenge(&[]);
        console.answer(&max, vec![0; 64]);
    }
    give(&others).fails().says("Max is locked").done();
    let zoe = staff.sign("Zoe", "r");
    staff
        .together(&["Ada", "Ben", "Eva"], &["people", "remove", "Zoe", "--role", "hsm-so"])
        .succeeds()
        .done();
    give(&[others[0].clone(), others[1].clone(), zoe])
        .fails()
        .says("nobody is registered with this UKey (any more)")
        .done();
    give(&[others[0].clone(), others[1].clone(), staff.sign("Ada", "r")]).succeeds().done();
}

#[test]
fn an_approval_for_another_hsm_is_for_none_here() {
    let (here, there) = (Hsm::start(), Hsm::start());
    let staff = three_of_five(&here);
    // The same people with the same UKeys, on another HSM.
    for name in FIVE {
        for kind in ["ukey", "pub", "pin"] {
            let file = format!("{name}.{kind}");
            there.write(&file, here.read(&file));
        }
    }
    let twins = Staff::new(&there, &[]);
    twins.initialise(&FIVE, 3);
    let unlock = ["people", "unlock", "Max"];
    twins.request("Ada", "r", &unlock).succeeds().done();
    let files: Vec<_> = ["Ada", "Ben", "Eva"].iter().map(|name| twins.sign(name, "r")).collect();
    for file in &files {
        here.write(file, there.read(file));
    }
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    staff.with("Ada", &files, &unlock).fails().says("it is for another HSM").done();
    twins.with("Ada", &files, &unlock).succeeds().done();
}

#[test]
fn what_is_signed_can_be_read_and_signing_needs_no_daemon() {
    let hsm = Hsm::start();
    let staff = three_of_five(&hsm);
    staff.request("Ada", "r.json", &DELETE).succeeds().says("The command was not carried out").done();
    let text = String::from_utf8(hsm.read("r.json")).unwrap();
    for word in ["\"command\": \"partition delete\"", "dev-1", "\"approvals_needed\": 3", "\"expires\": \"20"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
    let away = |words: &[&str]| staff.nobody(&[&["--socket", "/nowhere"], words].concat());
    away(&["approval", "show", "r.json"])
        .succeeds()
        .says("partition delete")
        .says("nobody: this is a request")
        .done();
    let sign =
        ["--ukey", "Ben.ukey", "--ukey-pin-file", "Ben.pin", "approval", "sign", "r.json", "--out", "a"];
    // Nobody is there to say yes.
    away(&sign).fails().says("give --yes").done();
    away(&[&sign[..], &["--yes"]].concat()).succeeds().done();
    away(&["approval", "show", "a"]).succeeds().says("approved by  UKey ").done();
    away(&[&sign[..], &["--yes"]].concat()).fails().says("File exists").done();
    away(&["approval", "sign", "r.json", "--out", "b", "--yes"]).fails().says("say with --ukey").done();
    // A request is no approval, and half a file is nothing.
    staff.with("Ada", &["r.json"], &DELETE).fails().says("nobody has signed").done();
    hsm.write("half", &text[..text.len() / 2]);
    staff.with("Ada", &["half"], &DELETE).fails().says("half: this is no approval that can be used").done();
    staff.with("Ada", &["absent"], &DELETE).fails().says("absent: cannot read it").done();
    // Only what needs approval can be asked for, and only by who may give it.
    let create = ["partition", "create", "x", "--blank"];
    staff
        .request("Ada", "n", &create)
        .fails()
        .says("`partition create` needs no approval: just give it")
        .done();
    staff.hire("Bob");
    staff
        .by("Ada", &["people", "add", "Bob", "--role", "backup-operator", "--key", "Bob.pub"])
        .succeeds()
        .done();
    staff
        .request("Bob", "n", &DELETE)
        .fails()
        .says("Bob (backup-operator) may not give `partition delete`")
        .done();
}

#[test]
fn a_partition_that_is_called_otherwise_meanwhile_is_not_what_was_approved() {
    let hsm = Hsm::with(&["--partitions", "2"]);
    let staff = three_of_five(&hsm);
    staff.request("Ada", "r", &DELETE).succeeds().done();
    let files: Vec<_> = ["Ada", "Ben", "Eva"].iter().map(|name| staff.sign(name, "r")).collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    for (from, to) in [("dev-1", "safe"), ("dev-2", "dev-1")] {
        staff.by("Ada", &["partition", "rename", from, to]).succeeds().done();
    }
    staff.with("Ada", &files, &DELETE).fails().says("not about partition \"dev-1\" (serial number").done();
    let list = staff.by("Ada", &["partition", "list"]).succeeds().out();
    let labels: BTreeSet<_> = ["safe", "dev-1"].into_iter().filter(|label| list.contains(label)).collect();
    assert_eq!(labels.len(), 2, "{list}");
}
