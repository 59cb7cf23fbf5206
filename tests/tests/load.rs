//! Many connections at once, and clients that misbehave: nobody else notices.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use conformance::names::Rv;
use conformance::session::Session;
use cryptoki_sys as ck;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tests::{Client, Daemon, Place};
use wire::calls::random::GenerateRandom;
use wire::calls::session::OpenSession;
use wire::{SessionHandle, SlotId, frame};

/// As many as the daemon promises to hold.
const MANY: usize = 2048;

fn session(client: &mut Client, slot: u64) -> SessionHandle {
    let flags = ck::CKF_SERIAL_SESSION | ck::CKF_RW_SESSION;
    client.call(&OpenSession { slot: SlotId(slot), flags }).unwrap()
}

fn random(client: &mut Client, session: SessionHandle) {
    assert_eq!(client.call(&GenerateRandom { session, len: 32 }).unwrap().len(), 32);
}

#[test]
fn two_thousand_and_forty_eight_connections_are_open_at_once_and_each_is_used_beside_a_module() {
    // This process has one end of each, and the daemon the other.
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let place = Place::new("");
    let daemon = place.start();
    let slot = daemon.partition("crowded", "standard");
    let bystander = place.user("crowded");
    let before = daemon.resident();
    let mut clients: Vec<Client> = (0..MANY).map(|_| daemon.client()).collect();
    let opened = daemon.resident();
    let mut sessions = Vec::new();
    for client in &mut clients {
        sessions.push(session(client, slot));
    }
    // All at once, in several threads: each connection still has its own session and answers.
    let share = MANY / 8;
    thread::scope(|scope| {
        for (clients, sessions) in clients.chunks_mut(share).zip(sessions.chunks(share)) {
            scope.spawn(move || {
                for _ in 0..3 {
                    clients.iter_mut().zip(sessions).for_each(|(client, session)| random(client, *session));
                }
            });
        }
    });
    let used = daemon.resident();
    let each = |bytes: u64| bytes.saturating_sub(before) / MANY as u64 / 1024;
    println!(
        "{MANY} connections: {} MiB resident before, {} MiB open ({} KiB each), {} MiB used ({} KiB each)",
        before >> 20,
        opened >> 20,
        each(opened),
        used >> 20,
        each(used)
    );
    assert!(each(used) < 64, "{} KiB for each connection", each(used));
    let (rv, bytes) = bystander.module.random(bystander.handle, 32, 32);
    assert_eq!((rv, bytes.len()), (Rv::OK, 32));
    let status = place.admin("status --json").succeeds().out();
    assert!(status.contains(&format!("{}", MANY + 1)), "{status}");
}

#[test]
fn a_connection_beyond_the_limit_is_told_so_and_one_that_closes_makes_room() {
    let place = Place::new("[limits]\nconnections = 16\n");
    let daemon = place.start();
    let slot = daemon.partition("small", "standard");
    let mut clients = Vec::new();
    // The connection with which the start was noticed may still be counted for a moment.
    while clients.len() < 16 {
        match Client::over(daemon.raw()) {
            Ok(client) => clients.push(client),
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
    let (rv, reason) = Client::over(daemon.raw()).err().expect("the seventeenth is refused");
    assert_eq!(rv, wire::Rv::DEVICE_MEMORY);
    assert!(reason.contains("16 connections") && reason.contains("limit"), "{reason}");
    // A program sees the same through the module, and the operator in the log.
    let from = place.log().len();
    let module = place.application();
    assert_eq!(module.slots(true).err(), Some(Rv(ck::CKR_DEVICE_MEMORY)));
    place.logs_after(from, &["WARN", "connection refused", "the limit of 16 connections is reached", "pid="]);
    for client in &mut clients {
        let session = session(client, slot);
        random(client, session);
    }
    drop(clients.pop());
    let mut tries = 0;
    while module.slots(true).is_err() {
        tries += 1;
        assert!(tries < 200, "the room that a connection left is never used");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn clients_that_send_garbage_or_half_a_frame_or_nothing_for_ever_disturb_no_other() {
    let place = Place::new("");
    let daemon = place.start();
    let slot = daemon.partition("calm", "standard");
    let bystander = place.user("calm");
    let (over, trips) = (AtomicBool::new(false), AtomicUsize::new(0));
    let until = Instant::now() + Duration::from_secs(60);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) && Instant::now() < until {
                let (rv, _) = bystander.module.random(bystander.handle, 32, 32);
                assert_eq!(rv, Rv::OK, "the bystander is disturbed");
                trips.fetch_add(1, Ordering::Relaxed);
            }
        });
        let hostile = misbehave(&daemon, slot);
        // They stay as they are, and the bystander goes on, as does whoever comes now.
        let before = trips.load(Ordering::Relaxed);
        while trips.load(Ordering::Relaxed) < before + 100 && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        over.store(true, Ordering::Relaxed);
        let during = trips.load(Ordering::Relaxed) - before;
        assert!(during >= 100, "{during} trips beside {} hostile connections", hostile.len());
        let mut late = daemon.client();
        let session = session(&mut late, slot);
        random(&mut late, session);
    });
    place.logs(&["WARN", "connection closed", "what came first is no greeting"]);
    place.logs(&["WARN", "connection closed", "does not decode"]);
    place.logs(&["WARN", "connection closed", "is the limit"]);
    place.logs(&["WARN", "connection closed", "does not exist"]);
    // A session of the bystander's application is as it was.
    assert!(Session::open(bystander.module, slot).is_ok());
}

/// Connections that were answered with a close are gone; these are the ones that stay open.
fn misbehave(daemon: &Daemon<'_>, slot: u64) -> Vec<Client> {
    let mut stay = Vec::new();
    for _ in 0..50 {
        // Nothing for ever: before a greeting, and after one.
        stay.push(Client(daemon.raw()));
        stay.push(daemon.client());
        // Half a header, half a greeting, half a call.
        let mut half = Client(daemon.raw());
        half.send(&[9, 0]);
        stay.push(half);
        let mut half = Client(daemon.raw());
        half.send(&[20, 0, 0, 0, b'C', b'L']);
        stay.push(half);
        let mut half = daemon.client();
        session(&mut half, slot);
        half.send(&[200, 0, 0, 0, 1, 4, 0]);
        stay.push(half);
        // A claim of much, and nothing of it.
        let mut claims = daemon.client();
        claims.send(&frame::LIMIT.to_le_bytes());
        stay.push(claims);
    }
    let greeted: [&[u8]; 4] = [
        &(frame::LIMIT + 1).to_le_bytes(),
        &[6, 0, 0, 0, 2, 0x0d, 0xff, 0xff, 0xff, 0xff],
        &[2, 0, 0, 0, 0xff, 0x7f],
        &[0, 0, 0, 0],
    ];
    for garbage in greeted {
        let mut client = daemon.client();
        client.send(garbage);
        let mut rest = Vec::new();
        // It is closed, with a reset if more was sent than was read.
        let _ = client.0.read_to_end(&mut rest);
    }
    for garbage in
        [&b"GET / HTTP/1.1\r\nHost: hsm\r\n\r\n"[..], &[0xff; 5000], &[0; 4], &[3, 0, 0, 0, 1, 2, 3]]
    {
        let mut client = Client(daemon.raw());
        client.send(garbage);
        let mut rest = Vec::new();
        let _ = client.0.read_to_end(&mut rest);
        assert!(rest.is_empty(), "garbage is answered");
    }
    stay
}
