//! Named users: who logs in as whom, whose tries are counted, and what each may do, cell by cell of the table.

use backup::{DomainSecret, Opener, Recipients};
use crypto::Secret;
use hsm::backup::How;
use hsm::event::Actor;
use hsm::object::Attr;
use hsm::store::StoreError;
use hsm::store::memory::Fault;
use hsm::user::rights::{Deed, Reach};
use hsm::user::{CKU_CRYPTO_USER, CRYPTO_USER, User as As, UserRole};
use wire::calls::session::{GetSessionInfo, LoginUser, SessionCalls, SetPIN};
use wire::calls::slot::{GetTokenInfo, InitToken, SlotCalls};
use wire::{Rv, SessionHandle, Slice};

use crate::support::*;

const ANN: &str = "Ann";
const OTTO: &str = "Otto";

/// A world whose standard partition has a crypto user, a crypto officer and the crypto user of no name.
fn world() -> World {
    let world = World::new();
    add(&world, ANN, UserRole::CryptoUser);
    add(&world, OTTO, UserRole::CryptoOfficer);
    add(&world, CRYPTO_USER, UserRole::CryptoUser);
    world
}

fn pin(name: &str) -> Vec<u8> {
    format!("pin of {name}").into_bytes()
}

fn add(world: &World, name: &str, role: UserRole) {
    world.hsm.add_user(&world.partition(STANDARD), (name, role), &pin(name), &Actor::DAEMON).unwrap();
}

fn log_in(app: &App, session: SessionHandle, user: u64, name: &str, pin: &[u8]) -> Rv {
    let (pin, name) = (Some(Slice(pin)), Slice(name.as_bytes()));
    rv(app.login_user(LoginUser { session, user, pin, name }))
}

fn named(world: &World, name: &str) -> User {
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    assert_eq!(log_in(&app, session, CKU_USER, name, &pin(name)), Rv::OK);
    User { app, session }
}

fn state(app: &App, session: SessionHandle) -> u64 {
    app.get_session_info(GetSessionInfo { session }).unwrap().state
}

fn tries(world: &World, name: &str) -> u8 {
    let users = world.partition(STANDARD).users();
    users.into_iter().find(|user| user.name == name).unwrap().tries
}

#[test]
fn a_named_user_logs_in_with_name_and_pin_and_nobody_else_does() {
    let world = world();
    let app = world.app();
    let (session, ro) = (app.open(STANDARD, RW).unwrap(), app.open(STANDARD, RO).unwrap());
    for (name, given, answer) in [
        (ANN, &pin(OTTO)[..], Rv::PIN_INCORRECT),
        (ANN, PIN, Rv::PIN_INCORRECT),
        ("Eve", &pin(ANN)[..], Rv::PIN_INCORRECT),
        ("ann", &pin(ANN)[..], Rv::PIN_INCORRECT),
        ("user", PIN, Rv::PIN_INCORRECT),
        (&"x".repeat(65), PIN, Rv::ARGUMENTS_BAD),
    ] {
        assert_eq!(log_in(&app, session, CKU_USER, name, given), answer, "{name}");
        assert_eq!(state(&app, session), 2);
    }
    assert_eq!(log_in(&app, session, CKU_USER, ANN, &pin(ANN)), Rv::OK);
    assert_eq!((state(&app, session), state(&app, ro)), (3, 1));
    assert_eq!(log_in(&app, session, CKU_USER, ANN, &pin(ANN)), Rv::USER_ALREADY_LOGGED_IN);
    assert_eq!(log_in(&app, session, CKU_USER, OTTO, &pin(OTTO)), Rv::USER_ANOTHER_ALREADY_LOGGED_IN);
    assert_eq!(rv(app.login(session, CKU_USER, PIN)), Rv::USER_ANOTHER_ALREADY_LOGGED_IN);
    app.logout(session).unwrap();
    assert_eq!(state(&app, session), 2);
    app.login(session, CKU_USER, PIN).unwrap();
    assert_eq!(log_in(&app, session, CKU_USER, OTTO, &pin(OTTO)), Rv::USER_ANOTHER_ALREADY_LOGGED_IN);
}

