//! Accounts of a Linux host: passwords and keys, with OpenSSH's own client.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tests::process::is_root;
use tests::{Place, Rest, Run, Shell, SshHost, needs};

use super::{failures, next_turn, polling_by, read_value, rotate, world};

/// Skips the test where no host can be made: its accounts need root.
macro_rules! needs_a_host {
    () => {
        needs!("sshd", "ssh", "ssh-keygen", "sshpass", "sudo", "unshare", "nsenter");
        if !is_root() {
            println!("skipped: only root makes a host with accounts of its own");
            return;
        }
    };
}

fn register(place: &Place, server: &SshHost, keys: &str) -> Run {
    let (known, password) = (place.path("host-keys"), place.path("admin-password"));
    fs::write(&known, keys).unwrap();
    fs::write(&password, SshHost::ADMIN_PASSWORD).unwrap();
    place.admin(&format!(
        "database add web --engine ssh --host localhost --port {} --ca {} --admin {} --password-file {}",
        server.address().port(),
        known.display(),
        SshHost::ADMIN,
        password.display()
    ))
}

fn host(place: &Place, more: &str) -> Run {
    place.admin(&format!("secret host db --database web --account app --yes {more}"))
}

fn with_password(place: &Place, password: &str) -> Run {
    let file = place.path("app-password");
    fs::write(&file, password).unwrap();
    host(place, &format!("--password-file {}", file.display()))
}

/// The client that a value is for.
fn client(server: &SshHost, value: &Value) -> Command {
    let get = |field: &str| value[field].as_str();
    match get("private_key") {
        Some(key) => server.client_with_key(get("name").unwrap(), key),
        None => server.client(get("name").unwrap(), get("password").unwrap()),
    }
}

fn log_in(server: &SshHost, value: &Value) -> Result<(), String> {
    let run = Run::of(client(server, value).arg("echo in"));
    if run.succeeded() && run.out() == "in\n" { Ok(()) } else { Err(run.story()) }
}

fn rotate_often(place: &Place, rest: &Rest, server: &SshHost, times: usize) -> Vec<String> {
    let polled = polling_by(
        rest,
        |value| log_in(server, value),
        |begun| {
            for _ in 0..times {
                rotate(place).succeeds().done();
                next_turn(begun);
            }
        },
    );
    println!("{} log-ins, {} failed, gap {:?}", polled.log_ins, polled.failed.len(), polled.gap);
    log_in(server, &read_value(rest, "SYSCURRENT").unwrap()).unwrap();
    polled.failed
}

#[test]
fn a_password_of_a_host_is_rotated_and_an_open_session_lives_on() {
    needs_a_host!();
    let mut server = SshHost::start();
    let (place, rest) = world();
    let _daemon = place.start();
    let (_, other) = hosts::new_key(&[7; 32], "").unwrap();
    register(&place, &server, &other).fails().says("ssh_host_").done();
    register(&place, &server, &server.host_keys()).succeeds().says("Registered").done();
    with_password(&place, "wrong").fails().says("password").done();
    let dual = host(&place, &format!("--dual --password-file {}", place.path("app-password").display()));
    dual.fails().says("no clone").done();
    with_password(&place, SshHost::APP_PASSWORD).succeeds().done();
    let first = read_value(&rest, "SYSCURRENT").unwrap();
    let mut open = Shell::of(client(&server, &first).arg("cat"));
    assert_eq!(open.ask("before"), "before");
    rotate_often(&place, &rest, &server, 5);
    assert_eq!(open.ask("after"), "after");
    assert!(log_in(&server, &first).is_err(), "the first password is good");
    let now = read_value(&rest, "SYSCURRENT").unwrap();
    assert!(!server.log().contains(now["password"].as_str().unwrap()), "the host's log has the password");
    drop(open);
    server.command("userdel app");
    rotate(&place).fails().says("app").done();
    server.stop();
    rotate(&place).fails().done();
    let codes: Vec<_> = failures(&place).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["SERVER_UNREACHABLE", "SERVER_NO_ACCOUNT"]);
}

#[test]
fn a_key_of_a_host_is_rotated_and_whoever_read_the_one_before_gets_in() {
    needs_a_host!();
    let server = SshHost::start();
    let (place, rest) = world();
    let _daemon = place.start();
    register(&place, &server, &server.host_keys()).succeeds().done();
    let key = place.path("app.key");
    let made = Command::new("ssh-keygen").args(["-q", "-N", "", "-t", "ed25519", "-f"]).arg(&key).status();
    assert!(made.unwrap().success());
    let file = format!("--private-key {}", key.display());
    host(&place, &file).fails().says("does not let the account in").done();
    let public = fs::read_to_string(place.path("app.key.pub")).unwrap();
    server.command("install -d -o app -g app -m 700 /home/app/.ssh");
    server.write("home/app/.ssh/authorized_keys", &public);
    server.command("chown app:app /home/app/.ssh/authorized_keys");
    host(&place, &file).succeeds().done();
    let mut before = Vec::new();
    for _ in 0..3 {
        before.push(read_value(&rest, "SYSCURRENT").unwrap());
        rotate(&place).succeeds().done();
        log_in(&server, before.last().unwrap()).unwrap();
    }
    // The one before the last is gone; what somebody else put there stays.
    assert!(log_in(&server, &before[1]).is_err(), "an old key lets in");
    log_in(&server, &before[0]).unwrap();
    assert_eq!(rotate_often(&place, &rest, &server, 20), Vec::<String>::new());
    let now = read_value(&rest, "SYSCURRENT").unwrap();
    let kept = String::from_utf8(server.read("home/app/.ssh/authorized_keys")).unwrap();
    let public = now["public_key"].as_str().unwrap().split(' ').nth(1).unwrap();
    assert!(kept.contains(public), "{kept}");
    place.admin("secret show db").succeeds().says("SSHKey-FG").done();
    place.admin("secret get db --pair private_key --yes").succeeds().says("OPENSSH PRIVATE KEY").done();
}
