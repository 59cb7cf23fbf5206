//! More threads than processors call at once: short calls in turns, long ones beside them.
// Each call of a C function is the test's own business: what it passes is what the test is about.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use claviger::c_api::*;
use cryptoki_sys::*;

use fake::module::{Module, sign, sign_init, slots};
use fake::{Fake, lock};

mod fake;

const THREADS: usize = 16;

/// A call that the fake daemon answers at once.
fn look(session: CK_SESSION_HANDLE) -> CK_RV {
    let mut info = CK_SESSION_INFO::default();
    unsafe { C_GetSessionInfo(session, &raw mut info) }
}

#[test]
fn every_thread_of_a_crowd_gets_its_own_answers_and_its_turn() {
    const ROUNDS: u32 = 300;
    let fake = Fake::start();
    let module = Module::new();
    let sessions: Vec<_> = (0..THREADS).map(|_| module.open_session()).collect();
    thread::scope(|scope| {
        for session in &sessions {
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    assert_eq!(sign_init(*session), CKR_OK);
                    let data = [round.to_le_bytes(), (*session as u32).to_le_bytes()].concat();
                    assert!(sign(*session, &data).unwrap().ends_with(&data));
                }
            });
        }
    });
    let signed = lock(&fake.state.calls).iter().filter(|name| **name == "C_Sign").count();
    assert_eq!(signed, THREADS * ROUNDS as usize);
}

#[test]
fn long_calls_hold_no_short_ones_up() {
    const LONG: Duration = Duration::from_secs(2);
    let fake = Fake::start();
    let module = Module::new();
    *lock(&fake.state.delay) = LONG;
    let signing: Vec<_> = (0..4).map(|_| module.signing()).collect();
    let looking: Vec<_> = (0..THREADS).map(|_| module.open_session()).collect();
    let (signed, looked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for session in looking {
            let (signed, looked) = (&signed, &looked);
            scope.spawn(move || {
                while signed.load(SeqCst) < 4 {
                    let began = Instant::now();
                    assert_eq!(look(session), CKR_OK);
                    assert!(began.elapsed() < LONG / 2, "held up for {:?}", began.elapsed());
                    looked.fetch_add(1, SeqCst);
                }
            });
        }
        let began = Instant::now();
        thread::scope(|scope| {
            for session in signing {
                let signed = &signed;
                scope.spawn(move || {
                    assert!(sign(session, b"long").is_ok());
                    signed.fetch_add(1, SeqCst);
                });
            }
        });
        assert!(began.elapsed() < 3 * LONG, "one after the other, in {:?}", began.elapsed());
    });
    assert!(looked.into_inner() > 50 * THREADS);
}

#[test]
fn a_daemon_that_is_killed_leaves_no_thread_of_a_crowd_waiting() {
    let mut fake = Fake::start();
    let module = Module::new();
    for _ in 0..10 {
        let sessions: Vec<_> = (0..THREADS).map(|_| module.open_session()).collect();
        let looked = AtomicUsize::new(0);
        thread::scope(|scope| {
            for session in sessions {
                let looked = &looked;
                scope.spawn(move || {
                    let rv = loop {
                        match look(session) {
                            CKR_OK => looked.fetch_add(1, SeqCst),
                            rv => break rv,
                        };
                    };
                    // The next daemon may be there already, which knows no session of old.
                    assert!([CKR_DEVICE_REMOVED, CKR_SESSION_HANDLE_INVALID].contains(&rv), "{rv:#x}");
                });
            }
            while looked.load(SeqCst) < 20 * THREADS {
                thread::yield_now();
            }
            fake.restart();
        });
        assert_eq!(slots(), Ok(vec![0, 7]));
    }
}

#[test]
fn finalize_ends_a_crowd_that_waits_for_its_turn() {
    let _fake = Fake::start();
    for _ in 0..10 {
        let module = Module::new();
        let sessions: Vec<_> = (0..THREADS).map(|_| module.open_session()).collect();
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            for session in sessions {
                let ended = &ended;
                scope.spawn(move || {
                    while look(session) == CKR_OK {}
                    assert!(ended.load(SeqCst));
                    assert_eq!(look(session), CKR_CRYPTOKI_NOT_INITIALIZED);
                });
            }
            thread::sleep(Duration::from_millis(5));
            ended.store(true, SeqCst);
            assert_eq!(unsafe { C_Finalize(null_mut()) }, CKR_OK);
        });
        std::mem::forget(module);
    }
}
