//! Keys that leave wrapped and come back.

use hsm::object::Attr;
use wire::calls::key::{GenerateKey, KeyCalls};
use wire::{ObjectHandle, Rv};

use crate::support::*;

const OPEN: [(Attr, &[u8]); 2] = [(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)];
const SENSITIVE: [(Attr, &[u8]); 2] = [(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, YES)];

/// A key that was made here, always sensitive and never extractable.
fn closed(on: On<'_>) -> ObjectHandle {
    on.generate(&[(Attr::TOKEN, YES), (Attr::EXTRACTABLE, NO), (Attr::SENSITIVE, YES)]).unwrap()
}

#[test]
fn a_sensitive_key_leaves_under_a_closed_key_alone() {
    let world = World::new();
    for (slot, expected) in [(STANDARD, Rv::KEY_NOT_WRAPPABLE), (LEGACY, Rv::OK)] {
        let user = world.user(slot);
        let target = user.on().generate(&SENSITIVE).unwrap();
        let known = user.on().known(&[1; 16], &[(Attr::WRAP, YES)]).unwrap();
        let leaves = user.on().generate(&SENSITIVE).unwrap();
        let readable = user.on().generate(&OPEN).unwrap();
        for wrapping in [known, leaves, readable] {
            assert_eq!(rv(user.on().wrap(wrapping, target)), expected);
        }
        assert_eq!(rv(user.on().wrap(closed(user.on()), target)), Rv::OK);
        assert_eq!(rv(user.on().wrap(target, target)), expected);
    }
}

