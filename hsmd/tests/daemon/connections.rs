//! Connections: many at once, hostile ones, refused ones, and those that ask for too much.

use std::fs;
use std::io::{Read, Write};
use std::time::Duration;

use crate::common::{Client, Place, USER_PIN};
use wire::calls::random::{GenerateRandom, SeedRandom};
use wire::calls::session::Login;
use wire::calls::slot::{GetSlotList, GetTokenInfo};
use wire::{Rv, Slice, SlotId, frame};

#[test]
fn connections_of_one_application_share_sessions_and_others_do_not() {
    let place = Place::new("");
    let daemon = place.start();
    let slot = daemon.partition("shared");
    let mut first = daemon.client();
    let session = first.session(slot);
    let mut second = Client::over(daemon.raw(), Some(first.opened.application)).unwrap();
    second.call(&GenerateRandom { session, len: 8 }).unwrap();
    let mut stranger = daemon.client();
    let refused = stranger.call(&GenerateRandom { session, len: 8 });
    assert_eq!(refused.unwrap_err(), Rv::SESSION_HANDLE_INVALID);
    drop(first);
    second.call(&GenerateRandom { session, len: 8 }).unwrap();
}

#[test]
fn a_failed_call_is_one_line_with_caller_code_and_reason_and_no_pin() {
    let place = Place::new("");
    let daemon = place.start();
    let slot = daemon.partition("logged");
    let mut client = daemon.client();
    let session = client.session(slot);
    let pin = Some(Slice(b"wrong-pin-to-find"));
    assert_eq!(client.call(&Login { session, user: 1, pin }).unwrap_err(), Rv::PIN_INCORRECT);
    daemon.logs("CKR_PIN_INCORRECT");
    let log = place.log();
    let line =
        log.lines().find(|line| line.contains("CKR_PIN_INCORRECT") && line.contains("C_Login")).unwrap();
    let pid = format!("pid={}", std::process::id());
    for part in ["uid=", &pid, "C_Login", "the PIN is wrong"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    client.call(&Login { session, user: 1, pin: Some(Slice(USER_PIN)) }).unwrap();
    let log = place.log();
    for secret in ["wrong-pin-to-find", "12345678", "87654321"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn garbage_or_half_a_frame_or_silence_disturbs_no_other() {
    let place = Place::new("");
    let daemon = place.start();
    let slot = daemon.partition("quiet");
    let mut other = daemon.client();
    let session = other.session(slot);

    let silent = daemon.raw();
    let mut half = daemon.client();
    half.send(&[200, 0, 0, 0, 1, 4]);
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 5000], &[0; 4], &[3, 0, 0, 0, 1, 2, 3]] {
        let mut hostile = daemon.raw();
        hostile.write_all(garbage).unwrap();
        let mut answer = Vec::new();
        // Closed, with a reset if more was sent than was read.
        let _ = hostile.read_to_end(&mut answer);
        assert!(answer.is_empty());
    }
    let mut opened = daemon.client();
    opened.send(&[6, 0, 0, 0, 2, 0x0d, 0xff, 0xff, 0xff, 0xff]);
    assert!(opened.answer().is_err(), "a call that does not decode closes its connection");
    let mut opened = daemon.client();
    opened.send(&(frame::LIMIT + 1).to_le_bytes());
    assert!(opened.answer().is_err(), "so does a frame beyond the limit");
    let mut opened = daemon.client();
    opened.send(&[2, 0, 0, 0, 0xff, 0x7f]);
    assert_eq!(opened.answer().unwrap().0, Rv::FUNCTION_NOT_SUPPORTED);

    other.call(&GenerateRandom { session, len: 8 }).unwrap();
    daemon.logs("what came first is no greeting");
    daemon.logs("does not decode");
    daemon.logs("is the limit");
    drop(half);
    daemon.logs("half a frame came");
    drop(silent);
    other.call(&GenerateRandom { session, len: 8 }).unwrap();
}

#[test]
fn one_that_claims_much_and_sends_nothing_costs_no_memory() {
    let place = Place::new("[limits]\nrequest_bytes = 4194304\n");
    let daemon = place.start();
    let slot = daemon.partition("claims");
    let mut other = daemon.client();
    let session = other.session(slot);
    let before = resident(daemon.pid());
    let claim = |_| {
        let mut client = daemon.client();
        client.send(&frame::LIMIT.to_le_bytes());
        client
    };
    let claims: Vec<Client> = (0..16).map(claim).collect();
    std::thread::sleep(Duration::from_millis(200));
    let grown = resident(daemon.pid()).saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes for nothing");
    let large = vec![1; 1 << 20];
    other.call(&SeedRandom { session, seed: Slice(&large) }).unwrap();
    drop(claims);
}

#[test]
fn large_calls_beyond_the_limit_are_told_so_and_the_connection_goes_on() {
    let place = Place::new("[limits]\nrequest_bytes = 4194304\n");
    let daemon = place.start();
    let slot = daemon.partition("large");
    let mut client = daemon.client();
    let session = client.session(slot);
    let mut holder = daemon.client();
    holder.send(&frame::LIMIT.to_le_bytes());
    holder.send(&vec![0; 3 << 20]);
    std::thread::sleep(Duration::from_millis(200));
    let large = vec![1; 3 << 20];
    let seed = SeedRandom { session, seed: Slice(&large) };
    assert_eq!(client.call(&seed).unwrap_err(), Rv::DEVICE_MEMORY);
    client.call(&GenerateRandom { session, len: 8 }).unwrap();
    drop(holder);
    let mut tries = 0;
    while client.call(&seed).is_err() {
        tries += 1;
        assert!(tries < 100, "the budget does not come back");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_connection_over_the_limit_is_refused_in_words() {
    let place = Place::new("[limits]\nconnections = 3\n");
    let daemon = place.start();
    let mut clients: Vec<Client> = (0..3).map(|_| retry(|| Client::over(daemon.raw(), None))).collect();
    let (rv, reason) = Client::over(daemon.raw(), None).err().unwrap();
    assert_eq!(rv, Rv::DEVICE_MEMORY);
    assert!(reason.contains("3 connections"), "{reason}");
    daemon.logs("the limit of 3 connections is reached");
    clients.pop();
    retry(|| Client::over(daemon.raw(), None));
}

/// The daemon sees a moment later that a connection has closed.
fn retry<T, E: std::fmt::Debug>(what: impl Fn() -> Result<T, E>) -> T {
    for _ in 0..100 {
        if let Ok(done) = what() {
            return done;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    what().unwrap()
}

#[test]
fn who_may_connect_and_to_which_partition_is_configured() {
    let place = Place::new("[socket]\nuids = [4294967290]\n");
    let daemon = place.start();
    let (rv, reason) = Client::over(daemon.raw(), None).err().unwrap();
    assert_eq!(rv, Rv::FUNCTION_REJECTED);
    assert!(reason.contains("may not connect"), "{reason}");
    drop(daemon);

    let uid = nix::unistd::geteuid().as_raw();
    let place = Place::new(&format!(
        "[[access]]\npartition = \"mine\"\nuids = [{uid}]\n[[access]]\npartition = \"theirs\"\nuids = [4294967290]\n"
    ));
    let daemon = place.start();
    let (mine, theirs, open) =
        (daemon.partition("mine"), daemon.partition("theirs"), daemon.partition("open"));
    let mut client = daemon.client();
    assert_eq!(&*client.call(&GetSlotList { token_present: false }).unwrap(), [mine, open]);
    for slot in [mine, open] {
        client.call(&GetTokenInfo { slot }).unwrap();
    }
    assert_eq!(client.call(&GetTokenInfo { slot: theirs }).unwrap_err(), Rv::SLOT_ID_INVALID);
}

#[test]
fn two_thousand_and_forty_eight_connections_are_held_and_used_in_little_memory() {
    let place = Place::new("");
    let daemon = place.start();
    let slot = daemon.partition("crowded");
    raise_file_limit();
    let before = resident(daemon.pid());
    let mut clients: Vec<Client> = (0..2048).map(|_| daemon.client()).collect();
    for client in &mut clients {
        let session = client.session(slot);
        assert_eq!(client.call(&GenerateRandom { session, len: 32 }).unwrap().len(), 32);
    }
    let each = resident(daemon.pid()).saturating_sub(before) / 2048;
    println!("{each} bytes of memory for each of 2,048 connections");
    assert!(each < 64 << 10, "{each} bytes for each connection");
    // Each is still there.
    for client in &mut clients {
        client.call(&GetTokenInfo { slot: SlotId(slot.0) }).unwrap();
    }
}

fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(hard > 4096, "the test needs more files than {hard}");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
}

/// Resident memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
