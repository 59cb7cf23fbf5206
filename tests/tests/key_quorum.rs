//! Keys of which each use takes the approval of several people, with other people's clients: refused without, allowed as
//! often as was approved, whatever happens in between.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use tests::{Beside, Hsm, Run, Staff, needs};

const OFFICER: &str = "Zoe";
const APPROVERS: [&str; 3] = ["Ben", "Eva", "Max"];
const SET: [&str; 12] = [
    "key",
    "quorum",
    "set",
    "dev",
    "ca",
    "--usage",
    "sign",
    "--approvals",
    "2",
    "--approver",
    "Ben,Eva,Max",
    "--json",
];
/// `CKR_FUNCTION_REJECTED`, as pkcs11-tool says it.
const REFUSED: &str = "0x200";

/// An HSM that belongs to Ada, with a crypto officer and three who may approve, and an RSA key on it.
fn start() -> Hsm {
    let hsm = Hsm::with(&["--label", "dev"]);
    let staff = Staff::new(&hsm, &["Ada", "Pia", OFFICER, "Ben", "Eva", "Max"]);
    staff.initialise(&["Ada"], 0);
    let add = |by: &str, name: &str, role: &str| {
        let key = format!("{name}.pub");
        let words = ["people", "add", name, "--role", role, "--partition", "dev", "--key", &key];
        staff.by(by, &words).succeeds().done();
    };
    add("Ada", "Pia", "partition-so");
    add("Pia", OFFICER, "crypto-officer");
    APPROVERS.iter().for_each(|name| add("Pia", name, "crypto-user"));
    hsm.user("--keypairgen --key-type rsa:2048 --id 01 --label ca").succeeds().done();
    hsm.write("data", "to be signed");
    hsm
}

fn guarded() -> Hsm {
    let hsm = start();
    Staff::new(&hsm, &[]).by(OFFICER, &SET).succeeds().done();
    hsm
}

const SIGN: &str = "--sign --mechanism SHA256-RSA-PKCS --id 01 --input-file data --output-file sig";

fn sign(hsm: &Hsm) -> Run {
    hsm.user(SIGN)
}

fn authorization(usage: &'static str, uses: &'static str, time: &'static str) -> [&'static str; 10] {
    ["key", "authorize", "dev", "ca", "--usage", usage, "--uses", uses, "--for", time]
}

/// Signs a request on another machine: in a directory without a daemon, to which the request is carried, and from which
/// the approval is.
fn sign_elsewhere(hsm: &Hsm, name: &str, request: &str) -> String {
    let away = tempfile::tempdir().unwrap();
    for file in [format!("{name}.ukey"), format!("{name}.pin"), request.to_owned()] {
        fs::copy(hsm.path(&file), away.path().join(&file)).unwrap();
    }
    let mut console = Command::new(std::path::Path::new(hsm.module()).with_file_name("hsm-admin"));
    console.current_dir(away.path()).args(["--socket", "nowhere.sock", "--ukey", &format!("{name}.ukey")]);
    console.args(["--ukey-pin-file", &format!("{name}.pin")]);
    Run::of(console.args(["approval", "sign", request, "--out", "signed", "--yes"])).succeeds().done();
    let file = format!("{request}.{name}");
    fs::copy(away.path().join("signed"), hsm.path(&file)).unwrap();
    file
}

/// Has the officer authorise something that these approved.
fn authorize(hsm: &Hsm, by: &[&str], command: &[&str]) -> Run {
    let staff = Staff::new(hsm, &[]);
    staff.request(OFFICER, "r", command).succeeds().done();
    let files: Vec<_> = by.iter().map(|name| sign_elsewhere(hsm, name, "r")).collect();
    staff.with(OFFICER, &files.iter().map(String::as_str).collect::<Vec<_>>(), command)
}

fn log(hsm: &Hsm) -> String {
    fs::read_to_string(hsm.path("claviger/hsmd.log")).unwrap()
}

