//! Objects: whose they are, who sees them, how long they last, and how they are found.

use hsm::object::Attr;
use hsm::store::StoreError;
use hsm::store::memory::Fault;
use proptest::prelude::*;
use wire::calls::object::{FindObjects, FindObjectsFinal, FindObjectsInit, ObjectCalls};
use wire::{ObjectHandle, Rv};

use crate::support::*;

#[test]
fn a_session_object_goes_with_its_session_and_a_token_object_stays() {
    let world = World::new();
    let user = world.user(STANDARD);
    let other = user.app.open(STANDARD, RW).unwrap();
    let own = user.app.on(other).generate(&[(Attr::ID, b"own")]).unwrap();
    user.app.on(other).generate(&[(Attr::ID, b"token"), (Attr::TOKEN, YES)]).unwrap();
    assert_eq!(user.on().find(&[(Attr::ID, b"own")]), [own]);
    user.app.close(other).unwrap();
    assert_eq!(user.on().find(&[(Attr::ID, b"own")]), []);
    assert_eq!(rv(user.on().read(own, Attr::ID)), Rv::OBJECT_HANDLE_INVALID);
    drop(user);
    let world = world.restart();
    assert_eq!(world.user(STANDARD).on().find(&[(Attr::ID, b"token")]).len(), 1);
}

#[test]
fn another_application_sees_token_objects_and_no_session_objects() {
    let world = World::new();
    let (user, other) = (world.user(STANDARD), world.user(STANDARD));
    let own = user.on().generate(&[]).unwrap();
    let token = user.on().generate(&[(Attr::TOKEN, YES)]).unwrap();
    assert_eq!(other.on().find(&[]).len(), 1);
    // A handle of a private object is good for the application that it was given to.
    for handle in [own, token] {
        assert_eq!(rv(other.on().read(handle, Attr::ID)), Rv::OBJECT_HANDLE_INVALID);
    }
}

#[test]
fn a_handle_is_good_on_one_partition_and_for_one_login() {
    let world = World::new();
    let user = world.user(STANDARD);
    let there = user.app.open(LEGACY, RW).unwrap();
    user.app.login(there, CKU_USER, PIN).unwrap();
    let there = user.app.on(there);
    let private = [(Attr::TOKEN, YES), (Attr::PRIVATE, YES)];
    let public = [(Attr::TOKEN, YES), (Attr::PRIVATE, NO)];
    let (mine, open) = (user.on().generate(&private).unwrap(), user.on().generate(&public).unwrap());
    there.generate(&private).unwrap();
    there.generate(&public).unwrap();
    for handle in [mine, open] {
        assert_eq!(rv(there.read(handle, Attr::ID)), Rv::OBJECT_HANDLE_INVALID);
    }
    user.app.logout(user.session).unwrap();
    assert_eq!(rv(user.on().read(mine, Attr::ID)), Rv::OBJECT_HANDLE_INVALID);
    assert_eq!(rv(user.on().read(open, Attr::ID)), Rv::OK);
    user.app.login(user.session, CKU_USER, PIN).unwrap();
    assert_eq!(rv(user.on().read(mine, Attr::ID)), Rv::OBJECT_HANDLE_INVALID);
    assert_eq!(rv(user.on().read(open, Attr::ID)), Rv::OK);
    assert_eq!(user.on().find(&[]).len(), 2);
}

#[test]
fn a_private_object_is_there_for_the_user_alone() {
    let world = World::new();
    let user = world.user(STANDARD);
    user.on().generate(&[(Attr::TOKEN, YES), (Attr::ID, b"private")]).unwrap();
    user.on().generate(&[(Attr::TOKEN, YES), (Attr::PRIVATE, NO), (Attr::ID, b"public")]).unwrap();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    let seen = || app.on(session).find(&[]).len();
    assert_eq!(seen(), 1);
    assert_eq!(app.on(session).find(&[(Attr::ID, b"private")]), []);
    assert_eq!(rv(app.on(session).generate(&[(Attr::PRIVATE, YES)])), Rv::USER_NOT_LOGGED_IN);
    app.login(session, CKU_SO, SO_PIN).unwrap();
    assert_eq!(seen(), 1);
    assert_eq!(rv(app.on(session).generate(&[(Attr::PRIVATE, YES)])), Rv::USER_NOT_LOGGED_IN);
    app.logout(session).unwrap();
    app.login(session, CKU_USER, PIN).unwrap();
    assert_eq!(seen(), 2);
}