#[test]
fn without_a_name_c_login_user_is_c_login() {
    let world = world();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    assert_eq!(log_in(&app, session, CKU_USER, "", PIN), Rv::OK);
    app.logout(session).unwrap();
    assert_eq!(log_in(&app, session, CKU_SO, "", SO_PIN), Rv::OK);
    assert_eq!(state(&app, session), 4);
    app.logout(session).unwrap();
    assert_eq!(log_in(&app, session, CKU_SO, ANN, &pin(ANN)), Rv::USER_TYPE_INVALID);
    assert_eq!(log_in(&app, session, 77, ANN, &pin(ANN)), Rv::USER_TYPE_INVALID);
    let name = Slice(&[0xff, 0xfe]);
    let bad = LoginUser { session, user: CKU_USER, pin: Some(Slice(PIN)), name };
    assert_eq!(rv(app.login_user(bad)), Rv::ARGUMENTS_BAD);
    let none = LoginUser { session, user: CKU_USER, pin: None, name: Slice(b"Ann") };
    assert_eq!(rv(app.login_user(none)), Rv::ARGUMENTS_BAD);
}

#[test]
fn lunas_user_type_is_for_crypto_users_with_a_name_or_without() {
    let world = world();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    assert_eq!(log_in(&app, session, CKU_CRYPTO_USER, OTTO, &pin(OTTO)), Rv::PIN_INCORRECT);
    assert_eq!(log_in(&app, session, CKU_CRYPTO_USER, ANN, &pin(ANN)), Rv::OK);
    app.logout(session).unwrap();
    assert_eq!(rv(app.login(session, CKU_CRYPTO_USER, PIN)), Rv::PIN_INCORRECT);
    app.login(session, CKU_CRYPTO_USER, &pin(CRYPTO_USER)).unwrap();
    assert_eq!(rv(app.on(session).generate(&[(Attr::TOKEN, YES)])), Rv::USER_NOT_LOGGED_IN);
    app.logout(session).unwrap();
    let partition = world.partition(STANDARD);
    world.hsm.remove_user(&partition, CRYPTO_USER, &Actor::DAEMON).unwrap();
    assert_eq!(rv(app.login(session, CKU_CRYPTO_USER, PIN)), Rv::USER_PIN_NOT_INITIALIZED);
    // An officer of that name is no crypto user.
    add(&world, CRYPTO_USER, UserRole::CryptoOfficer);
    assert_eq!(rv(app.login(session, CKU_CRYPTO_USER, &pin(CRYPTO_USER))), Rv::USER_PIN_NOT_INITIALIZED);
}

#[test]
fn wrong_tries_of_a_name_lock_that_name_alone_for_good_until_it_is_unlocked() {
    let world = world();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    let wrong = |app: &App, session| log_in(app, session, CKU_USER, ANN, WRONG);
    assert_eq!(
        [0; 4].map(|_| wrong(&app, session)),
        [Rv::PIN_INCORRECT, Rv::PIN_INCORRECT, Rv::PIN_LOCKED, Rv::PIN_LOCKED]
    );
    assert_eq!(log_in(&app, session, CKU_USER, ANN, &pin(ANN)), Rv::PIN_LOCKED);
    drop(app);
    let world = world.restart();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    assert_eq!(log_in(&app, session, CKU_USER, ANN, &pin(ANN)), Rv::PIN_LOCKED);
    let flags = app.get_token_info(GetTokenInfo { slot: STANDARD }).unwrap().flags;
    assert_eq!(flags & 0x77_0000, 0, "the flags are about the user of the token");
    assert_eq!(log_in(&app, session, CKU_USER, OTTO, &pin(OTTO)), Rv::OK);
    app.logout(session).unwrap();
    app.login(session, CKU_USER, PIN).unwrap();
    app.logout(session).unwrap();
    let partition = world.partition(STANDARD);
    world.hsm.unlock_user(&partition, ANN, &Actor::DAEMON).unwrap();
    assert_eq!(log_in(&app, session, CKU_USER, ANN, &pin(ANN)), Rv::OK);
    app.logout(session).unwrap();
    assert_eq!([0; 3].map(|_| wrong(&app, session))[2], Rv::PIN_LOCKED);
    world.hsm.reset_user_pin(&partition, ANN, b"another", &Actor::DAEMON).unwrap();
    assert_eq!(log_in(&app, session, CKU_USER, ANN, &pin(ANN)), Rv::PIN_INCORRECT);
    assert_eq!(log_in(&app, session, CKU_USER, ANN, b"another"), Rv::OK);
    assert_eq!(tries(&world, ANN), 0);
}

#[test]
fn a_try_of_a_named_users_pin_counts_whatever_the_store_does() {
    let fail = || StoreError::Full("test".into());
    let world = world();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    for given in [&pin(ANN)[..], WRONG] {
        world.store.inject(Fault::Fails(fail()));
        let answer = log_in(&app, session, CKU_USER, ANN, given);
        world.store.inject(Fault::None);
        assert!(answer != Rv::OK && answer != Rv::PIN_INCORRECT, "{answer:?}");
        assert_eq!(tries(&world, ANN), 0);
    }
    world.store.inject(Fault::FailsAfter(1, fail()));
    let answer = log_in(&app, session, CKU_USER, ANN, &pin(ANN));
    assert!(answer != Rv::OK && answer != Rv::PIN_INCORRECT, "{answer:?}");
    assert_eq!(state(&app, session), 2);
    assert_eq!(tries(&world, ANN), 1);
    drop(app);
    assert_eq!(tries(&world.restart(), ANN), 1);
}

