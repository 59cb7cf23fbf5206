//! Each command against a daemon of the test's own: what it asks, what it prints, how it exits.

#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "shared by test programs that use part of it each"
)]
mod common;

use std::io::Write;
use std::process::Stdio;

use common::{FakeDaemon, text, usual};
use wire::admin::root::{Ask as Root, Custody, Told as TellsRoot};
use wire::admin::{Ask, Told};
use wire::{Bytes, List};

fn bytes(text: &str) -> Bytes {
    Bytes::from(text.as_bytes())
}

#[test]
fn status_is_a_table_for_people_and_stable_keys_for_programs() {
    let daemon = FakeDaemon::usual();
    let out = daemon.run(&["status"]);
    assert_eq!(out.status.code(), Some(0));
    assert_eq!(
        text(&out.stdout),
        "\
hsmd         0.1.0, process 4711
state        open
up for       1 h 1 min
store        redb
socket       /run/claviger/hsmd.sock
connections  3 of 4096
sessions     5
partitions   2
objects      1500
"
    );
    let json = text(&daemon.run(&["status", "--json"]).stdout);
    assert_eq!(
        json,
        r#"{
  "version": "0.1.0",
  "pid": 4711,
  "uptime": 3700,
  "sealed": false,
  "store": "redb",
  "socket": "/run/claviger/hsmd.sock",
  "connections": 3,
  "max_connections": 4096,
  "sessions": 5,
  "partitions": 2,
  "objects": 1500
}
"#
    );
}

#[test]
fn partitions_as_json_have_stable_keys() {
    let daemon = FakeDaemon::usual();
    let json = text(&daemon.run(&["--json", "partition", "show", "two words"]).stdout);
    assert_eq!(
        json,
        r#"{
  "slot": 1,
  "label": "two words",
  "serial": "serial-1",
  "uri": "pkcs11:token=two words;serial=serial-1",
  "policy": "standard",
  "initialized": true,
  "user_pin": true,
  "so_pin_failures": 0,
  "user_pin_failures": 2,
  "so_pin_locked": false,
  "user_pin_locked": false,
  "objects": 1500,
  "sessions": 1
}
"#
    );
    let list: serde_json::Value =
        serde_json::from_slice(&daemon.run(&["partition", "list", "--json"]).stdout).unwrap();
    assert_eq!(list[1]["label"], "two words");
}

#[test]
fn objects_come_from_every_page() {
    let daemon = FakeDaemon::usual();
    let out = daemon.run(&["object", "list", "payments", "--json"]);
    let list: Vec<serde_json::Value> = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(list.len(), 1500);
    assert_eq!(list[1499]["label"], "key 1500");
    assert_eq!(
        list[0],
        serde_json::json!({
            "number": 1, "unique_id": "unique-1", "class": "CKO_PRIVATE_KEY", "kind": "CKK_EC", "bits": 256,
            "label": "key 1", "id": "0a0b", "private": true, "sensitive": true, "extractable": false,
            "usages": ["sign", "derive"],
        })
    );
    let table = text(&daemon.run(&["object", "list", "payments"]).stdout);
    assert!(table.lines().nth(1).unwrap().starts_with("private key  EC     256  key 1"), "{table}");
    assert_eq!(table.lines().count(), 1501);
}

