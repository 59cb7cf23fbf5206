//! T2: one key encrypts and unwraps, so that a blob of a known key can be made.

use cryptoki_sys as ck;
use rsa::rand_core::OsRng;
use rsa::{BigUint, Oaep, Pkcs1v15Encrypt, RsaPublicKey};

use super::tools::{KNOWN_KEY, wrap_under_known};
use super::tries::Tries;
use super::victim::{encrypt_block, guarded};
use super::{Context, Verdict};
use crate::ground::{self, BLOCK, Block, KW_CHECK, KWP_CHECK_32};
use crate::mechanism::Mechanism;
use crate::module::{Begin, ObjectHandle, Room, Transform};
use crate::names::Rv;
use crate::session::Session;
use crate::template::Template;

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let session = at.session;
    let planted = guarded(ck::CKK_AES, &[ck::CKA_WRAP]);

    for how in forgeries() {
        let name = format!("a blob of a known key made by encryption, {}", how.name());
        let handle = at
            .aes_for(&[ck::CKA_ENCRYPT, ck::CKA_UNWRAP, ck::CKA_WRAP, ck::CKA_DECRYPT])
            .and_then(|key| Ok((key, forge(at, &how, key)?)))
            .and_then(|(key, blob)| session.unwrap(&how, key, &blob, &planted));
        plant(&mut tries, &name, at, handle, &victim);
    }
    for how in forgeries() {
        let name = format!("unwrap once, then encrypt and unwrap, {}", how.name());
        let handle = at
            .aes_for(&[ck::CKA_ENCRYPT, ck::CKA_UNWRAP])
            .inspect(|key| {
                let _ = session.unwrap(&how, *key, &[0; 40], &planted);
            })
            .and_then(|key| Ok((key, forge(at, &how, key)?)))
            .and_then(|(key, blob)| session.unwrap(&how, key, &blob, &planted));
        plant(&mut tries, &name, at, handle, &victim);
    }
    let begun = forge_by_an_operation_begun_before(at, &planted);
    plant(&mut tries, "an encryption begun before the first unwrap, AES-KW", at, begun, &victim);
    for how in [Mechanism::plain(ck::CKM_RSA_PKCS), Mechanism::oaep()] {
        let name = format!("a known key encrypted with the pair's public key in the token, {}", how.name());
        let handle = at
            .rsa_pair(2048, &[ck::CKA_ENCRYPT, ck::CKA_WRAP], &[ck::CKA_UNWRAP, ck::CKA_DECRYPT])
            .and_then(|(public, private)| Ok((private, session.encrypt(&how, public, &KNOWN_KEY)?)))
            .and_then(|(private, blob)| session.unwrap(&how, private, &blob, &planted));
        plant(&mut tries, &name, at, handle, &victim);
    }
    Ok(tries.verdict())
}

/// Goes on with a planted key, or scores why there is none.
pub(super) fn plant(
    tries: &mut Tries,
    how: &str,
    at: &Context,
    handle: Result<ObjectHandle, Rv>,
    victim: &super::victim::Victim,
) {
    match handle {
        Ok(handle) => wrap_under_known(tries, how, at.session, handle, &KNOWN_KEY, victim),
        Err(rv) => tries.judge(how, || Err(rv)),
    }
}

fn forgeries() -> Vec<Mechanism> {
    vec![
        Mechanism::plain(ck::CKM_AES_KEY_WRAP),
        Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP),
        Mechanism::plain(ck::CKM_AES_KEY_WRAP_PAD),
        Mechanism::cbc_pad(&[0; BLOCK]),
        Mechanism::cbc(&[0; BLOCK]),
        Mechanism::ecb(),
        Mechanism::gcm(&[0; 12], &[]),
    ]
}

/// A blob of the known key under `key`, made with its right to encrypt.
fn forge(at: &Context, how: &Mechanism, key: ObjectHandle) -> Result<Vec<u8>, Rv> {
    let session = at.session;
    if let Ok(blob) = session.encrypt(how, key, &KNOWN_KEY) {
        return Ok(blob);
    }
    let encrypt = &mut |block| encrypt_block(session, key, block);
    match how.id {
        ck::CKM_AES_KEY_WRAP => ground::wrap_kw(KW_CHECK, &KNOWN_KEY, encrypt),
        ck::CKM_AES_KEY_WRAP_KWP | ck::CKM_AES_KEY_WRAP_PAD => {
            ground::wrap_kw(KWP_CHECK_32, &KNOWN_KEY, encrypt)
        }
        ck::CKM_AES_CBC => ground::make_cbc(&KNOWN_KEY, encrypt),
        ck::CKM_AES_CBC_PAD => ground::make_cbc(&[&KNOWN_KEY[..], &[16; 16]].concat(), encrypt),
        ck::CKM_AES_ECB => {
            Ok(ground::blocks(&KNOWN_KEY)?.into_iter().map(encrypt).collect::<Result<Vec<_>, _>>()?.concat())
        }
        _ => Err(Rv(ck::CKR_MECHANISM_INVALID)),
    }
}

/// Begins to encrypt, has the key unwrap something, and only then encrypts the blob.
fn forge_by_an_operation_begun_before(at: &Context, planted: &Template) -> Result<ObjectHandle, Rv> {
    let key = at.aes_for(&[ck::CKA_ENCRYPT, ck::CKA_UNWRAP])?;
    let how = Mechanism::plain(ck::CKM_AES_KEY_WRAP);
    let other = Session::open(at.module, at.slot)?;
    other.begin(Begin::Encrypt, &Mechanism::ecb(), key).ok()?;
    let _ = at.session.unwrap(&how, key, &[0; 40], planted);
    let blob = ground::wrap_kw(KW_CHECK, &KNOWN_KEY, &mut |block| {
        let cipher = other.transform(Transform::EncryptUpdate, &block, Room::Bytes(64)).ok()?;
        Block::try_from(cipher).map_err(|_| Rv(ck::CKR_DATA_LEN_RANGE))
    });
    other.close();
    at.session.unwrap(&how, key, &blob?, planted)
}

/// The public key of a pair in the token, for use outside.
pub(super) fn public_key(at: &Context, public: ObjectHandle) -> Result<RsaPublicKey, Rv> {
    let number = |kind| at.session.get(public, kind).map(|bytes| BigUint::from_bytes_be(&bytes));
    RsaPublicKey::new(number(ck::CKA_MODULUS)?, number(ck::CKA_PUBLIC_EXPONENT)?)
        .map_err(|_| Rv(ck::CKR_PUBLIC_KEY_INVALID))
}

/// The known key encrypted outside the token, as anybody can who has the public key.
pub(super) fn encrypt_outside(key: &RsaPublicKey, how: &Mechanism) -> Result<Vec<u8>, Rv> {
    match how.id {
        ck::CKM_RSA_PKCS => key.encrypt(&mut OsRng, Pkcs1v15Encrypt, &KNOWN_KEY),
        _ => key.encrypt(&mut OsRng, Oaep::new::<sha1::Sha1>(), &KNOWN_KEY),
    }
    .map_err(|_| Rv(ck::CKR_GENERAL_ERROR))
}