#[test]
fn what_does_not_leave_says_why() {
    let world = World::new();
    let user = world.user(STANDARD);
    let on = user.on();
    let (wrapping, nothing) = (closed(on), ObjectHandle(77));
    let stays = on.generate(&[(Attr::EXTRACTABLE, NO)]).unwrap();
    let target = on.generate(&SENSITIVE).unwrap();
    let picky = on.generate(&[(Attr::WRAP_WITH_TRUSTED, YES), (Attr::EXTRACTABLE, YES)]).unwrap();
    let never = on.generate(&[(Attr::WRAP, NO), (Attr::EXTRACTABLE, NO)]).unwrap();
    let data = on.create(&[(Attr::CLASS, DATA)]).unwrap();
    assert_eq!(rv(on.wrap(wrapping, stays)), Rv::KEY_UNEXTRACTABLE);
    assert_eq!(rv(on.wrap(wrapping, picky)), Rv::KEY_NOT_WRAPPABLE);
    assert_eq!(rv(on.wrap(never, target)), Rv::KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(rv(on.wrap(nothing, target)), Rv::WRAPPING_KEY_HANDLE_INVALID);
    assert_eq!(rv(on.wrap(wrapping, nothing)), Rv::KEY_HANDLE_INVALID);
    assert_eq!(rv(on.unwrap(nothing, &[0; 24], &[])), Rv::UNWRAPPING_KEY_HANDLE_INVALID);
    assert!([Rv::KEY_UNEXTRACTABLE, Rv::KEY_NOT_WRAPPABLE].contains(&rv(on.wrap(wrapping, data))));
    assert_eq!(rv(on.wrap_with(mechanism(AES_KEY_GEN), wrapping, target)), Rv::MECHANISM_INVALID);
}

#[test]
fn what_comes_back_has_no_more_rights_than_it_had() {
    for token in [YES, NO] {
        let world = World::new();
        let user = world.user(STANDARD);
        let on = user.on();
        let wrapping = closed(on);
        let target = on.generate(&[&SENSITIVE[..], &[(Attr::TOKEN, token)]].concat()).unwrap();
        let blob = on.wrap(wrapping, target).unwrap();
        on.destroy(target).unwrap();
        let readable = [(Attr::SENSITIVE, NO)];
        assert_eq!(rv(on.unwrap(wrapping, &blob, &readable)), Rv::TEMPLATE_INCONSISTENT);
        let back = on.unwrap(wrapping, &blob, &[(Attr::LABEL, b"back")]).unwrap();
        assert!(on.flag(back, Attr::SENSITIVE));
        assert_eq!(on.read(back, Attr::VALUE).unwrap(), None);
    }
}

#[test]
fn what_is_known_of_a_key_that_left_outlasts_a_restart_and_a_new_token() {
    use wire::calls::slot::{InitToken, SlotCalls};
    let world = World::new();
    let user = world.user(STANDARD);
    let value = [6u8; 16];
    let sensitive = user.on().known(&value, &SENSITIVE).unwrap();
    user.on().wrap(closed(user.on()), sensitive).unwrap();
    drop(user);
    let world = world.restart();
    let app = world.app();
    app.init_token(InitToken { slot: STANDARD, pin: Some(wire::Slice(SO_PIN)), label: wire::Slice(b"new") })
        .unwrap();
    let session = app.open(STANDARD, RW).unwrap();
    // A key of the same value under a known key, as an attacker who has one would bring it.
    let on = app.on(session);
    let shared: &[(Attr, &[u8])] = &[(Attr::PRIVATE, NO), (Attr::WRAP, YES), (Attr::UNWRAP, YES)];
    let carrier = on.known(&[5; 16], shared).unwrap();
    let same =
        on.known(&value, &[(Attr::PRIVATE, NO), (Attr::SENSITIVE, NO), (Attr::EXTRACTABLE, YES)]).unwrap();
    let blob = on.wrap(carrier, same).unwrap();
    on.destroy(same).unwrap();
    let asked = [(Attr::PRIVATE, NO), (Attr::SENSITIVE, NO)];
    assert_eq!(rv(on.unwrap(carrier, &blob, &asked)), Rv::TEMPLATE_INCONSISTENT);
}

#[test]
fn what_was_cut_and_pasted_does_not_open_under_a_closed_key() {
    let world = World::new();
    let user = world.user(STANDARD);
    let on = user.on();
    let wrapping = on.app.generate_key(GenerateKey {
        session: on.session,
        mechanism: mechanism(AES_KEY_GEN),
        template: template(&[(Attr::VALUE_LEN, L32), (Attr::EXTRACTABLE, NO)]),
    });
    let wrapping = wrapping.unwrap();
    let value: Vec<u8> = (0..32).collect();
    let target = on.known(&value, &SENSITIVE).unwrap();
    let blob = on.wrap_with(mechanism(AES_ECB), wrapping, target).unwrap();
    let back = |blob: &[u8]| rv(on.unwrap_with(mechanism(AES_ECB), wrapping, blob, &[]));
    assert_eq!(back(&blob), Rv::OK);
    assert_eq!(back(&blob[..16]), Rv::WRAPPED_KEY_INVALID);
    assert_eq!(back(&[&blob[16..], &blob[..16]].concat()), Rv::WRAPPED_KEY_INVALID);
    assert_eq!(back(&[9; 32]), Rv::WRAPPED_KEY_INVALID);
}

#[test]
fn strict_offers_no_wrapping_without_a_tag() {
    let world = World::new();
    let user = world.user(STRICT);
    let on = user.on();
    let wrapping = on.generate(&[(Attr::WRAP, YES), (Attr::UNWRAP, YES), (Attr::EXTRACTABLE, NO)]).unwrap();
    let target = on.generate(&SENSITIVE).unwrap();
    assert_eq!(rv(on.wrap_with(mechanism(AES_ECB), wrapping, target)), Rv::MECHANISM_INVALID);
    assert_eq!(rv(on.unwrap_with(mechanism(AES_ECB), wrapping, &[0; 16], &[])), Rv::MECHANISM_INVALID);
    assert_eq!(rv(on.wrap(wrapping, target)), Rv::OK);
}

#[test]
fn a_padding_that_is_wrong_gives_the_same_other_key_each_time() {
    let world = World::new();
    let user = world.user(STANDARD);
    let on = user.on();
    let bits = 2048u64.to_le_bytes();
    let (_, private) = on.pair(0, &[(Attr::MODULUS_BITS, &bits)], &[]).unwrap();
    let (len, mut blob) = ([(Attr::VALUE_LEN, L16)], vec![0x11; 256]);
    blob[0] = 0;
    let check = |blob: &[u8]| {
        let key = on.unwrap_with(mechanism(1), private, blob, &len).unwrap();
        let shown = on.encrypt(mechanism(AES_ECB), key, &[0; 16]).unwrap();
        on.destroy(key).unwrap();
        shown
    };
    let first = check(&blob);
    assert_eq!(check(&blob), first);
    blob[255] ^= 1;
    assert_ne!(check(&blob), first);
}

#[test]
fn a_key_that_leaves_or_stays_is_recorded() {
    let world = World::new();
    let user = world.user(STANDARD);
    let (wrapping, target) = (closed(user.on()), user.on().generate(&SENSITIVE).unwrap());
    let stays = user.on().generate(&[(Attr::EXTRACTABLE, NO)]).unwrap();
    world.recorded();
    let blob = user.on().wrap(wrapping, target).unwrap();
    let _ = user.on().wrap(wrapping, stays);
    user.on().unwrap(wrapping, &blob, &[]).unwrap();
    let _ = user.on().unwrap(wrapping, &[0; 24], &[]);
    let expected = [
        ("user", "wrap", Rv::OK),
        ("user", "leave wrapped", Rv::OK),
        ("user", "wrap", Rv::OK),
        ("user", "leave wrapped", Rv::KEY_UNEXTRACTABLE),
        ("user", "unwrap", Rv::OK),
        ("user", "unwrap", Rv::OK),
        ("user", "unwrap", Rv::OK),
        ("user", "unwrap", Rv::WRAPPED_KEY_INVALID),
    ];
    assert_eq!(world.recorded(), expected);
}