#[test]
fn private_session_objects_go_with_the_login() {
    let world = World::new();
    let user = world.user(STANDARD);
    user.on().generate(&[(Attr::PRIVATE, YES)]).unwrap();
    let public = user.on().generate(&[(Attr::PRIVATE, NO)]).unwrap();
    user.app.logout(user.session).unwrap();
    assert_eq!(user.on().find(&[]), [public]);
    user.app.login(user.session, CKU_USER, PIN).unwrap();
    assert_eq!(user.on().find(&[]), [public]);
}

#[test]
fn flags_of_an_object_say_what_may_happen_to_it() {
    let world = World::new();
    let user = world.user(STANDARD);
    let fixed =
        user.on().generate(&[(Attr::MODIFIABLE, NO), (Attr::COPYABLE, NO), (Attr::DESTROYABLE, NO)]).unwrap();
    assert_eq!(rv(user.on().set(fixed, &[(Attr::LABEL, b"x")])), Rv::ACTION_PROHIBITED);
    assert_eq!(rv(user.on().copy(fixed, &[])), Rv::ACTION_PROHIBITED);
    assert_eq!(rv(user.on().destroy(fixed)), Rv::ACTION_PROHIBITED);
    let key = user.on().generate(&[]).unwrap();
    user.on().destroy(key).unwrap();
    assert_eq!(rv(user.on().destroy(key)), Rv::OBJECT_HANDLE_INVALID);
}

#[test]
fn a_read_only_session_leaves_token_objects_as_they_are() {
    let world = World::new();
    let user = world.user(STANDARD);
    let token = user.on().generate(&[(Attr::TOKEN, YES)]).unwrap();
    let own = user.on().generate(&[]).unwrap();
    let ro = user.app.open(STANDARD, RO).unwrap();
    let ro = user.app.on(ro);
    assert_eq!(rv(ro.generate(&[(Attr::TOKEN, YES)])), Rv::SESSION_READ_ONLY);
    assert_eq!(rv(ro.copy(own, &[(Attr::TOKEN, YES)])), Rv::SESSION_READ_ONLY);
    assert_eq!(rv(ro.set(token, &[(Attr::LABEL, b"x")])), Rv::SESSION_READ_ONLY);
    assert_eq!(rv(ro.destroy(token)), Rv::SESSION_READ_ONLY);
    ro.set(own, &[(Attr::LABEL, b"x")]).unwrap();
    ro.destroy(own).unwrap();
}

#[test]
fn a_store_that_fails_leaves_objects_as_they_were() {
    let world = World::new();
    let user = world.user(STANDARD);
    let key = user.on().generate(&[(Attr::TOKEN, YES), (Attr::ID, b"1")]).unwrap();
    world.store.inject(Fault::Fails(StoreError::Full("test".into())));
    assert!(user.on().generate(&[(Attr::TOKEN, YES), (Attr::ID, b"2")]).is_err());
    assert!(user.on().set(key, &[(Attr::ID, b"3")]).is_err());
    assert!(user.on().destroy(key).is_err());
    world.store.inject(Fault::None);
    assert_eq!(user.on().find(&[]), [key]);
    assert_eq!(user.on().read(key, Attr::ID).unwrap(), Some(b"1".to_vec()));
    drop(user);
    let world = world.restart();
    assert_eq!(world.user(STANDARD).on().find(&[(Attr::ID, b"1")]).len(), 1);
}

