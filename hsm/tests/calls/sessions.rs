//! Sessions, their states, and who may log in when.

use std::sync::Arc;

use wire::calls::session::{CloseAllSessions, GetSessionInfo, SessionCalls};
use wire::calls::slot::{GetTokenInfo, InitToken, SlotCalls};
use wire::{Rv, SessionHandle, Slice, SlotId};

use hsm::event::Actor;
use hsm::object::Attr;

use crate::support::*;

fn state(app: &App, session: SessionHandle) -> u64 {
    app.get_session_info(GetSessionInfo { session }).unwrap().state
}

const RO_PUBLIC: u64 = 0;
const RO_USER: u64 = 1;
const RW_PUBLIC: u64 = 2;
const RW_USER: u64 = 3;
const RW_SO: u64 = 4;

#[test]
fn a_session_has_the_state_that_its_kind_and_the_login_give_it() {
    let world = World::new();
    let app = world.app();
    let (ro, rw) = (app.open(STANDARD, RO).unwrap(), app.open(STANDARD, RW).unwrap());
    assert_eq!((state(&app, ro), state(&app, rw)), (RO_PUBLIC, RW_PUBLIC));
    app.login(ro, CKU_USER, PIN).unwrap();
    assert_eq!((state(&app, ro), state(&app, rw)), (RO_USER, RW_USER));
    app.logout(rw).unwrap();
    assert_eq!((state(&app, ro), state(&app, rw)), (RO_PUBLIC, RW_PUBLIC));
    app.close(ro).unwrap();
    app.login(rw, CKU_SO, SO_PIN).unwrap();
    assert_eq!(state(&app, rw), RW_SO);
}

#[test]
fn a_login_is_of_one_application_on_one_token() {
    let world = World::new();
    let user = world.user(STANDARD);
    let here = user.app.open(STRICT, RW).unwrap();
    assert_eq!(state(&user.app, here), RW_PUBLIC);
    let other = world.app();
    let there = other.open(STANDARD, RW).unwrap();
    assert_eq!(state(&other, there), RW_PUBLIC);
}

#[test]
fn the_security_officer_and_read_only_sessions_exclude_each_other() {
    let world = World::new();
    let app = world.app();
    let (ro, rw) = (app.open(STANDARD, RO).unwrap(), app.open(STANDARD, RW).unwrap());
    assert_eq!(rv(app.login(rw, CKU_SO, SO_PIN)), Rv::SESSION_READ_ONLY_EXISTS);
    app.close(ro).unwrap();
    app.login(rw, CKU_SO, SO_PIN).unwrap();
    assert_eq!(rv(app.open(STANDARD, RO)), Rv::SESSION_READ_WRITE_SO_EXISTS);
}

#[test]
fn one_user_logs_in_at_a_time() {
    let world = World::new();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    assert_eq!(rv(app.logout(session)), Rv::USER_NOT_LOGGED_IN);
    app.login(session, CKU_USER, PIN).unwrap();
    assert_eq!(rv(app.login(session, CKU_USER, PIN)), Rv::USER_ALREADY_LOGGED_IN);
    assert_eq!(rv(app.login(session, CKU_SO, SO_PIN)), Rv::USER_ANOTHER_ALREADY_LOGGED_IN);
    assert_eq!(rv(app.login(session, 7, PIN)), Rv::USER_TYPE_INVALID);
    assert_eq!(rv(app.login(session, CKU_CONTEXT, PIN)), Rv::OPERATION_NOT_INITIALIZED);
}

#[test]
fn the_last_session_that_closes_logs_out() {
    let world = World::new();
    let app = world.app();
    let (one, two) = (app.open(STANDARD, RW).unwrap(), app.open(STANDARD, RW).unwrap());
    app.login(one, CKU_USER, PIN).unwrap();
    app.close(one).unwrap();
    assert_eq!(state(&app, two), RW_USER);
    app.close(two).unwrap();
    let again = app.open(STANDARD, RW).unwrap();
    assert_eq!(state(&app, again), RW_PUBLIC);
    app.login(again, CKU_USER, PIN).unwrap();
    app.close_all_sessions(CloseAllSessions { slot: STANDARD }).unwrap();
    let once_more = app.open(STANDARD, RW).unwrap();
    assert_eq!(state(&app, once_more), RW_PUBLIC);
    assert_eq!(rv(app.get_session_info(GetSessionInfo { session: again })), Rv::SESSION_HANDLE_INVALID);
}

#[test]
fn sessions_are_counted_and_limited_for_each_application_and_token() {
    let world = World::new();
    let (app, other) = (world.app(), world.app());
    let open: Vec<_> = (0..20).map(|_| app.open(STANDARD, RO).unwrap()).collect();
    assert_eq!(rv(app.open(STANDARD, RW)), Rv::SESSION_COUNT);
    app.open(STRICT, RW).unwrap();
    other.open(STANDARD, RW).unwrap();
    let info = app.get_token_info(GetTokenInfo { slot: STANDARD }).unwrap();
    assert_eq!((info.sessions, info.rw_sessions), (20, 0));
    assert_eq!(world.hsm.session_count(), 22);
    app.close(open[0]).unwrap();
    app.open(STANDARD, RW).unwrap();
    drop(app);
    assert_eq!(world.hsm.session_count(), 1);
}

