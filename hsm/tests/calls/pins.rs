//! PINs: how often one may be wrong, also where the store fails or the daemon stops on the way.

use hsm::store::StoreError;
use hsm::store::memory::Fault;
use wire::calls::session::{InitPIN, SessionCalls, SetPIN};
use wire::calls::slot::{GetTokenInfo, InitToken, SlotCalls};
use wire::{Rv, SessionHandle, Slice};

use crate::support::*;

const USER_COUNT_LOW: u64 = 0x1_0000;
const USER_FINAL_TRY: u64 = 0x2_0000;
const USER_LOCKED: u64 = 0x4_0000;
const SO_LOCKED: u64 = 0x40_0000;

fn flags(app: &App) -> u64 {
    app.get_token_info(GetTokenInfo { slot: STANDARD }).unwrap().flags
}

fn set_pin(app: &App, session: SessionHandle, old: &[u8], new: &[u8]) -> Rv {
    rv(app.set_pin(SetPIN { session, old: Some(Slice(old)), new: Some(Slice(new)) }))
}

fn init_pin(app: &App, session: SessionHandle, pin: &[u8]) -> Rv {
    rv(app.init_pin(InitPIN { session, pin: Some(Slice(pin)) }))
}

#[test]
fn wrong_pins_are_counted_shown_and_lock() {
    let world = World::new();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    let shown = |app: &App| flags(app) & (USER_COUNT_LOW | USER_FINAL_TRY | USER_LOCKED);
    assert_eq!(shown(&app), 0);
    assert_eq!(rv(app.login(session, CKU_USER, WRONG)), Rv::PIN_INCORRECT);
    assert_eq!(shown(&app), USER_COUNT_LOW);
    assert_eq!(rv(app.login(session, CKU_USER, b"")), Rv::PIN_INCORRECT);
    assert_eq!(shown(&app), USER_COUNT_LOW | USER_FINAL_TRY);
    assert_eq!(rv(app.login(session, CKU_USER, WRONG)), Rv::PIN_LOCKED);
    assert_eq!(shown(&app), USER_LOCKED);
    assert_eq!(rv(app.login(session, CKU_USER, PIN)), Rv::PIN_LOCKED);
    assert_eq!(flags(&app) & SO_LOCKED, 0);
}

#[test]
fn a_right_pin_sets_the_count_back() {
    let world = World::new();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    for _ in 0..3 {
        assert_eq!(rv(app.login(session, CKU_USER, WRONG)), Rv::PIN_INCORRECT);
        app.login(session, CKU_USER, PIN).unwrap();
        app.logout(session).unwrap();
    }
    assert_eq!(flags(&app) & USER_COUNT_LOW, 0);
}

#[test]
fn a_lock_outlasts_a_restart_and_the_security_officer_lifts_it() {
    let world = World::new();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    (0..TRIES).for_each(|_| assert!(app.login(session, CKU_USER, WRONG).is_err()));
    drop(app);
    let world = world.restart();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    assert_eq!(rv(app.login(session, CKU_USER, PIN)), Rv::PIN_LOCKED);
    app.login(session, CKU_SO, SO_PIN).unwrap();
    assert_eq!(init_pin(&app, session, b"new pin"), Rv::OK);
    app.logout(session).unwrap();
    assert_eq!(rv(app.login(session, CKU_USER, PIN)), Rv::PIN_INCORRECT);
    app.login(session, CKU_USER, b"new pin").unwrap();
}

#[test]
fn a_locked_security_officer_initialises_no_token() {
    let world = World::new();
    let app = world.app();
    let init =
        |pin| rv(app.init_token(InitToken { slot: STANDARD, pin: Some(Slice(pin)), label: Slice(b"x") }));
    assert_eq!(init(WRONG), Rv::PIN_INCORRECT);
    assert_eq!(init(WRONG), Rv::PIN_INCORRECT);
    assert_eq!(init(WRONG), Rv::PIN_LOCKED);
    assert_eq!(init(SO_PIN), Rv::PIN_LOCKED);
    assert_eq!(flags(&app) & SO_LOCKED, SO_LOCKED);
    let session = app.open(STANDARD, RW).unwrap();
    assert_eq!(rv(app.login(session, CKU_SO, SO_PIN)), Rv::PIN_LOCKED);
    app.login(session, CKU_USER, PIN).unwrap();
}

