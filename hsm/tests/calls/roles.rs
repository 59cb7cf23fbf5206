//! Usages that exclude each other on one key: by first use, for all objects that hold the key, for good.

use hsm::object::Attr;
use hsm::store::StoreError;
use hsm::store::memory::Fault;
use wire::{Mechanism, Params, Rv};

use crate::support::*;

const ALL: [(Attr, &[u8]); 4] =
    [(Attr::ENCRYPT, YES), (Attr::DECRYPT, YES), (Attr::WRAP, YES), (Attr::UNWRAP, YES)];

fn key(on: On<'_>, more: &[(Attr, &[u8])]) -> wire::ObjectHandle {
    on.generate(&[&ALL[..], more].concat()).unwrap()
}

fn target(on: On<'_>) -> wire::ObjectHandle {
    on.generate(&[(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, YES)]).unwrap()
}

fn decrypts(on: On<'_>, key: wire::ObjectHandle) -> Rv {
    rv(on.decrypt(mechanism(AES_ECB), key, &[0; 16]))
}

#[test]
fn a_key_that_has_wrapped_neither_decrypts_nor_encrypts() {
    let world = World::new();
    let user = world.user(STANDARD);
    let key = key(user.on(), &[]);
    user.on().wrap(key, target(user.on())).unwrap();
    assert_eq!(decrypts(user.on(), key), Rv::KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(rv(user.on().encrypt(mechanism(AES_ECB), key, &[0; 16])), Rv::KEY_FUNCTION_NOT_PERMITTED);
    assert!(!user.on().flag(key, Attr::DECRYPT));
    assert!(user.on().flag(key, Attr::WRAP));
    user.on().wrap(key, target(user.on())).unwrap();
}

#[test]
fn legacy_keeps_no_roles_apart() {
    let world = World::new();
    let user = world.user(LEGACY);
    let key = key(user.on(), &[]);
    user.on().wrap(key, target(user.on())).unwrap();
    assert_eq!(decrypts(user.on(), key), Rv::OK);
}

#[test]
fn copies_share_the_history_whichever_is_used() {
    let world = World::new();
    let user = world.user(STANDARD);
    for token in [YES, NO] {
        let key = key(user.on(), &[(Attr::TOKEN, token)]);
        let (other, own) =
            (user.on().copy(key, &[(Attr::TOKEN, YES)]).unwrap(), user.on().copy(key, &[]).unwrap());
        assert_eq!(decrypts(user.on(), other), Rv::OK);
        for object in [key, other, own] {
            let wrapped = rv(user.on().wrap(object, target(user.on())));
            assert_eq!(wrapped, Rv::KEY_FUNCTION_NOT_PERMITTED);
        }
        let late = user.on().copy(own, &[]).unwrap();
        assert!(!user.on().flag(late, Attr::WRAP));
    }
}

#[test]
fn the_history_outlasts_a_restart_in_every_copy() {
    let world = World::new();
    let user = world.user(STANDARD);
    let key = key(user.on(), &[(Attr::TOKEN, YES), (Attr::ID, b"1")]);
    user.on().copy(key, &[(Attr::ID, b"2")]).unwrap();
    user.on().wrap(key, target(user.on())).unwrap();
    user.on().destroy(key).unwrap();
    drop(user);
    let world = world.restart();
    let user = world.user(STANDARD);
    let copy = user.on().find(&[(Attr::ID, b"2")])[0];
    assert_eq!(decrypts(user.on(), copy), Rv::KEY_FUNCTION_NOT_PERMITTED);
    user.on().wrap(copy, target(user.on())).unwrap();
}

#[test]
fn a_use_that_cannot_be_written_does_not_happen_and_leaves_no_trace() {
    let world = World::new();
    let user = world.user(STANDARD);
    let key = key(user.on(), &[(Attr::TOKEN, YES)]);
    let target = target(user.on());
    world.store.inject(Fault::Fails(StoreError::Full("test".into())));
    assert!(user.on().wrap(key, target).is_err());
    assert!(user.on().wrap(key, target).is_err());
    world.store.inject(Fault::None);
    assert_eq!(decrypts(user.on(), key), Rv::OK);
}

#[test]
fn what_fails_for_another_reason_is_no_use() {
    let world = World::new();
    let user = world.user(STANDARD);
    let key = key(user.on(), &[]);
    let bad = Mechanism { params: Params::Mismatch { len: 3 }, ..mechanism(AES_CBC) };
    assert_eq!(rv(user.on().encrypt(bad, key, &[0; 16])), Rv::MECHANISM_PARAM_INVALID);
    let closed = user.on().generate(&[(Attr::EXTRACTABLE, NO)]).unwrap();
    assert_eq!(rv(user.on().wrap(key, closed)), Rv::KEY_UNEXTRACTABLE);
    assert!(ALL.iter().all(|(attribute, _)| user.on().flag(key, *attribute)));
    user.on().wrap(key, target(user.on())).unwrap();
}

#[test]
fn a_length_query_takes_no_role() {
    use wire::calls::key::{KeyCalls, WrapKey};
    let world = World::new();
    let user = world.user(STANDARD);
    let (key, target) = (key(user.on(), &[]), target(user.on()));
    let call = WrapKey {
        session: user.session,
        mechanism: mechanism(KWP),
        wrapping_key: key,
        key: target,
        room: wire::Room::Ask,
    };
    assert_eq!(user.app.wrap_key(call).unwrap(), wire::Output::Length(24));
    assert_eq!(decrypts(user.on(), key), Rv::OK);
}

#[test]
fn of_threads_that_use_a_key_in_conflict_one_kind_wins() {
    for token in [YES, NO] {
        for _ in 0..10 {
            let world = World::new();
            let user = world.user(STANDARD);
            let (key, target) = (key(user.on(), &[(Attr::TOKEN, token)]), target(user.on()));
            let sessions: Vec<_> = (0..4).map(|_| user.app.open(STANDARD, RW).unwrap()).collect();
            let won: Vec<(usize, bool)> = std::thread::scope(|scope| {
                let threads: Vec<_> = sessions
                    .iter()
                    .enumerate()
                    .map(|(at, session)| {
                        let on = user.app.on(*session);
                        scope.spawn(move || {
                            let wraps = at % 2 == 0;
                            (
                                at % 2,
                                if wraps {
                                    on.wrap(key, target).is_ok()
                                } else {
                                    decrypts(on, key) == Rv::OK
                                },
                            )
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let winners: Vec<_> = won.iter().filter(|(_, won)| *won).map(|(kind, _)| *kind).collect();
            assert!(!winners.is_empty() && winners.iter().all(|kind| *kind == winners[0]), "{won:?}");
        }
    }
}

/// A key that left and was destroyed comes back as what it was, with what it has been used for.
#[test]
fn a_key_that_comes_back_remembers_what_it_was_used_for() {
    for token in [YES, NO] {
        let world = World::new();
        let user = world.user(STANDARD);
        let carrier = key(user.on(), &[(Attr::TOKEN, YES), (Attr::ID, b"carrier")]);
        let used = key(user.on(), &[(Attr::TOKEN, token), (Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)]);
        let open = user.on().generate(&[(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)]).unwrap();
        let blob = user.on().wrap(carrier, used).unwrap();
        user.on().wrap(used, open).unwrap();
        user.on().destroy(used).unwrap();
        let back = user.on().unwrap(carrier, &blob, &[(Attr::DECRYPT, YES)]).unwrap();
        assert_eq!(decrypts(user.on(), back), Rv::KEY_FUNCTION_NOT_PERMITTED);
        user.on().destroy(back).unwrap();
        drop(user);
        let world = world.restart();
        let user = world.user(STANDARD);
        let carrier = user.on().find(&[(Attr::ID, b"carrier")])[0];
        let back = user.on().unwrap(carrier, &blob, &[(Attr::DECRYPT, YES)]).unwrap();
        assert_eq!(decrypts(user.on(), back), Rv::KEY_FUNCTION_NOT_PERMITTED);
    }
}

/// A trusted key may be known elsewhere, and wraps sensitive keys all the same: once it has, it never decrypts
/// here, be it destroyed and brought in again.
#[test]
fn a_trusted_key_that_was_destroyed_remembers_that_it_wrapped() {
    let world = World::new();
    let user = world.user(STANDARD);
    let shared = [(Attr::TOKEN, YES), (Attr::PRIVATE, NO), (Attr::WRAP, YES), (Attr::DECRYPT, YES)];
    user.on().known(&[9; 16], &shared).unwrap();
    user.app.logout(user.session).unwrap();
    user.app.login(user.session, CKU_SO, SO_PIN).unwrap();
    let trusted = user.on().find(&[])[0];
    user.on().set(trusted, &[(Attr::TRUSTED, YES)]).unwrap();
    user.app.logout(user.session).unwrap();
    user.app.login(user.session, CKU_USER, PIN).unwrap();
    user.on().wrap(trusted, target(user.on())).unwrap();
    user.on().destroy(trusted).unwrap();
    let again = user.on().known(&[9; 16], &[(Attr::DECRYPT, YES)]).unwrap();
    assert_eq!(decrypts(user.on(), again), Rv::KEY_FUNCTION_NOT_PERMITTED);
}

#[test]
fn strict_refuses_conflicting_usages_in_the_template() {
    let world = World::new();
    let user = world.user(STRICT);
    assert_eq!(rv(user.on().generate(&ALL)), Rv::TEMPLATE_INCONSISTENT);
    let wraps = user.on().generate(&[(Attr::WRAP, YES), (Attr::UNWRAP, YES)]).unwrap();
    assert_eq!(rv(user.on().set(wraps, &[(Attr::DECRYPT, YES)])), Rv::ATTRIBUTE_READ_ONLY);
    assert_eq!(rv(user.on().copy(wraps, &[(Attr::DECRYPT, YES)])), Rv::TEMPLATE_INCONSISTENT);
}
