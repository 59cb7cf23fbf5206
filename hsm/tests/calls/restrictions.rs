//! Keys that ask for their PIN each time, and keys that name their mechanisms.

use hsm::object::Attr;
use wire::calls::decrypt::{DecryptCalls, DecryptInit};
use wire::calls::digest::{DigestCalls, DigestInit, DigestKey};
use wire::calls::encrypt::{EncryptCalls, EncryptInit};
use wire::calls::session::{SessionCalls, SessionCancel};
use wire::calls::sign::{Sign, SignCalls, SignFinal, SignInit, SignUpdate};
use wire::{ObjectHandle, Rv, Slice};

use crate::support::*;

const RSA_GEN: u64 = 0;
const RSA_PKCS: u64 = 1;
const SHA256_RSA: u64 = 0x40;
static BITS: &[u8] = &2048u64.to_le_bytes();

/// A pair of RSA whose private half asks for its PIN each time.
fn guarded(user: &User) -> (ObjectHandle, ObjectHandle) {
    let private = [(Attr::ALWAYS_AUTHENTICATE, YES), (Attr::PRIVATE, YES)];
    user.on().pair(RSA_GEN, &[(Attr::MODULUS_BITS, BITS)], &private).unwrap()
}

fn begin(user: &User, key: ObjectHandle, how: u64) -> Rv {
    rv(user.app.sign_init(SignInit { session: user.session, mechanism: Some(mechanism(how)), key }))
}

fn sign(user: &User) -> Rv {
    rv(user.app.sign(Sign { session: user.session, data: Slice(b"pay"), room: ROOM }))
}

fn confirm(user: &User, pin: &[u8]) -> Rv {
    rv(user.app.login(user.session, CKU_CONTEXT, pin))
}

#[test]
fn one_pin_is_for_one_operation() {
    let world = World::new();
    let user = world.user(STANDARD);
    let (_, key) = guarded(&user);
    assert_eq!(begin(&user, key, RSA_PKCS), Rv::OK);
    assert_eq!(sign(&user), Rv::USER_NOT_LOGGED_IN);
    begin(&user, key, RSA_PKCS);
    assert_eq!(confirm(&user, WRONG), Rv::PIN_INCORRECT);
    assert_eq!(confirm(&user, PIN), Rv::OK);
    assert_eq!(confirm(&user, PIN), Rv::OPERATION_NOT_INITIALIZED);
    assert_eq!(sign(&user), Rv::OK);
    begin(&user, key, RSA_PKCS);
    assert_eq!(sign(&user), Rv::USER_NOT_LOGGED_IN);
    begin(&user, key, SHA256_RSA);
    assert_eq!(confirm(&user, PIN), Rv::OK);
    let session = user.session;
    user.app.sign_update(SignUpdate { session, data: Slice(b"in ") }).unwrap();
    user.app.sign_update(SignUpdate { session, data: Slice(b"parts") }).unwrap();
    user.app.sign_final(SignFinal { session, room: ROOM }).unwrap();
}

/// A PIN that no operation waits for is not looked at: it can be neither tried nor wasted there.
#[test]
fn a_pin_is_for_an_operation_that_still_waits() {
    let world = World::new();
    let user = world.user(STANDARD);
    let (_, key) = guarded(&user);
    begin(&user, key, RSA_PKCS);
    user.app.session_cancel(SessionCancel { session: user.session, flags: 0x800 }).unwrap();
    assert_eq!(confirm(&user, WRONG), Rv::OPERATION_NOT_INITIALIZED);
    assert_eq!(world.partition(STANDARD).tries().user, 0);
    // The last that began comes first, and then the other.
    begin(&user, key, RSA_PKCS);
    let (session, mechanism) = (user.session, Some(mechanism(RSA_PKCS)));
    user.app.decrypt_init(DecryptInit { session, mechanism, key }).unwrap();
    assert_eq!(confirm(&user, PIN), Rv::OK);
    assert_eq!(confirm(&user, PIN), Rv::OK);
    assert_eq!(sign(&user), Rv::OK);
}

#[test]
fn a_key_that_asks_each_time_does_not_unwrap() {
    for (slot, expected) in [(STANDARD, Rv::USER_NOT_LOGGED_IN), (LEGACY, Rv::OK)] {
        let world = World::new();
        let user = world.user(slot);
        let (public, private) = guarded(&user);
        let target = user.on().generate(&[(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)]).unwrap();
        let blob = user.on().wrap_with(mechanism(RSA_PKCS), public, target).unwrap();
        assert_eq!(rv(user.on().unwrap_with(mechanism(RSA_PKCS), private, &blob, &[])), expected);
    }
}

#[test]
fn a_key_is_used_with_its_own_mechanisms_alone() {
    let world = World::new();
    let user = world.user(STANDARD);
    let session = user.session;
    static ONE: &[u8] = &AES_CBC.to_le_bytes();
    let own = [(Attr::ALLOWED_MECHANISMS, ONE), (Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)];
    let key = user.on().generate(&own).unwrap();
    let other = user.on().generate(&[(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)]).unwrap();
    let ecb = || Some(mechanism(AES_ECB));
    let refused = [
        rv(user.app.encrypt_init(EncryptInit { session, mechanism: ecb(), key })),
        rv(user.app.decrypt_init(DecryptInit { session, mechanism: ecb(), key })),
        rv(user.app.sign_init(SignInit { session, mechanism: Some(mechanism(0x108a)), key })),
        rv(user.on().wrap(key, other)),
        rv(user.on().unwrap(key, &[0; 24], &[])),
    ];
    assert_eq!(refused, [Rv::MECHANISM_INVALID; 5]);
    user.app.digest_init(DigestInit { session, mechanism: Some(mechanism(SHA256)) }).unwrap();
    assert_eq!(rv(user.app.digest_key(DigestKey { session, key })), Rv::KEY_INDIGESTIBLE);
    assert_eq!(rv(user.app.digest_key(DigestKey { session, key: other })), Rv::OPERATION_NOT_INITIALIZED);
    assert_eq!(rv(user.on().encrypt(with_iv(AES_CBC), key, &[0; 16])), Rv::OK);
}

#[test]
fn a_key_is_digested_where_it_could_be_read() {
    let world = World::new();
    let user = world.user(STANDARD);
    let session = user.session;
    let digest = |key| {
        let begun = user.app.digest_init(DigestInit { session, mechanism: Some(mechanism(SHA256)) });
        begun.unwrap();
        let code = rv(user.app.digest_key(DigestKey { session, key }));
        user.app.session_cancel(SessionCancel { session, flags: 0x400 }).unwrap();
        code
    };
    let open = [(Attr::SENSITIVE, NO), (Attr::EXTRACTABLE, YES)];
    assert_eq!(digest(user.on().generate(&open).unwrap()), Rv::OK);
    let sensitive = [(Attr::SENSITIVE, YES), (Attr::EXTRACTABLE, YES)];
    assert_eq!(digest(user.on().generate(&sensitive).unwrap()), Rv::KEY_INDIGESTIBLE);
    assert_eq!(digest(user.on().generate(&[(Attr::EXTRACTABLE, NO)]).unwrap()), Rv::KEY_INDIGESTIBLE);
    assert_eq!(digest(ObjectHandle(1)), Rv::KEY_HANDLE_INVALID);
}
