//! An `Init` whose answer is known is answered at once, and travels with the call that follows it.
// Each call of a C function is the test's own business: what it passes is what the test is about.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use claviger::c_api::*;
use cryptoki_sys::*;
use wire::{MechanismId, Repeat};

use fake::module::{Module, mechanism, sign, sign_init};
use fake::watch::Watch;
use fake::{Fake, MADE_UP, lock};

mod fake;

/// A daemon that says an `Init` holds until something changes.
fn start(repeat: Repeat) -> (Fake, Arc<Watch>) {
    let fake = Fake::start();
    let watch = Arc::new(Watch::new(libc::F_SEAL_SHRINK));
    *lock(&fake.state.watch) = Some(Arc::clone(&watch));
    *lock(&fake.state.repeat) = repeat;
    (fake, watch)
}

/// How often the daemon has answered a call so far.
fn count(fake: &Fake, name: &str) -> usize {
    lock(&fake.state.calls).iter().filter(|call| **call == name).count()
}

/// Whether the daemon is asked in `C_SignInit` itself.
fn asks(fake: &Fake, session: CK_SESSION_HANDLE) -> bool {
    let before = count(fake, "C_SignInit");
    assert_eq!(sign_init(session), CKR_OK);
    let asked = count(fake, "C_SignInit") > before;
    assert!(sign(session, b"data").is_ok());
    assert_eq!(count(fake, "C_SignInit"), before + 1, "the daemon hears of every use");
    asked
}

#[test]
fn the_same_init_again_is_answered_without_the_daemon_and_sent_with_the_next_call() {
    let (fake, _watch) = start(Repeat::Same);
    let module = Module::new();
    let session = module.open_session();
    assert!(asks(&fake, session));
    for _ in 0..3 {
        assert!(!asks(&fake, session));
    }
}

#[test]
fn what_the_daemon_does_not_vouch_for_is_asked_each_time() {
    let (fake, _watch) = start(Repeat::Ask);
    let module = Module::new();
    let session = module.open_session();
    assert!(asks(&fake, session) && asks(&fake, session));
}

#[test]
fn without_a_file_of_changes_everything_is_asked() {
    let fake = Fake::start();
    *lock(&fake.state.repeat) = Repeat::SameLengths;
    let module = Module::new();
    let session = module.open_session();
    assert!(asks(&fake, session) && asks(&fake, session));
}

#[test]
fn a_file_that_could_become_shorter_is_not_used() {
    let (fake, _watch) = start(Repeat::Same);
    *lock(&fake.state.watch) = Some(Arc::new(Watch::new(0)));
    let module = Module::new();
    let session = module.open_session();
    assert!(asks(&fake, session) && asks(&fake, session));
}

#[test]
fn after_a_change_and_during_one_the_daemon_is_asked() {
    let (fake, watch) = start(Repeat::Same);
    let module = Module::new();
    let session = module.open_session();
    assert!(asks(&fake, session));
    watch.change();
    assert!(asks(&fake, session), "something has changed");
    assert!(!asks(&fake, session));
    watch.begin();
    assert!(asks(&fake, session) && asks(&fake, session), "something changes");
    watch.end();
    assert!(asks(&fake, session), "what was answered meanwhile is worth nothing");
    assert!(!asks(&fake, session));
}

#[test]
fn another_key_mechanism_or_session_is_another_question() {
    let (fake, _watch) = start(Repeat::SameLengths);
    let module = Module::new();
    let (session, other) = (module.open_session(), module.open_session());
    assert!(asks(&fake, session));
    assert!(asks(&fake, other));
    let init = |id: u64, key: CK_OBJECT_HANDLE| {
        let before = count(&fake, "C_SignInit");
        assert_eq!(unsafe { C_SignInit(session, &mut mechanism(MechanismId(id)), key) }, CKR_OK);
        let asked = count(&fake, "C_SignInit") > before;
        assert!(sign(session, b"data").is_ok());
        asked
    };
    assert!(!init(1, 1));
    assert!(init(1, 2));
    assert!(init(2, 2));
    assert!(!init(2, 2));
}

/// `C_SignInit` with the made-up mechanism's shorter parameter, a number.
fn init_with_number(session: CK_SESSION_HANDLE, mut number: CK_ULONG) -> CK_RV {
    let mut mechanism = CK_MECHANISM {
        mechanism: MADE_UP.0,
        pParameter: (&raw mut number).cast(),
        ulParameterLen: size_of::<CK_ULONG>() as CK_ULONG,
    };
    unsafe { C_SignInit(session, &mut mechanism, 1) }
}

#[test]
fn another_number_in_the_parameter_is_another_question() {
    let (fake, _watch) = start(Repeat::SameLengths);
    let module = Module::new();
    let session = module.open_session();
    for (number, asked) in [(1, 1), (1, 1), (2, 2), (2, 2)] {
        assert_eq!(init_with_number(session, number), CKR_OK);
        assert!(count(&fake, "C_SignInit") >= asked);
        assert!(sign(session, b"data").is_ok());
    }
    // Of the four, the first of each number was a trip of its own: the module asked before it answered.
    assert_eq!(count(&fake, "C_SignInit"), 4);
}