#[test]
fn pins_are_set_where_the_standard_lets_them() {
    let world = World::new();
    let app = world.app();
    let (ro, rw) = (app.open(STANDARD, RO).unwrap(), app.open(STANDARD, RW).unwrap());
    assert_eq!(init_pin(&app, rw, b"new pin"), Rv::USER_NOT_LOGGED_IN);
    assert_eq!(set_pin(&app, ro, PIN, b"new pin"), Rv::SESSION_READ_ONLY);
    assert_eq!(set_pin(&app, rw, PIN, b"new"), Rv::PIN_LEN_RANGE);
    assert_eq!(set_pin(&app, rw, WRONG, b"new pin"), Rv::PIN_INCORRECT);
    assert_eq!(set_pin(&app, rw, PIN, b"new pin"), Rv::OK);
    app.login(ro, CKU_USER, b"new pin").unwrap();
    assert_eq!(init_pin(&app, rw, PIN), Rv::USER_NOT_LOGGED_IN);
    assert_eq!(set_pin(&app, rw, b"new pin", PIN), Rv::OK);
    app.logout(rw).unwrap();
    app.close(ro).unwrap();
    app.login(rw, CKU_SO, SO_PIN).unwrap();
    assert_eq!(set_pin(&app, rw, SO_PIN, b"new so pin"), Rv::OK);
    app.logout(rw).unwrap();
    assert_eq!(rv(app.login(rw, CKU_SO, SO_PIN)), Rv::PIN_INCORRECT);
    app.login(rw, CKU_SO, b"new so pin").unwrap();
}

#[test]
fn threads_that_try_pins_at_once_have_no_more_tries() {
    let world = World::new();
    let wrong: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let app = world.app();
                    let session = app.open(STANDARD, RW).unwrap();
                    (0..3).filter(|_| rv(app.login(session, CKU_USER, WRONG)) == Rv::PIN_INCORRECT).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    // The last of the tries says that the PIN is locked.
    assert_eq!(wrong, usize::from(TRIES) - 1);
}

/// Whether the store fails before or after the PIN is looked at, no try is for nothing, and nothing is half done.
#[test]
fn a_try_counts_whatever_the_store_does() {
    let fail = || StoreError::Full("test".into());
    let world = World::new();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    // It cannot be counted: the PIN is not looked at, and says nothing.
    for pin in [PIN, WRONG] {
        world.store.inject(Fault::Fails(fail()));
        let answer = rv(app.login(session, CKU_USER, pin));
        world.store.inject(Fault::None);
        assert!(answer != Rv::OK && answer != Rv::PIN_INCORRECT, "{answer:?}");
        assert_eq!(world.partition(STANDARD).tries().user, 0);
    }
    // It was counted, and that it was right cannot be written: nobody is logged in.
    world.store.inject(Fault::FailsAfter(1, fail()));
    let answer = rv(app.login(session, CKU_USER, PIN));
    assert!(answer != Rv::OK && answer != Rv::PIN_INCORRECT, "{answer:?}");
    assert_eq!(rv(app.logout(session)), Rv::USER_NOT_LOGGED_IN);
    assert_eq!(world.partition(STANDARD).tries().user, 1);
    drop(app);
    assert_eq!(world.restart().partition(STANDARD).tries().user, 1);
}

#[test]
fn initialising_a_token_happens_whole_or_not_at_all() {
    for after in 0..4 {
        let world = World::new();
        world.user(STANDARD).on().generate(&[(hsm::object::Attr::TOKEN, YES)]).unwrap();
        world.store.inject(Fault::FailsAfter(after, StoreError::Full("test".into())));
        let app = world.app();
        let init = InitToken { slot: STANDARD, pin: Some(Slice(SO_PIN)), label: Slice(b"anew") };
        let done = app.init_token(init).is_ok();
        drop(app);
        world.store.inject(Fault::None);
        let world = world.restart();
        let partition = world.partition(STANDARD);
        assert_eq!(partition.label(), if done { "anew" } else { "standard" });
        assert_eq!(partition.object_count(), u64::from(!done));
        assert_eq!(partition.has_user_pin(), !done);
        assert_eq!(done, after > 2, "{after}");
    }
}

#[test]
fn logins_and_changes_of_pins_are_recorded_however_they_end() {
    let world = World::new();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    world.recorded();
    let _ = app.login(session, CKU_USER, WRONG);
    app.login(session, CKU_USER, PIN).unwrap();
    set_pin(&app, session, PIN, PIN);
    app.logout(session).unwrap();
    app.login(session, CKU_SO, SO_PIN).unwrap();
    init_pin(&app, session, PIN);
    app.close(session).unwrap();
    let _ = app.init_token(InitToken { slot: STANDARD, pin: Some(Slice(WRONG)), label: Slice(b"x") });
    let expected = [
        ("user", "count a try", Rv::OK),
        ("user", "login", Rv::PIN_INCORRECT),
        ("user", "count a try", Rv::OK),
        ("user", "login", Rv::OK),
        ("user", "count a try", Rv::OK),
        ("user", "change a PIN", Rv::OK),
        ("user", "logout", Rv::OK),
        ("so", "count a try", Rv::OK),
        ("so", "login as SO", Rv::OK),
        ("so", "set the user's PIN", Rv::OK),
        ("so", "count a try", Rv::OK),
        ("so", "initialise the token", Rv::PIN_INCORRECT),
    ];
    assert_eq!(world.recorded(), expected);
}
