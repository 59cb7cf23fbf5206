//! HPKE (RFC 9180) in base mode for one message: DHKEM with HKDF-SHA256, HKDF-SHA256, AES-256-GCM.
//!
//! The private key may be on a token that knows ECDH and nothing of HPKE, so the key schedule is done here.

use crypto::{Hash, aead, aes, ec, kdf, random, sm2, x25519};

use crate::{Algorithm, Error, Public, Secret};

/// The longest secret that is sealed, in bytes.
pub const MAX_SECRET: usize = 1 << 16;

const INFO: &[u8] = b"Claviger UKey seal 1\0";
const TAG: usize = 16;
const KEY: usize = 32;
const NONCE: usize = 12;
/// Length in bytes of the KEM's shared secret, whatever the KEM.
const SHARED: usize = 32;
/// Length in bytes of an uncompressed point.
const POINT: usize = 65;
const BASE: u8 = 0;
/// HKDF-SHA256 (RFC 9180, "Key Derivation Functions (KDFs)").
const KDF: u16 = 1;
/// AES-256-GCM (RFC 9180, "Authenticated Encryption with Associated Data (AEAD) Functions").
const AEAD: u16 = 2;

/// The KEM's number (RFC 9180, "Key Encapsulation Mechanisms (KEMs)"); for SM2, which it has not, one of our own.
const fn kem(algorithm: Algorithm) -> u16 {
    match algorithm {
        Algorithm::Ed25519 => 0x20,
        Algorithm::P256 => 0x10,
        Algorithm::Sm2 => 0xff02,
    }
}

/// Length in bytes of what the KEM sends: an ephemeral public key, or an SM2 ciphertext.
const fn sent(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Ed25519 => x25519::KEY,
        Algorithm::P256 => POINT,
        Algorithm::Sm2 => POINT + 32 + SHARED,
    }
}

pub(crate) fn seal(to: &Public, head: &[u8], context: &[u8], secret: &Secret) -> Result<Vec<u8>, Error> {
    if secret.is_empty() || secret.len() > MAX_SECRET {
        return Err(Error::SecretLength { done: "sealed", len: secret.len(), min: 1, max: MAX_SECRET });
    }
    let (ephemeral, agreed) = match to.algorithm() {
        Algorithm::Ed25519 => {
            let ephemeral = x25519::PrivateKey::generate()?;
            let agreed = ephemeral.agree(&x25519::PublicKey::from_bytes(to.sealing())?)?;
            (ephemeral.public().as_bytes().to_vec(), agreed)
        }
        Algorithm::P256 => {
            let ephemeral = ec::PrivateKey::generate(ec::Curve::P256)?;
            let agreed = ephemeral.agree(&ec::PublicKey::from_point(ec::Curve::P256, to.sealing())?)?;
            (ephemeral.public().point()?, agreed)
        }
        Algorithm::Sm2 => {
            let agreed = Secret::new(random::bytes(SHARED)?);
            let to = sm2::PublicKey::from_point(to.sealing())?;
            (to.encrypt(sm2::Form::Raw, agreed.as_bytes())?, agreed)
        }
    };
    let (key, nonce) = schedule(to, &ephemeral, &agreed, context)?;
    let sealed = aead::gcm_seal(&key, nonce.as_bytes(), head, TAG, secret.as_bytes())?;
    Ok([head, &ephemeral, &sealed].concat())
}

pub(crate) fn open(
    by: &Public,
    head: &[u8],
    context: &[u8],
    sealed: &[u8],
    agree: impl FnOnce(&[u8]) -> Result<Secret, Error>,
) -> Result<Secret, Error> {
    let closed = || Error::Sealed { by: by.id() };
    let rest = sealed.strip_prefix(head).ok_or_else(closed)?;
    let (ephemeral, ciphertext) = rest.split_at_checked(sent(by.algorithm())).ok_or_else(closed)?;
    if !(TAG..=MAX_SECRET + TAG).contains(&ciphertext.len()) {
        return Err(closed());
    }
    check_ephemeral(by.algorithm(), ephemeral).map_err(|_| closed())?;
    let agreed = agree(ephemeral).map_err(|error| match error {
        // A public key of small order or a ciphertext for another, of which there is nothing more to say than that it
        // does not open.
        Error::Crypto(crypto::Error::InvalidKey(_) | crypto::Error::InvalidData(_)) => closed(),
        other => other,
    })?;
    let (key, nonce) = schedule(by, ephemeral, &agreed, context)?;
    let secret = aead::gcm_open(&key, nonce.as_bytes(), head, TAG, ciphertext).map_err(|_| closed())?;
    Ok(Secret::new(secret))
}

/// A token may not check what point it is given, and would then give its private key away, bit by bit.
fn check_ephemeral(algorithm: Algorithm, ephemeral: &[u8]) -> Result<(), crypto::Error> {
    match algorithm {
        Algorithm::Ed25519 => x25519::PublicKey::from_bytes(ephemeral).map(drop),
        Algorithm::P256 => ec::PublicKey::from_point(ec::Curve::P256, ephemeral).map(drop),
        Algorithm::Sm2 => {
            let point = ephemeral.get(..POINT).unwrap_or_default();
            sm2::PublicKey::from_point(point).map(drop)
        }
    }
}

/// Key and nonce of the one message (RFC 9180, "DH-Based KEM (DHKEM)" and "Creating the Encryption Context").
fn schedule(
    to: &Public,
    ephemeral: &[u8],
    agreed: &Secret,
    context: &[u8],
) -> Result<(aes::Key, Secret), Error> {
    let kem = kem(to.algorithm()).to_be_bytes();
    let suite = [b"KEM", &kem[..]].concat();
    let both = [ephemeral, to.sealing()].concat();
    let pseudorandom = extract(&suite, &Secret::new(Vec::new()), "eae_prk", agreed)?;
    let shared = expand(&suite, &pseudorandom, "shared_secret", &both, SHARED)?;

    let suite = [b"HPKE", &kem[..], &KDF.to_be_bytes(), &AEAD.to_be_bytes()].concat();
    let empty = Secret::new(Vec::new());
    let psk_id = extract(&suite, &empty, "psk_id_hash", &empty)?;
    let info = extract(&suite, &empty, "info_hash", &Secret::new([INFO, context].concat()))?;
    let context = [&[BASE], psk_id.as_bytes(), info.as_bytes()].concat();
    let secret = extract(&suite, &shared, "secret", &empty)?;
    let key = expand(&suite, &secret, "key", &context, KEY)?;
    let nonce = expand(&suite, &secret, "base_nonce", &context, NONCE)?;
    Ok((aes::Key::new(key.as_bytes())?, nonce))
}

/// `LabeledExtract` (RFC 9180, "Cryptographic Dependencies").
fn extract(suite: &[u8], salt: &Secret, label: &str, secret: &Secret) -> Result<Secret, Error> {
    let labeled = [b"HPKE-v1", suite, label.as_bytes(), secret.as_bytes()].concat();
    Ok(kdf::hkdf_extract(Hash::Sha256, salt.as_bytes(), &Secret::new(labeled))?)
}

/// `LabeledExpand` (RFC 9180, "Cryptographic Dependencies").
fn expand(suite: &[u8], key: &Secret, label: &str, info: &[u8], len: usize) -> Result<Secret, Error> {
    let length = u16::try_from(len).map_err(|_| crypto::Error::TooLong)?.to_be_bytes();
    let labeled = [&length[..], b"HPKE-v1", suite, label.as_bytes(), info].concat();
    Ok(kdf::hkdf_expand(Hash::Sha256, key, &labeled, len)?)
}
