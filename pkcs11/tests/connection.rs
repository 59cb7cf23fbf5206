//! The daemon absent, gone, back, slow, and many threads at once.
// Each call of a C function is the test's own business: what it passes is what the test is about.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::os::unix::net::UnixListener;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use claviger::c_api::*;
use cryptoki_sys::*;
use wire::{Rv, SlotId};

use fake::module::{Module, open_session, sign, sign_init, slots};
use fake::{CUT, Fake, lock};

mod fake;

#[test]
fn an_absent_daemon_is_a_removed_device_until_it_comes() {
    let mut fake = Fake::absent();
    let _module = Module::new();
    assert_eq!(slots(), Err(CKR_DEVICE_REMOVED));
    assert_eq!(open_session(), Err(CKR_DEVICE_REMOVED));
    assert_eq!(sign_init(1), CKR_DEVICE_REMOVED);
    fake.restart();
    assert_eq!(slots(), Ok(vec![0, 7]));
}

#[test]
fn a_socket_that_nobody_listens_at_is_a_removed_device() {
    let fake = Fake::absent();
    drop(UnixListener::bind(&fake.socket).unwrap());
    let _module = Module::new();
    assert_eq!(slots(), Err(CKR_DEVICE_REMOVED));
}

#[test]
fn a_refusal_comes_back_as_the_daemon_says_it() {
    let fake = Fake::start();
    let _module = Module::new();
    *lock(&fake.state.refuse) = Some(Rv::DEVICE_MEMORY);
    assert_eq!(slots(), Err(CKR_DEVICE_MEMORY));
    *lock(&fake.state.refuse) = None;
    assert_eq!(slots(), Ok(vec![0, 7]));
}

#[test]
fn after_a_restart_calls_go_on_and_old_sessions_are_unknown() {
    let mut fake = Fake::start();
    let module = Module::new();
    let old = module.signing();
    assert!(sign(old, b"x").is_ok());
    for _ in 0..3 {
        fake.restart();
        assert_eq!(sign(old, b"x"), Err(CKR_SESSION_HANDLE_INVALID));
        let session = module.signing();
        assert_ne!(session, old);
        assert!(sign(session, b"x").is_ok());
    }
    fake.stop();
    assert_eq!(sign(old, b"x"), Err(CKR_DEVICE_REMOVED));
}

#[test]
fn a_call_that_is_cut_off_is_not_sent_again() {
    let fake = Fake::start();
    let module = Module::new();
    let session = module.signing();
    assert_eq!(sign(session, CUT), Err(CKR_DEVICE_REMOVED));
    fake.until(|state| state.open.load(SeqCst) == 0);
    let signed = |calls: &[&str]| calls.iter().filter(|name| **name == "C_Sign").count();
    assert_eq!(signed(&lock(&fake.state.calls)), 1);
    // It was the application's only connection: the daemon has forgotten it.
    assert_eq!(sign(session, b"x"), Err(CKR_SESSION_HANDLE_INVALID));
}

#[test]
fn threads_work_at_once_and_share_one_application() {
    let fake = Fake::start();
    let module = Module::new();
    *lock(&fake.state.delay) = Duration::from_millis(2);
    let sessions: Vec<_> = (0..8).map(|_| module.open_session()).collect();
    thread::scope(|scope| {
        for session in &sessions {
            scope.spawn(move || {
                for round in 0..20u32 {
                    assert_eq!(sign_init(*session), CKR_OK);
                    let data = [round.to_le_bytes(), (*session as u32).to_le_bytes()].concat();
                    assert!(sign(*session, &data).unwrap().ends_with(&data));
                }
            });
        }
    });
    assert!(fake.state.most_busy.load(SeqCst) > 1, "calls never ran side by side");
    assert!(fake.state.connected.load(SeqCst) <= 8);
    // A session of one connection is a session of all.
    for session in &sessions {
        assert_eq!(unsafe { C_CloseSession(*session) }, CKR_OK);
    }
    assert_eq!(fake.sessions(), 0);
}

#[test]
fn more_threads_than_connections_wait_for_one_another() {
    let fake = Fake::start();
    let module = Module::new();
    *lock(&fake.state.delay) = Duration::from_millis(20);
    let sessions: Vec<_> = (0..100).map(|_| module.signing()).collect();
    thread::scope(|scope| {
        for session in sessions {
            scope.spawn(move || assert!(sign(session, b"x").is_ok()));
        }
    });
    assert_eq!(fake.state.connected.load(SeqCst), 64);
}

#[test]
fn finalize_ends_every_connection() {
    let fake = Fake::start();
    let module = Module::new();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| slots().unwrap());
        }
    });
    drop(module);
    fake.until(|state| state.open.load(SeqCst) == 0);
}

#[test]
fn an_event_is_waited_for_until_it_comes_or_the_module_ends() {
    let fake = Fake::start();
    let module = Module::new();
    let mut slot = 0;
    let wait = |flags, slot: &mut CK_SLOT_ID| unsafe { C_WaitForSlotEvent(flags, slot, null_mut()) };
    assert_eq!(wait(CKF_DONT_BLOCK, &mut slot), CKR_NO_EVENT);
    *lock(&fake.state.event) = Some(SlotId(7));
    assert_eq!(wait(CKF_DONT_BLOCK, &mut slot), CKR_OK);
    assert_eq!(slot, 7);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(0, &mut 0));
        thread::sleep(Duration::from_millis(50));
        assert!(!waiting.is_finished());
        *lock(&fake.state.event) = Some(SlotId(0));
        assert_eq!(waiting.join().unwrap(), CKR_OK);
        let waiting = scope.spawn(|| wait(0, &mut 0));
        thread::sleep(Duration::from_millis(50));
        let start = Instant::now();
        drop(module);
        assert_eq!(waiting.join().unwrap(), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert!(start.elapsed() < Duration::from_secs(10));
    });
}

#[test]
fn initialize_and_finalize_race_with_calls_without_harm() {
    let _fake = Fake::start();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..300 {
                    match slots() {
                        Ok(slots) => assert_eq!(slots, [0, 7]),
                        Err(rv) => assert_eq!(rv, CKR_CRYPTOKI_NOT_INITIALIZED),
                    }
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let rv = unsafe { C_Initialize(null_mut()) };
                    assert!([CKR_OK, CKR_CRYPTOKI_ALREADY_INITIALIZED].contains(&rv), "{rv:#x}");
                    thread::yield_now();
                    let rv = unsafe { C_Finalize(null_mut()) };
                    assert!([CKR_OK, CKR_CRYPTOKI_NOT_INITIALIZED].contains(&rv), "{rv:#x}");
                }
            });
        }
    });
    unsafe { C_Finalize(null_mut()) };
}