#[test]
fn a_search_gives_everything_once_in_pieces_of_any_size() {
    let world = World::new();
    let user = world.user(STANDARD);
    let session = user.session;
    let mut made: Vec<ObjectHandle> = Vec::new();
    for token in [YES, NO, YES, NO, YES] {
        made.push(user.on().create(&[(Attr::CLASS, DATA), (Attr::TOKEN, token)]).unwrap());
    }
    made.sort();
    for piece in 0..4 {
        let init = FindObjectsInit { session, template: template(&[]) };
        user.app.find_objects_init(init.clone()).unwrap();
        assert_eq!(rv(user.app.find_objects_init(init)), Rv::OPERATION_ACTIVE);
        let mut found = Vec::new();
        // Asking for none takes none away.
        assert_eq!(user.app.find_objects(FindObjects { session, max: 0 }).unwrap().len(), 0);
        loop {
            let some = user.app.find_objects(FindObjects { session, max: piece + 1 }).unwrap().into_vec();
            if some.is_empty() {
                break;
            }
            found.extend(some);
        }
        user.app.find_objects_final(FindObjectsFinal { session }).unwrap();
        found.sort();
        assert_eq!(found, made);
    }
    assert_eq!(rv(user.app.find_objects(FindObjects { session, max: 1 })), Rv::OPERATION_NOT_INITIALIZED);
}

#[test]
fn a_search_leaves_out_what_has_gone_since_it_began() {
    let world = World::new();
    let user = world.user(STANDARD);
    let session = user.session;
    let one = user.on().create(&[(Attr::CLASS, DATA), (Attr::TOKEN, YES)]).unwrap();
    let two = user.on().create(&[(Attr::CLASS, DATA)]).unwrap();
    user.app.find_objects_init(FindObjectsInit { session, template: template(&[]) }).unwrap();
    user.on().destroy(one).unwrap();
    assert_eq!(user.app.find_objects(FindObjects { session, max: 9 }).unwrap().into_vec(), [two]);
}

#[test]
fn what_happens_to_objects_is_recorded() {
    let world = World::new();
    let user = world.user(STANDARD);
    world.recorded();
    let key = user.on().known(&[1; 16], &[(Attr::SENSITIVE, NO), (Attr::EXTRACTABLE, YES)]).unwrap();
    let copy = user.on().copy(key, &[]).unwrap();
    user.on().set(copy, &[(Attr::LABEL, b"x")]).unwrap();
    assert!(user.on().set(copy, &[(Attr::LOCAL, YES)]).is_err());
    user.on().read(copy, Attr::LABEL).unwrap();
    user.on().read(copy, Attr::VALUE).unwrap();
    user.on().encrypt(mechanism(AES_ECB), key, &[0; 16]).unwrap();
    user.on().destroy(copy).unwrap();
    let expected = [
        ("user", "create", Rv::OK),
        ("user", "copy", Rv::OK),
        ("user", "change", Rv::OK),
        ("user", "change", Rv::ATTRIBUTE_READ_ONLY),
        ("user", "read", Rv::OK),
        ("user", "encrypt", Rv::OK),
        ("user", "destroy", Rv::OK),
    ];
    assert_eq!(world.recorded(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// What the index finds is what a look at every object finds.
    #[test]
    fn a_search_finds_what_fits(
        made in proptest::collection::vec((0u8..3, 0u8..3, any::<bool>(), any::<bool>()), 0..12),
        (label, id, token) in (0u8..3, 0u8..3, any::<bool>()),
        by in 0u8..8,
    ) {
        let world = World::new();
        let user = world.user(STANDARD);
        let bit = |flag: bool| if flag { YES } else { NO };
        let (label, id) = ([label], [id]);
        let all = [(Attr::LABEL, &label[..]), (Attr::ID, &id[..]), (Attr::TOKEN, bit(token))];
        let asked: Vec<_> = (0..3).filter(|one| by & (1 << one) != 0).map(|one| all[one]).collect();
        let mut fit = Vec::new();
        for (label, id, token, private) in made {
            let (label, id) = ([label], [id]);
            let own = [
                (Attr::LABEL, &label[..]), (Attr::ID, &id[..]), (Attr::TOKEN, bit(token)),
                (Attr::PRIVATE, bit(private)),
            ];
            let handle = user.on().generate(&own[..].iter().copied().filter(|given| given.0 != Attr::LABEL).collect::<Vec<_>>()).unwrap();
            user.on().set(handle, &own[..1]).unwrap();
            if asked.iter().all(|asked| own.contains(asked)) {
                fit.push(handle);
            }
        }
        let mut found = user.on().find(&asked);
        found.sort();
        fit.sort();
        prop_assert_eq!(found, fit);
    }
}