#[test]
fn threads_that_try_a_name_at_once_have_no_more_tries() {
    let world = world();
    let wrong: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let app = world.app();
                    let session = app.open(STANDARD, RW).unwrap();
                    let tries = (0..3).map(|_| log_in(&app, session, CKU_USER, ANN, WRONG));
                    tries.filter(|answer| *answer == Rv::PIN_INCORRECT).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(wrong, usize::from(TRIES) - 1);
}

#[test]
fn a_user_sets_its_own_pin_and_nobody_elses() {
    let world = world();
    let set = |user: &User, old: &[u8], new: &[u8]| {
        let call = SetPIN { session: user.session, old: Some(Slice(old)), new: Some(Slice(new)) };
        rv(user.app.set_pin(call))
    };
    for name in [ANN, OTTO] {
        let user = named(&world, name);
        assert_eq!(set(&user, PIN, b"stolen"), Rv::PIN_INCORRECT);
        assert_eq!(set(&user, &pin(name), b"new"), Rv::PIN_LEN_RANGE);
        assert_eq!(set(&user, &pin(name), b"new pin"), Rv::OK);
        user.app.logout(user.session).unwrap();
        assert_eq!(log_in(&user.app, user.session, CKU_USER, name, &pin(name)), Rv::PIN_INCORRECT);
        assert_eq!(log_in(&user.app, user.session, CKU_USER, name, b"new pin"), Rv::OK);
    }
    drop(world.user(STANDARD));
}

#[test]
fn a_user_who_is_removed_is_logged_out_and_a_new_token_has_none() {
    let world = world();
    let partition = world.partition(STANDARD);
    let (ann, otto) = (named(&world, ANN), named(&world, OTTO));
    let key = ann.on().generate(&[]).unwrap();
    world.hsm.remove_user(&partition, ANN, &Actor::DAEMON).unwrap();
    assert_eq!((state(&ann.app, ann.session), state(&otto.app, otto.session)), (2, 3));
    assert_eq!(rv(ann.on().encrypt(mechanism(AES_ECB), key, &[0; 16])), Rv::KEY_HANDLE_INVALID);
    assert_eq!(log_in(&ann.app, ann.session, CKU_USER, ANN, &pin(ANN)), Rv::PIN_INCORRECT);
    let again = world.hsm.remove_user(&partition, ANN, &Actor::DAEMON);
    assert!(again.unwrap_err().to_string().contains("Ann"));
    drop((ann, otto));
    let app = world.app();
    let init = InitToken { slot: STANDARD, pin: Some(Slice(SO_PIN)), label: Slice(b"anew") };
    app.init_token(init).unwrap();
    assert_eq!(partition.users(), []);
    drop((app, partition));
    assert_eq!(world.restart().partition(STANDARD).users(), []);
}

/// A backup takes the named users along, and a restore gives nobody a try back.
#[test]
fn a_backup_brings_named_users_back_with_no_fewer_wrong_tries() {
    let domain = || DomainSecret { id: [3; 16], secret: Secret::new(vec![5; 32]) };
    let world = world();
    let wrong = |world: &World, name: &str| {
        let app = world.app();
        let session = app.open(STANDARD, RW).unwrap();
        assert_eq!(log_in(&app, session, CKU_USER, name, WRONG), Rv::PIN_INCORRECT);
    };
    wrong(&world, OTTO);
    let (partition, mut file) = (world.partition(STANDARD), Vec::new());
    world.hsm.back_up(Some(&partition), &Recipients::Domain(domain()), &mut file, &Actor::DAEMON).unwrap();
    wrong(&world, ANN);
    wrong(&world, ANN);
    world.hsm.reset_user_pin(&partition, OTTO, b"another", &Actor::DAEMON).unwrap();
    world.hsm.remove_user(&partition, CRYPTO_USER, &Actor::DAEMON).unwrap();
    drop(partition);
    let how = How { replace: true, older: true, limit: 1 << 30, file: None, services: |_, _| None };
    world.hsm.restore(&file[..], &Opener::Domain(domain()), how, &Actor::DAEMON).unwrap();
    let check = |world: &World| {
        assert_eq!(world.partition(STANDARD).users().len(), 3);
        assert_eq!((tries(world, ANN), tries(world, OTTO)), (2, 1));
    };
    check(&world);
    let world = world.restart();
    check(&world);
    named(&world, OTTO);
}