#[test]
fn init_twice_is_refused_as_the_daemon_would_refuse_it() {
    let (fake, _watch) = start(Repeat::Same);
    let module = Module::new();
    let session = module.open_session();
    assert!(asks(&fake, session));
    assert_eq!(sign_init(session), CKR_OK);
    assert_eq!(sign_init(session), CKR_OPERATION_ACTIVE);
    assert!(sign(session, b"data").is_ok());
    assert_eq!(sign(session, b"data"), Err(CKR_OPERATION_NOT_INITIALIZED));
}

#[test]
fn a_length_query_does_not_end_the_operation() {
    let (fake, _watch) = start(Repeat::Same);
    let module = Module::new();
    let session = module.open_session();
    assert!(asks(&fake, session));
    assert_eq!(sign_init(session), CKR_OK);
    let mut len = 0;
    let data = b"data".as_ptr().cast_mut();
    assert_eq!(unsafe { C_Sign(session, data, 4, null_mut(), &raw mut len) }, CKR_OK);
    assert_eq!(sign_init(session), CKR_OPERATION_ACTIVE);
    assert!(sign(session, b"data").is_ok());
    assert!(!asks(&fake, session));
}

#[test]
fn what_is_kept_goes_before_a_call_that_may_change_what_it_depends_on() {
    let (fake, _watch) = start(Repeat::Same);
    let module = Module::new();
    let (session, other) = (module.open_session(), module.open_session());
    assert!(asks(&fake, session));
    assert_eq!(sign_init(session), CKR_OK);
    assert_eq!(unsafe { C_DestroyObject(other, 1) }, CKR_OK);
    assert!(lock(&fake.state.calls).ends_with(&["C_SignInit", "C_DestroyObject"]));
    assert!(sign(session, b"data").is_ok());
}

#[test]
fn a_call_that_only_looks_does_not_send_what_is_kept() {
    let (fake, _watch) = start(Repeat::Same);
    let module = Module::new();
    let session = module.open_session();
    assert!(asks(&fake, session));
    assert_eq!(sign_init(session), CKR_OK);
    let mut info = CK_SESSION_INFO::default();
    assert_eq!(unsafe { C_GetSessionInfo(session, &mut info) }, CKR_OK);
    assert_eq!(count(&fake, "C_SignInit"), 1);
    assert!(sign(session, b"data").is_ok());
}

#[test]
fn a_null_mechanism_ends_what_is_kept() {
    let (fake, _watch) = start(Repeat::Same);
    let module = Module::new();
    let session = module.open_session();
    assert!(asks(&fake, session));
    assert_eq!(sign_init(session), CKR_OK);
    assert_eq!(unsafe { C_SignInit(session, null_mut(), 0) }, CKR_OK);
    assert_eq!(sign(session, b"data"), Err(CKR_OPERATION_NOT_INITIALIZED));
    assert_eq!(sign_init(session), CKR_OK);
}

#[test]
fn a_closed_session_is_asked_about() {
    let (fake, _watch) = start(Repeat::Same);
    let module = Module::new();
    let (one, two) = (module.open_session(), module.open_session());
    assert!(asks(&fake, one) && asks(&fake, two));
    assert_eq!(sign_init(one), CKR_OK);
    assert_eq!(unsafe { C_CloseSession(one) }, CKR_OK);
    assert_eq!(sign_init(one), CKR_SESSION_HANDLE_INVALID);
    assert_eq!(unsafe { C_CloseAllSessions(0) }, CKR_OK);
    assert_eq!(sign_init(two), CKR_SESSION_HANDLE_INVALID);
}

#[test]
fn a_daemon_that_comes_back_knows_nothing_of_what_was_kept() {
    let (mut fake, _watch) = start(Repeat::Same);
    let module = Module::new();
    let session = module.open_session();
    assert!(asks(&fake, session));
    assert_eq!(sign_init(session), CKR_OK);
    fake.restart();
    assert_eq!(sign(session, b"data"), Err(CKR_SESSION_HANDLE_INVALID));
    assert_eq!(sign_init(session), CKR_SESSION_HANDLE_INVALID);
}

#[test]
fn threads_with_a_session_each_keep_their_own() {
    let (fake, watch) = start(Repeat::Same);
    let module = Module::new();
    let sessions: Vec<_> = (0..8).map(|_| module.open_session()).collect();
    thread::scope(|scope| {
        for session in &sessions {
            scope.spawn(move || {
                for round in 0..200u32 {
                    assert_eq!(sign_init(*session), CKR_OK);
                    let data = [round.to_le_bytes(), (*session as u32).to_le_bytes()].concat();
                    assert!(sign(*session, &data).unwrap().ends_with(&data));
                }
            });
        }
        for _ in 0..100 {
            watch.change();
            thread::yield_now();
        }
    });
    assert_eq!(count(&fake, "C_SignInit"), 8 * 200);
    assert!(fake.state.most_busy.load(SeqCst) > 0);
}