#[test]
fn a_signature_takes_the_approval_of_two_of_three_and_exactly_as_many_are_made() {
    needs!("pkcs11-tool", "openssl");
    let mut hsm = start();
    sign(&hsm).succeeds().done();
    let staff = Staff::new(&hsm, &[]);
    staff.by("Ben", &SET).fails().says("may not give `key quorum set`").done();
    let set = staff.by(OFFICER, &SET).succeeds().says("\"decrypt\"").out();
    assert!(set.contains("\"unwrap\""), "one private operation is all three: {set}");
    sign(&hsm).fails().says(REFUSED).done();
    let told = log(&hsm);
    for part in [
        "C_SignInit",
        "CKR_FUNCTION_REJECTED",
        "to sign with this key takes the approval of 2 of Ben, Eva, Max",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let two = authorization("sign", "2", "10m");
    staff.by(OFFICER, &two).fails().says("the approval of 2 approvers of the key (Ben, Eva, Max)").done();
    authorize(&hsm, &["Ben"], &two).fails().says("and 1 approved it").done();
    authorize(&hsm, &["Ben", "Ben"], &two).fails().says("Ben approved it twice").done();
    authorize(&hsm, &["Ben", "Ada"], &two).fails().says("Ada is no approver of this key").done();
    sign(&hsm).fails().says(REFUSED).done();
    authorize(&hsm, &["Max", "Eva"], &two).succeeds().says("sign (2 more, by any application").done();
    // What was used is no good once more.
    staff.with(OFFICER, &["r.Max", "r.Eva"], &two).fails().says("it has been used already").done();
    sign(&hsm).succeeds().done();
    hsm.kill_and_start_again();
    sign(&hsm).succeeds().done();
    tests::export_public(&hsm, "01");
    hsm.line("openssl dgst -sha256 -verify pub.pem -signature sig data")
        .succeeds()
        .says("Verified OK")
        .done();
    sign(&hsm).fails().says(REFUSED).done();
    hsm.kill_and_start_again();
    sign(&hsm).fails().says(REFUSED).done();
    // An hour that is over is over.
    authorize(&hsm, &["Max", "Eva"], &authorization("sign", "9", "2s")).succeeds().done();
    thread::sleep(Duration::from_secs(3));
    sign(&hsm).fails().says(REFUSED).done();
    Staff::new(&hsm, &[])
        .by(OFFICER, &["key", "quorum", "show", "dev"])
        .succeeds()
        .never_says("9 more")
        .done();
}

#[test]
fn an_approval_that_was_changed_or_is_for_another_key_or_more_uses_is_no_good() {
    needs!("pkcs11-tool");
    let hsm = guarded();
    hsm.user("--keypairgen --key-type rsa:2048 --id 02 --label other").succeeds().done();
    let staff = Staff::new(&hsm, &[]);
    let other = SET.map(|word| if word == "ca" { "other" } else { word });
    staff.by(OFFICER, &other).succeeds().done();
    let one = authorization("sign", "1", "10m");
    let asked = staff.request(OFFICER, "r", &one).succeeds();
    asked
        .says("key \"ca\" (unique id ")
        .says("partition \"dev\" (serial number")
        .says("2 of those who are")
        .done();
    let files = ["Ben", "Eva"].map(|name| sign_elsewhere(&hsm, name, "r"));
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    let given = |command: &[&str]| staff.with(OFFICER, &files, command).fails();
    given(&authorization("sign", "2", "10m")).says("it is for other parameters").done();
    given(&authorization("decrypt", "1", "10m")).says("it is for other parameters").done();
    given(&authorization("sign", "1", "24h")).says("it is for other parameters").done();
    given(&[&one[..], &["--application", "uid:0"]].concat()).says("it is for other parameters").done();
    given(&one.map(|word| if word == "ca" { "other" } else { word })).says("it is about key \"ca\"").done();
    given(&["key", "quorum", "remove", "dev", "ca"]).says("it approves `key authorize`").done();
    let text = String::from_utf8(hsm.read(files[1])).unwrap();
    for (from, to) in [
        ("\"approvals_needed\": 2", "\"approvals_needed\": 1"),
        ("\"expires\": \"2", "\"expires\": \"3"),
        ("\"signature\": \"", "\"signature\": \"00"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        hsm.write("changed", changed);
        staff.with(OFFICER, &[files[0], "changed"], &one).fails().says("the signature is not by UKey").done();
    }
    // With its words changed in both files, to what is asked for then, it is no signature of that.
    for file in &files {
        let text = String::from_utf8(hsm.read(file)).unwrap();
        let changed = text.replacen("\"uses\",\n      \"1\"", "\"uses\",\n      \"9\"", 1);
        assert_ne!(changed, text);
        hsm.write(&format!("{file}.more"), changed);
    }
    let more: Vec<_> = files.iter().map(|file| format!("{file}.more")).collect();
    let more: Vec<_> = more.iter().map(String::as_str).collect();
    let nine = authorization("sign", "9", "10m");
    staff.with(OFFICER, &more, &nine).fails().says("the signature is not by UKey").done();
    sign(&hsm).fails().says(REFUSED).done();
    staff.with(OFFICER, &files, &one).succeeds().done();
    sign(&hsm).succeeds().done();
}

#[test]
fn the_quorum_itself_changes_and_goes_with_its_own_approval_alone() {
    needs!("pkcs11-tool");
    let hsm = guarded();
    let staff = Staff::new(&hsm, &[]);
    let weaker = SET.map(|word| if word == "2" { "1" } else { word });
    let remove = ["key", "quorum", "remove", "dev", "ca"];
    for command in [&weaker[..], &remove] {
        staff.by(OFFICER, command).fails().says("needs the approval of 2 approvers of the key").done();
        authorize(&hsm, &["Eva"], command).fails().says("and 1 approved it").done();
        staff.by("Ada", command).fails().says("may not give").done();
    }
    sign(&hsm).fails().says(REFUSED).done();
    // Somebody who is gone does not count any more.
    staff
        .by("Pia", &["people", "remove", "Max", "--role", "crypto-user", "--partition", "dev"])
        .succeeds()
        .done();
    authorize(&hsm, &["Eva", "Max"], &remove).fails().says("nobody is registered with this UKey").done();
    staff
        .by(OFFICER, &["key", "quorum", "show", "dev", "ca"])
        .succeeds()
        .says("2 of Ben, Eva, (nobody any more)")
        .done();
    authorize(&hsm, &["Eva", "Ben"], &remove).succeeds().says("need no approval any more").done();
    sign(&hsm).succeeds().done();
    staff.by(OFFICER, &["key", "quorum", "show", "dev"]).succeeds().says("No key is under a quorum").done();
    let records = staff.by("Ada", &["audit", "tail", "--after", "0", "--once"]).succeeds().out();
    for action in ["set the quorum of a key", "use an authorisation", "remove the quorum of a key"] {
        assert!(records.contains(action), "{action}: {records}");
    }
}

#[test]
fn to_unwrap_takes_approval_too() {
    needs!("pkcs11-tool");
    let hsm = start();
    hsm.user("--keygen --key-type AES:32 --id 02 --label original --extractable").succeeds().done();
    hsm.user("--wrap --mechanism RSA-PKCS --id 01 --application-id 02 --output-file blob").succeeds().done();
    let staff = Staff::new(&hsm, &[]);
    staff.by(OFFICER, &SET.map(|word| if word == "sign" { "unwrap" } else { word })).succeeds().done();
    let unwrap = |id: &str| {
        let line = "--unwrap --mechanism RSA-PKCS --id 01 --input-file blob --key-type AES: --application-id";
        hsm.user(&format!("{line} {id} --application-label again"))
    };
    unwrap("03").fails().says(REFUSED).done();
    authorize(&hsm, &["Ben", "Eva"], &authorization("unwrap", "1", "10m")).succeeds().done();
    sign(&hsm).fails().says(REFUSED).done();
    unwrap("03").succeeds().done();
    unwrap("04").fails().says(REFUSED).done();
}

/// Signs again and again in a process of its own, as a loop of the shell says, and writes a line to a file for each
/// signature.
fn signing(hsm: &Hsm, number: usize, again: &str) -> Beside {
    let tool = format!(
        "pkcs11-tool --module {} --token-label {} --login --pin {} {SIGN}.{number}",
        hsm.module(),
        hsm.label(),
        hsm.pin(),
    );
    let line = format!("{again}; do {tool} >/dev/null 2>&1 && echo made >> made.{number}; done; true");
    Beside::of(hsm.command("sh").args(["-c", &line]))
}

fn made(hsm: &Hsm, number: usize) -> usize {
    fs::read_to_string(hsm.path(&format!("made.{number}"))).unwrap_or_default().lines().count()
}

#[test]
fn of_eight_applications_at_once_five_uses_are_five_and_kill_9_adds_none() {
    needs!("pkcs11-tool");
    let mut hsm = guarded();
    authorize(&hsm, &["Ben", "Eva"], &authorization("sign", "5", "10m")).succeeds().done();
    let eight: Vec<_> = (0..8).map(|number| signing(&hsm, number, "for i in 1 2")).collect();
    eight.into_iter().for_each(Beside::ends);
    assert_eq!((0..8).map(|number| made(&hsm, number)).sum::<usize>(), 5);
    // Killed in the middle: what was counted and not answered is lost, and nothing is there twice.
    authorize(&hsm, &["Ben", "Eva"], &authorization("sign", "12", "10m")).succeeds().done();
    let four: Vec<_> = (10..14).map(|number| signing(&hsm, number, "while [ ! -e stop ]")).collect();
    while (10..14).map(|number| made(&hsm, number)).sum::<usize>() < 3 {
        thread::sleep(Duration::from_millis(2));
    }
    hsm.kill_and_start_again();
    let mut here = 0;
    while sign(&hsm).succeeded() {
        here += 1;
    }
    hsm.write("stop", "");
    four.into_iter().for_each(Beside::ends);
    let total = here + (10..14).map(|number| made(&hsm, number)).sum::<usize>();
    assert!((8..=12).contains(&total), "{total} of 12, of which four may have been lost");
    sign(&hsm).fails().says(REFUSED).done();
}

#[test]
fn a_restore_brings_the_quorum_back_and_no_use() {
    needs!("pkcs11-tool");
    let hsm = guarded();
    let staff = Staff::new(&hsm, &[]);
    hsm.write("phrase", "correct horse battery staple\n");
    authorize(&hsm, &["Ben", "Eva"], &authorization("sign", "3", "10m")).succeeds().done();
    let create = ["backup", "create", "dev", "--out", "b", "--passphrase-file", "phrase"];
    staff.by("Ada", &create).succeeds().done();
    sign(&hsm).succeeds().done();
    let restore = ["backup", "restore", "b", "--passphrase-file", "phrase", "--replace", "--older", "--yes"];
    staff.by("Ada", &restore).succeeds().done();
    sign(&hsm).fails().says(REFUSED).done();
    authorize(&hsm, &["Ben", "Eva"], &authorization("sign", "1", "10m")).succeeds().done();
    sign(&hsm).succeeds().done();
    sign(&hsm).fails().says(REFUSED).done();
    // Of a partition that is gone nobody is anything any more; the key that comes back waits for its approvers.
    staff.by("Ada", &["partition", "delete", "dev", "--yes"]).succeeds().done();
    staff.by("Ada", &restore[..5]).succeeds().done();
    sign(&hsm).fails().says(REFUSED).done();
    staff
        .by("Ada", &["key", "quorum", "show", "dev"])
        .succeeds()
        .says("2 of ")
        .never_says("is authorised")
        .done();
}
