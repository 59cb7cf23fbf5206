//! `scripts/dev-up` as people start it, right and wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tempfile::TempDir;
use tests::{Hsm, Run, not_on_stand_in, script};

#[test]
fn a_daemon_starts_where_there_is_no_python() {
    let stand_in = TempDir::new().expect("a directory");
    let python = stand_in.path().join("python3");
    fs::write(&python, "#!/bin/sh\nexit 127\n").expect("a file");
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).expect("a mode");
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no daemon");
    let state = hsm.path("another");
    let path = format!("{}:{}", stand_in.path().display(), std::env::var("PATH").expect("a path"));
    let up = Run::of(Command::new(script("dev-up")).arg(&state).env("PATH", path)).succeeds();
    let down = Run::of(Command::new(script("dev-down")).arg(&state));
    let address =
        up.out().lines().find_map(|line| Some(line.split_once("KMS_ENDPOINT=https://")?.1.to_owned()));
    assert_ne!(address.as_deref(), Some(""));
    assert_ne!(address.expect("an address"), hsm.var("KMS_ENDPOINT").trim_start_matches("https://"));
    down.succeeds().done();
}

#[test]
fn a_start_that_did_not_come_to_its_end_is_not_gone_on_with() {
    let state = TempDir::new().expect("a directory");
    fs::write(state.path().join("dev.env"), "P11_LABEL=dev-1\nP11_PIN=1\nP11_SO_PIN=2\n").expect("a file");
    let mut again = Command::new(script("dev-up"));
    // As in the shell of another daemon.
    again.arg(state.path()).arg("--again").env("DOMAIN_ID", "0123").env("AK", "AK");
    Run::of(&again).fails().says("did not come to its end").done();
    assert_eq!(fs::read_dir(state.path()).expect("a directory").count(), 1, "nothing was started");
}