#[test]
fn names_that_cannot_be_told_apart_are_no_names() {
    let world = world();
    let partition = world.partition(STANDARD);
    let add = |name: &str| {
        rv(world.hsm.add_user(&partition, (name, UserRole::CryptoUser), b"a pin", &Actor::DAEMON))
    };
    for name in ["", "a\nb", " a", "SO", "user", "a\u{200b}", &"x".repeat(65), ANN] {
        assert_eq!(add(name), Rv::ARGUMENTS_BAD, "{name:?}");
    }
    assert_eq!(partition.users().len(), 3);
    assert_eq!(add(&"x".repeat(64)), Rv::OK);
    let short = world.hsm.add_user(&partition, ("Zoë", UserRole::CryptoUser), b"pin", &Actor::DAEMON);
    assert_eq!(rv(short), Rv::PIN_LEN_RANGE);
}

#[test]
fn what_a_named_user_does_is_recorded_under_its_name() {
    let world = world();
    world.recorded();
    let user = named(&world, OTTO);
    let key = user.on().generate(&[]).unwrap();
    user.on().encrypt(mechanism(AES_ECB), key, &[0; 16]).unwrap();
    user.app.logout(user.session).unwrap();
    log_in(&user.app, user.session, CKU_USER, "Eve", WRONG);
    log_in(&user.app, user.session, CKU_USER, ANN, WRONG);
    let expected = [
        (OTTO, "count a try", Rv::OK),
        (OTTO, "login", Rv::OK),
        (OTTO, "generate", Rv::OK),
        (OTTO, "encrypt", Rv::OK),
        (OTTO, "logout", Rv::OK),
        ("nobody", "login", Rv::PIN_INCORRECT),
        (ANN, "count a try", Rv::OK),
        (ANN, "login", Rv::PIN_INCORRECT),
    ];
    assert_eq!(world.recorded(), expected);
}

#[test]
fn a_locked_security_officer_is_let_in_again_by_who_administers_the_hsm() {
    let world = World::new();
    let partition = world.partition(STANDARD);
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    let lock = || assert_eq!([0; 3].map(|_| rv(app.login(session, CKU_SO, WRONG)))[2], Rv::PIN_LOCKED);
    lock();
    world.hsm.unlock_so_pin(&partition, &Actor::DAEMON).unwrap();
    app.login(session, CKU_SO, SO_PIN).unwrap();
    app.logout(session).unwrap();
    lock();
    world.hsm.reset_so_pin(&partition, b"another", &Actor::DAEMON).unwrap();
    assert_eq!(rv(app.login(session, CKU_SO, SO_PIN)), Rv::PIN_INCORRECT);
    app.login(session, CKU_SO, b"another").unwrap();
    app.logout(session).unwrap();
    app.login(session, CKU_USER, PIN).unwrap();
}

/// A token with two keys that give out their values: a private one and a public one.
struct Ground {
    world: World,
}

/// Logs an application in as one of the four.
fn enter(world: &World, user: As) -> User {
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    match user {
        As::Nobody => {}
        As::CryptoUser => assert_eq!(log_in(&app, session, CKU_USER, ANN, &pin(ANN)), Rv::OK),
        As::User => app.login(session, CKU_USER, PIN).unwrap(),
        As::So => app.login(session, CKU_SO, SO_PIN).unwrap(),
    }
    User { app, session }
}

impl Ground {
    fn new() -> Self {
        let world = world();
        let user = world.user(STANDARD);
        for (private, id) in [(YES, b"private"), (NO, b"public.")] {
            let open = [(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)];
            let own = [(Attr::TOKEN, YES), (Attr::PRIVATE, private), (Attr::ID, &id[..])];
            user.on().generate(&[&own[..], &open[..]].concat()).unwrap();
        }
        drop(user);
        Self { world }
    }

