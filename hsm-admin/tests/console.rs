//! The console on a terminal: a pseudo-terminal with a person's keystrokes.

#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "shared by test programs that use part of it each"
)]
mod common;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use common::FakeDaemon;
use rexpect::session::{PtySession, spawn_command};
use wire::Bytes;
use wire::admin::Ask;

fn on_a_terminal(daemon: &FakeDaemon, words: &[&str]) -> PtySession {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hsm-admin"));
    command
        .args(words)
        .env("CLAVIGER_ADMIN_SOCKET", daemon.socket())
        .env("XDG_STATE_HOME", daemon.dir.path())
        .env("TERM", "xterm")
        .env("NO_COLOR", "1");
    spawn_command(command, Some(20_000)).unwrap()
}

#[test]
fn the_console_takes_commands_and_keeps_them_but_no_pin() {
    let daemon = FakeDaemon::usual();
    let mut terminal = on_a_terminal(&daemon, &[]);
    terminal.exp_string("hsmd 0.1.0 at ").unwrap();
    terminal.exp_string("hsm> ").unwrap();
    terminal.send_line("partition show payments").unwrap();
    terminal.exp_string("serial-0").unwrap();
    terminal.exp_string("hsm> ").unwrap();
    // A PIN typed at the wrong moment is no command.
    terminal.send_line("12345678").unwrap();
    terminal.exp_string("unrecognized subcommand").unwrap();
    terminal.exp_string("hsm> ").unwrap();
    terminal.send_line("help partition").unwrap();
    terminal.exp_string("rename").unwrap();
    terminal.exp_string("hsm> ").unwrap();
    terminal.send_line("partition show absent").unwrap();
    terminal.exp_string("error: no partition").unwrap();
    terminal.exp_string("hsm> ").unwrap();
    terminal.send_line("quit").unwrap();
    terminal.exp_eof().unwrap();

    let history = daemon.dir.path().join("claviger/history");
    let lines = std::fs::read_to_string(&history).unwrap();
    assert!(lines.contains("partition show payments") && lines.contains("quit"), "{lines}");
    assert!(!lines.contains("12345678"), "{lines}");
    assert_eq!(history.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn tab_completes_commands_and_labels() {
    let daemon = FakeDaemon::usual();
    let mut terminal = on_a_terminal(&daemon, &[]);
    terminal.exp_string("hsm> ").unwrap();
    terminal.send("obj\tli\ttw\t").unwrap();
    terminal.flush().unwrap();
    terminal.exp_string("object list 'two words' ").unwrap();
    terminal.send_line("").unwrap();
    terminal.exp_string("key 1500").unwrap();
    let asked = daemon.asked();
    assert!(asked.contains(&Ask::ObjectList { partition: "two words".into(), after: 0 }), "{asked:?}");
}

#[test]
fn pins_are_asked_twice_without_echo() {
    let daemon = FakeDaemon::usual();
    let mut terminal = on_a_terminal(&daemon, &["partition", "create", "new"]);
    for pin in ["12345678", "87654321"] {
        terminal.exp_string("PIN: ").unwrap();
        terminal.send_line(pin).unwrap();
        terminal.exp_string("The same again: ").unwrap();
        terminal.send_line(pin).unwrap();
    }
    let printed = terminal.exp_eof().unwrap();
    assert!(printed.contains("Made a partition.") && !printed.contains("87654321"), "{printed}");
    let expected = Ask::PartitionCreate {
        label: "new".into(),
        policy: "standard".into(),
        so_pin: Some(Bytes::from(&b"12345678"[..])),
        user_pin: Some(Bytes::from(&b"87654321"[..])),
    };
    assert_eq!(daemon.asked(), [expected]);
}

#[test]
fn two_entries_of_a_pin_that_differ_change_nothing() {
    let daemon = FakeDaemon::usual();
    let mut terminal = on_a_terminal(&daemon, &["partition", "create", "new"]);
    terminal.exp_string("PIN: ").unwrap();
    terminal.send_line("12345678").unwrap();
    terminal.exp_string("The same again: ").unwrap();
    terminal.send_line("12345679").unwrap();
    terminal.exp_string("the two entries of the security officer's PIN differ; nothing was changed").unwrap();
    terminal.exp_eof().unwrap();
    assert_eq!(daemon.asked(), []);
}

#[test]
fn a_partition_is_deleted_only_when_its_label_is_typed() {
    let daemon = FakeDaemon::usual();
    for (typed, deleted) in [("yes", false), ("two words", true)] {
        let mut terminal = on_a_terminal(&daemon, &["partition", "delete", "1"]);
        terminal.exp_string(" in slot 1, with 1500 objects.").unwrap();
        terminal.exp_string("(two words): ").unwrap();
        terminal.send_line(typed).unwrap();
        terminal.exp_eof().unwrap();
        let asked = daemon.asked();
        assert_eq!(asked.contains(&Ask::PartitionDelete { partition: "serial-1".into() }), deleted);
    }
}