#[test]
fn a_partition_is_made_with_pins_from_files() {
    let daemon = FakeDaemon::usual();
    let (so, user) = (daemon.file("so", "12345678\n"), daemon.file("user", "87654321"));
    let out = daemon.run(&[
        "partition",
        "create",
        "new",
        "--policy",
        "strict",
        "--so-pin-file",
        &so,
        "--user-pin-file",
        &user,
    ]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(text(&out.stdout).starts_with("Made a partition.\n\nlabel          new\nslot           2\n"));
    let expected = Ask::PartitionCreate {
        label: "new".into(),
        policy: "strict".into(),
        so_pin: Some(bytes("12345678")),
        user_pin: Some(bytes("87654321")),
    };
    assert_eq!(daemon.asked(), [expected]);
}

#[test]
fn a_pin_comes_from_a_descriptor_and_the_user_may_have_none() {
    let daemon = FakeDaemon::usual();
    let mut run = daemon
        .command(&["partition", "create", "new", "--so-pin-fd", "0", "--no-user-pin"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    run.stdin.take().unwrap().write_all(b"12345678\n").unwrap();
    assert!(run.wait().unwrap().success());
    let asked = daemon.asked();
    let [Ask::PartitionCreate { so_pin, user_pin: None, policy, .. }] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert_eq!((so_pin, policy.as_str()), (&Some(bytes("12345678")), "standard"));
}

#[test]
fn a_blank_partition_takes_no_pins() {
    let daemon = FakeDaemon::usual();
    let out = daemon.run(&["partition", "create", "new", "--blank"]);
    assert!(out.status.success());
    assert!(text(&out.stdout).contains("state          blank\n"));
    assert!(matches!(&daemon.asked()[..], [Ask::PartitionCreate { so_pin: None, user_pin: None, .. }]));
    let out = daemon.run(&["partition", "create", "new", "--blank", "--so-pin-file", "x"]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn pins_cannot_be_asked_for_without_a_terminal_and_the_error_says_what_to_do() {
    let daemon = FakeDaemon::usual();
    let out = daemon.run(&["partition", "create", "new"]);
    assert_eq!(out.status.code(), Some(2));
    assert_eq!(
        text(&out.stderr),
        "error: no terminal to ask for the security officer's PIN: give --so-pin-file or --so-pin-fd\n"
    );
    assert_eq!(daemon.asked(), []);
    let out = daemon.run(&["partition", "create", "new", "--so-pin-fd", "0", "--user-pin-fd", "0"]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn what_destroys_objects_asks_first_and_acts_on_what_was_shown() {
    let daemon = FakeDaemon::usual();
    for words in [["partition", "delete", "payments"], ["partition", "init", "payments"]] {
        let out = daemon.run(&words);
        assert_eq!(out.status.code(), Some(2));
        assert_eq!(text(&out.stderr), "error: no terminal to ask for confirmation: give --yes\n");
    }
    assert!(daemon.asked().iter().all(|ask| matches!(ask, Ask::PartitionShow { .. })));

    let out = daemon.run(&["partition", "delete", "payments", "--yes"]);
    assert_eq!(text(&out.stdout), "Deleted “payments” with 1500 objects.\n");
    let asked = daemon.asked();
    assert_eq!(asked.last(), Some(&Ask::PartitionDelete { partition: "serial-0".into() }));

    let so = daemon.file("so", "12345678");
    let out = daemon.run(&[
        "partition",
        "init",
        "1",
        "--yes",
        "--label",
        "b",
        "--so-pin-file",
        &so,
        "--no-user-pin",
    ]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let expected = Ask::PartitionInit {
        partition: "serial-1".into(),
        label: Some("b".into()),
        so_pin: bytes("12345678"),
        user_pin: None,
    };
    assert_eq!(daemon.asked().last(), Some(&expected));
}

#[test]
fn a_partition_is_renamed() {
    let daemon = FakeDaemon::usual();
    let out = daemon.run(&["partition", "rename", "two words", "three"]);
    assert_eq!(text(&out.stdout), "The partition in slot 1 is now “three”.\n");
}

#[test]
fn the_daemons_refusal_is_told_in_its_words() {
    let daemon = FakeDaemon::usual();
    let out = daemon.run(&["partition", "show", "absent"]);
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(text(&out.stderr), "error: no partition “absent”\n");
    assert!(out.stdout.is_empty());
}

#[test]
fn a_refusal_of_a_sealed_daemon_has_an_exit_code_of_its_own() {
    let daemon = FakeDaemon::start(|ask| usual(ask, true));
    let out = daemon.run(&["partition", "list"]);
    assert_eq!(out.status.code(), Some(4));
    assert_eq!(text(&out.stderr), "error: the root key is not there\n");
    let out = daemon.run(&["status"]);
    assert_eq!(out.status.code(), Some(0));
    assert!(text(&out.stdout).contains("state        sealed: it waits for its root key\n"));
    assert!(!text(&out.stdout).contains("objects"), "what it holds is not known: {}", text(&out.stdout));
    assert!(text(&daemon.run(&["status", "--json"]).stdout).contains("\"objects\""));
}

#[test]
fn a_new_root_key_is_told_though_the_same_keep_it() {
    let daemon = FakeDaemon::start(|ask| match ask {
        Ask::Root(Root::Show | Root::Change { .. }) => Told::Root(TellsRoot::Custody(Custody {
            sealed: false,
            kind: "file".into(),
            need: 0,
            holders: List::new(Vec::new()).unwrap(),
            token: String::new(),
        })),
        other => usual(other, false),
    });
    let shown = text(&daemon.run(&["root", "show"]).stdout);
    let changed = text(&daemon.run(&["rekey", "root"]).stdout);
    assert_eq!(changed, format!("Another root key opens the store from now on.\n\n{shown}"));
}

#[test]
fn a_daemon_is_unsealed_with_the_passphrase_of_a_file() {
    let daemon = FakeDaemon::start(|ask| usual(ask, true));
    let right = daemon.file("right", "open sesame\n");
    let out = daemon.run(&["unseal", "--passphrase-file", &right]);
    assert_eq!((out.status.code(), text(&out.stdout)), (Some(0), "The daemon is open.\n".into()));
    let wrong = daemon.file("wrong", "open barley\n");
    let out = daemon.run(&["unseal", "--passphrase-file", &wrong]);
    assert_eq!((out.status.code(), text(&out.stderr)), (Some(1), "error: the passphrase is wrong\n".into()));
    let out = daemon.run(&["unseal"]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn no_daemon_is_told_with_the_path() {
    let daemon = FakeDaemon::usual();
    let gone = daemon.dir.path().join("gone.sock");
    let out = daemon.run(&["--socket", gone.to_str().unwrap(), "status"]);
    assert_eq!(out.status.code(), Some(3));
    assert_eq!(text(&out.stderr), format!("error: no daemon at {} (is hsmd running?)\n", gone.display()));
    let stale = daemon.file("stale.sock", "");
    assert_eq!(daemon.run(&["--socket", &stale, "status"]).status.code(), Some(3));
}

#[test]
fn an_answer_to_another_question_is_not_believed() {
    let daemon = FakeDaemon::start(|_| Told::Done);
    for words in [vec!["status"], vec!["partition", "list"], vec!["object", "list", "payments"]] {
        let out = daemon.run(&words);
        assert_eq!(out.status.code(), Some(1));
        assert!(text(&out.stderr).contains("are both of one release?"));
    }
}

#[test]
fn wrong_usage_exits_with_2_and_shows_what_is_right() {
    let daemon = FakeDaemon::usual();
    for (words, expected) in [
        (vec!["partition", "create", "x", "--policy", "lax"], "[possible values: strict, standard, legacy]"),
        (vec!["partition", "crate", "x"], "'create'"),
        (vec!["object", "list"], "<PARTITION>"),
        (vec![], "expected a command"),
    ] {
        let out = daemon.run(&words);
        assert_eq!(out.status.code(), Some(2), "{words:?}");
        assert!(text(&out.stderr).contains(expected), "{}", text(&out.stderr));
    }
}

#[test]
fn help_fits_80_columns_and_names_every_group() {
    let daemon = FakeDaemon::usual();
    let help = text(&daemon.run(&["--help"]).stdout);
    for group in ["status", "unseal", "partition", "object", "Exit codes:"] {
        assert!(help.contains(group), "{help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
}