    /// Does the deed as the user, to a private or a public object.
    fn try_it(&self, deed: Deed, user: As, private: bool) -> Rv {
        let user = enter(&self.world, user);
        let on = user.on();
        let flag = if private { YES } else { NO };
        let open = [(Attr::PRIVATE, flag), (Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)];
        let id: &[u8] = if private { b"private" } else { b"public." };
        let found = || on.find(&[(Attr::ID, id), (Attr::TOKEN, YES)]).first().copied();
        let Some(object) = found() else { return Rv::OBJECT_HANDLE_INVALID };
        let own = || on.known(&[7; 16], &open);
        let wrapped = |key| {
            let wrapping = on.known(&[8; 16], &[(Attr::PRIVATE, NO), (Attr::WRAP, YES)]).unwrap();
            rv(on.wrap(wrapping, key))
        };
        let with_own = |deed: &dyn Fn(wire::ObjectHandle) -> Rv| own().map_or_else(|error| error.rv(), deed);
        match deed {
            Deed::Find => rv(on.read(object, Attr::LABEL)),
            Deed::Use => rv(on.encrypt(mechanism(AES_ECB), object, &[0; 16])),
            Deed::MakeOwn => rv(own()),
            Deed::ChangeOwn => with_own(&|key| {
                assert_eq!(rv(on.set(key, &[(Attr::LABEL, b"x")])), Rv::OK);
                rv(on.destroy(key))
            }),
            Deed::CopyOwn => with_own(&|key| rv(on.copy(key, &[]))),
            Deed::WrapOwn => with_own(&wrapped),
            Deed::Make => {
                let token = [&open[..], &[(Attr::TOKEN, YES)]].concat();
                let ways = [rv(on.known(&[9; 16], &token)), rv(on.generate(&token))];
                let carrier =
                    on.known(&[8; 16], &[(Attr::PRIVATE, NO), (Attr::WRAP, YES), (Attr::UNWRAP, YES)]);
                let carrier = carrier.unwrap();
                let unwrapped = match own() {
                    Ok(key) => rv(on.unwrap(carrier, &on.wrap(carrier, key).unwrap(), &token)),
                    Err(_) => ways[0],
                };
                let copied = own().map_or(ways[0], |key| rv(on.copy(key, &[(Attr::TOKEN, YES)])));
                assert!(
                    [ways[1], unwrapped, copied].iter().all(|way| *way == ways[0]),
                    "{ways:?} {unwrapped} {copied}"
                );
                ways[0]
            }
            Deed::Change => rv(on.set(object, &[(Attr::LABEL, b"other")])),
            Deed::Destroy => rv(on.destroy(object)),
            Deed::Copy => rv(on.copy(object, &[(Attr::TOKEN, NO)])),
            Deed::Wrap => wrapped(object),
            Deed::Reveal => match on.read(object, Attr::VALUE).unwrap() {
                Some(_) => Rv::OK,
                None => Rv::ATTRIBUTE_SENSITIVE,
            },
        }
    }
}

/// What the table's cell means for an object, and the code by which the standard says so.
fn expected(deed: Deed, reach: Reach, private: bool) -> Rv {
    let makes = matches!(deed, Deed::MakeOwn | Deed::ChangeOwn | Deed::CopyOwn | Deed::WrapOwn | Deed::Make);
    match (reach, private) {
        (Reach::All, _) | (Reach::Public, false) => Rv::OK,
        // There is no such object for who may not see it.
        (Reach::Public, true) if !makes => Rv::OBJECT_HANDLE_INVALID,
        (Reach::Public, true) => Rv::USER_NOT_LOGGED_IN,
        (Reach::Nothing, _) => match deed {
            Deed::Change | Deed::Destroy | Deed::Copy => Rv::ACTION_PROHIBITED,
            Deed::Reveal => Rv::ATTRIBUTE_SENSITIVE,
            _ => Rv::USER_NOT_LOGGED_IN,
        },
    }
}

#[test]
fn each_cell_of_the_table_of_rights_is_what_happens() {
    for &deed in Deed::ALL {
        for user in As::ALL {
            for private in [true, false] {
                let ground = Ground::new();
                // Who may not see the private object cannot even name it.
                let hidden = private && deed.reach(user) == Reach::Public;
                let answer = match hidden {
                    true => ground.try_it_hidden(deed, user),
                    false => ground.try_it(deed, user, private),
                };
                assert_eq!(answer, expected(deed, deed.reach(user), private), "{deed:?} {user:?} {private}");
            }
        }
    }
}

impl Ground {
    /// As [`Self::try_it`], where the object is private and the user may only have public ones.
    fn try_it_hidden(&self, deed: Deed, user: As) -> Rv {
        match deed {
            Deed::MakeOwn | Deed::ChangeOwn | Deed::CopyOwn | Deed::WrapOwn => {
                let user = enter(&self.world, user);
                rv(user.on().known(&[7; 16], &[(Attr::PRIVATE, YES)]))
            }
            Deed::Make => {
                let user = enter(&self.world, user);
                rv(user.on().generate(&[(Attr::PRIVATE, YES), (Attr::TOKEN, YES)]))
            }
            deed => self.try_it(deed, user, true),
        }
    }
}