#[test]
fn threads_that_open_sessions_at_once_keep_to_the_limit() {
    let world = World::new();
    let app = world.app();
    let opened: usize = std::thread::scope(|scope| {
        let open = || (0..10).filter(|_| app.open(STANDARD, RW).is_ok()).count();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(opened, 20);
}

#[test]
fn a_session_handle_is_no_zero_and_never_given_twice() {
    let world = World::new();
    let app = world.app();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..50 {
        let session = app.open(STANDARD, RW).unwrap();
        assert!(session.0 != 0 && seen.insert(session.0));
        app.close(session).unwrap();
    }
    drop(app);
    let world = world.restart();
    assert!(seen.insert(world.app().open(STANDARD, RW).unwrap().0));
}

#[test]
fn threads_that_log_in_and_out_and_close_leave_no_login_without_a_session() {
    let world = World::new();
    let app = world.app();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let Ok(session) = app.open(STANDARD, RW) else { continue };
                    let _ = app.login(session, CKU_USER, PIN);
                    let made = app.on(session).create(&[(Attr::CLASS, DATA), (Attr::PRIVATE, YES)]);
                    let known = [Rv::OK, Rv::USER_NOT_LOGGED_IN, Rv::SESSION_HANDLE_INVALID];
                    assert!(known.contains(&rv(made)));
                    if session.0 % 3 == 0 {
                        let _ = app.logout(session);
                    }
                    app.close(session).unwrap();
                }
            });
        }
    });
    let session = app.open(STANDARD, RW).unwrap();
    assert_eq!(state(&app, session), RW_PUBLIC);
    app.login(session, CKU_USER, PIN).unwrap();
    assert_eq!(app.on(session).find(&[]), []);
    assert_eq!(world.hsm.session_count(), 1);
}

#[test]
fn a_token_is_not_initialised_or_deleted_while_a_session_is_open() {
    let world = World::new();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    let init =
        |slot: SlotId| app.init_token(InitToken { slot, pin: Some(Slice(SO_PIN)), label: Slice(b"again") });
    assert_eq!(rv(init(STANDARD)), Rv::SESSION_EXISTS);
    assert_eq!(
        rv(world.hsm.delete_partition(&world.partition(STANDARD), &Actor::DAEMON)),
        Rv::SESSION_EXISTS
    );
    app.close(session).unwrap();
    init(STANDARD).unwrap();
    assert_eq!(world.partition(STANDARD).label(), "again");
    let gone = world.partition(STANDARD);
    world.hsm.delete_partition(&gone, &Actor::DAEMON).unwrap();
    assert_eq!(rv(app.open(STANDARD, RW)), Rv::SLOT_ID_INVALID);
    assert_eq!(rv(init(STANDARD)), Rv::SLOT_ID_INVALID);
}

#[test]
fn who_needs_a_token_alone_waits_for_who_is_just_leaving_it() {
    let world = World::new();
    let (app, other) = (world.app(), Arc::new(world.app()));
    let leaves = || {
        let (other, session) = (Arc::clone(&other), other.open(STANDARD, RW).unwrap());
        world.clock.in_a_moment(move || other.close(session).unwrap());
    };
    let init =
        || app.init_token(InitToken { slot: STANDARD, pin: Some(Slice(SO_PIN)), label: Slice(b"again") });
    leaves();
    init().unwrap();
    // Nobody waits for sessions of one's own.
    let session = app.open(STANDARD, RW).unwrap();
    leaves();
    assert_eq!(rv(init()), Rv::SESSION_EXISTS);
    assert_eq!(world.partition(STANDARD).sessions(), 2);
    app.close(session).unwrap();
    world.hsm.delete_partition(&world.partition(STANDARD), &Actor::DAEMON).unwrap();
}

#[test]
fn of_threads_that_open_and_delete_one_comes_first() {
    for _ in 0..20 {
        let world = World::new();
        let (app, partition) = (world.app(), world.partition(STANDARD));
        let (opened, deleted) = std::thread::scope(|scope| {
            let opened = scope.spawn(|| app.open(STANDARD, RW).is_ok());
            let deleted = scope.spawn(|| world.hsm.delete_partition(&partition, &Actor::DAEMON).is_ok());
            (opened.join().unwrap(), deleted.join().unwrap())
        });
        assert!(opened != deleted);
    }
}

#[test]
fn a_slot_number_is_never_given_again() {
    let world = World::new();
    world.hsm.delete_partition(&world.partition(LEGACY), &Actor::DAEMON).unwrap();
    let world = world.restart();
    let new = hsm::partition::NewPartition {
        label: "next",
        profile: hsm::policy::Profile::Standard,
        so_pin: None,
        user_pin: None,
    };
    assert_eq!(world.hsm.create_partition(&new, &Actor::DAEMON).unwrap().slot(), SlotId(LEGACY.0 + 1));
    assert_eq!(rv(world.hsm.create_partition(&new, &Actor::DAEMON).map(drop)), Rv::ARGUMENTS_BAD);
    let next = world.hsm.partition_named("next").unwrap();
    assert_eq!(rv(world.hsm.rename_partition(&next, "strict", &Actor::DAEMON)), Rv::ARGUMENTS_BAD);
    world.hsm.rename_partition(&next, "next", &Actor::DAEMON).unwrap();
    assert_eq!(rv(world.app().open(next.slot(), RW)), Rv::TOKEN_NOT_RECOGNIZED);
}
