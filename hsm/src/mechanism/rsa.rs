//! RSA: key pair generation and the mechanisms on bare numbers (PKCS#11 3.2, "RSA").
//!
//! Keys are made with 2048 to 8192 bits. Keys that were made elsewhere are used from 1024 bits on, so that old
//! signatures can still be verified and old data decrypted.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crypto::rsa::{PrivateKey, PublicKey};
use wire::{MechanismId, Params};

use super::gather::{self, Direction, Parts};
use super::{Cipher, Generated, Mechanism, Signer, Verifier, Wanted, no_params, wanted};
use crate::error::Error;
use crate::object::{Attr, AttributeMap, KeyType, Material};

/// The bits of modulus that a key may be made with; the library makes them in steps of [`STEP`].
const GENERATED: RangeInclusive<u64> = 2048..=8192;
const STEP: u64 = 128;
/// `CKA_PUBLIC_EXPONENT` where the template has none: 65537.
const DEFAULT_EXPONENT: [u8; 3] = [1, 0, 1];

/// What all mechanisms that use an RSA key have in common.
pub(super) const ROW: Mechanism = Mechanism {
    key_types: &[KeyType::RSA],
    key_sizes: 1024..=8192, // bits
    ..Mechanism::NONE
};

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism {
        id: MechanismId(0x0),
        name: "CKM_RSA_PKCS_KEY_PAIR_GEN",
        key_sizes: GENERATED,
        generate_pair: Some(generate),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0x3),
        name: "CKM_RSA_X_509",
        sign: Some(sign),
        verify: Some(verify),
        sign_recover: Some(sign_recover),
        verify_recover: Some(verify_recover),
        encrypt: Some(encrypt),
        decrypt: Some(decrypt),
        ..ROW
    },
];

/// The private key, if that is what the material is.
///
/// # Errors
/// `KeyTypeInconsistent` if it is not.
pub(super) fn private(key: &Material) -> Result<&PrivateKey, Error> {
    match key {
        Material::Rsa(key) => Ok(key),
        _ => Err(Error::KeyTypeInconsistent("an operation with an RSA private key")),
    }
}

/// The public key, if that is what the material is.
///
/// # Errors
/// `KeyTypeInconsistent` if it is not.
pub(super) fn public(key: &Material) -> Result<&PublicKey, Error> {
    match key {
        Material::RsaPublic(key) => Ok(key),
        _ => Err(Error::KeyTypeInconsistent("an operation with an RSA public key")),
    }
}

/// What is wrong with data that was to be signed or encrypted.
pub(super) fn data_error(error: crypto::Error) -> Error {
    match error {
        crypto::Error::TooLong => Error::DataLenRange("too long for the modulus"),
        crypto::Error::InvalidData(reason) => Error::DataInvalid(reason),
        other => other.into(),
    }
}

/// A signature of the right length that does not verify, whatever the reason.
pub(super) fn signature_error(error: crypto::Error) -> Error {
    match error {
        crypto::Error::InvalidData(_) | crypto::Error::TooLong => Error::SignatureInvalid,
        other => other.into(),
    }
}

/// Refuses a signature that is not as long as the modulus.
///
/// # Errors
/// `SignatureLenRange`
pub(super) fn check_signature_len(key: &PublicKey, signature: &[u8]) -> Result<(), Error> {
    if signature.len() == key.modulus_len() { Ok(()) } else { Err(Error::SignatureLenRange) }
}

fn generate(params: &Params, public: &Wanted, _private: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    let bits = wanted::ulong(public, Attr::MODULUS_BITS)?;
    if !GENERATED.contains(&bits) || !bits.is_multiple_of(STEP) {
        let reason = format!("a modulus has 2048 to 8192 bits in steps of {STEP}, not {bits}");
        return Err(wanted::invalid(Attr::MODULUS_BITS, reason));
    }
    let exponent = public.plain(Attr::PUBLIC_EXPONENT).unwrap_or(&DEFAULT_EXPONENT);
    let key = PrivateKey::generate(bits as usize, exponent).map_err(|error| match error {
        crypto::Error::InvalidParameter(reason) => Error::TemplateInconsistent(reason.into()),
        other => other.into(),
    })?;
    Ok(attributes(&key, bits))
}

/// The attributes of both halves.
fn attributes(key: &PrivateKey, bits: u64) -> Generated {
    let parts = key.to_parts();
    let mut public = AttributeMap::new();
    public.set_plain(Attr::MODULUS, parts.n.clone());
    public.set_ulong(Attr::MODULUS_BITS, bits);
    public.set_plain(Attr::PUBLIC_EXPONENT, parts.e.clone());
    let mut private = AttributeMap::new();
    private.set_plain(Attr::MODULUS, parts.n);
    private.set_plain(Attr::PUBLIC_EXPONENT, parts.e);
    private.set_secret(Attr::PRIVATE_EXPONENT, parts.d);
    private.set_secret(Attr::PRIME_1, parts.p);
    private.set_secret(Attr::PRIME_2, parts.q);
    private.set_secret(Attr::EXPONENT_1, parts.dp);
    private.set_secret(Attr::EXPONENT_2, parts.dq);
    private.set_secret(Attr::COEFFICIENT, parts.qinv);
    Generated { private, public }
}

fn sign(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Signer>, Error> {
    no_params(params)?;
    let key = private(key)?.clone();
    Ok(gather::signer(key.modulus_len(), Parts::One, move |data| raw_private(&key, data)))
}

fn verify(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Verifier>, Error> {
    no_params(params)?;
    let key = public(key)?.clone();
    Ok(gather::verifier(Parts::One, move |data, signature| {
        check_signature_len(&key, signature)?;
        let zeros = key.modulus_len().checked_sub(data.len()).ok_or(TOO_LONG)?;
        let signed = key.raw(signature).map_err(signature_error)?;
        let (pad, tail) = signed.split_at_checked(zeros).ok_or(TOO_LONG)?;
        let right = pad.iter().all(|byte| *byte == 0) && crypto::equal(tail, data);
        if right { Ok(()) } else { Err(Error::SignatureInvalid) }
    }))
}

fn sign_recover(key: &Arc<Material>, params: &Params, data: &[u8]) -> Result<Vec<u8>, Error> {
    no_params(params)?;
    raw_private(private(key)?, data)
}

/// What was signed, as long as the modulus.
fn verify_recover(key: &Arc<Material>, params: &Params, signature: &[u8]) -> Result<Vec<u8>, Error> {
    no_params(params)?;
    let key = public(key)?;
    check_signature_len(key, signature)?;
    key.raw(signature).map_err(signature_error)
}

fn encrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    no_params(params)?;
    let key = public(key)?.clone();
    let len = key.modulus_len();
    Ok(gather::cipher(
        Direction::Encrypt,
        Parts::One,
        move |_| len as u64,
        move |data| {
            if data.len() > len {
                return Err(TOO_LONG);
            }
            key.raw(data).map_err(data_error)
        },
    ))
}

fn decrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    no_params(params)?;
    let key = private(key)?.clone();
    let len = key.modulus_len();
    Ok(gather::cipher(
        Direction::Decrypt,
        Parts::One,
        move |_| len as u64,
        move |data| {
            if data.len() != len {
                return Err(Error::EncryptedDataLenRange);
            }
            key.raw(data).map_err(|error| match error {
                crypto::Error::InvalidData(_) => Error::EncryptedDataInvalid,
                other => other.into(),
            })
        },
    ))
}

const TOO_LONG: Error = Error::DataLenRange("longer than the modulus");

fn raw_private(key: &PrivateKey, data: &[u8]) -> Result<Vec<u8>, Error> {
    if data.len() > key.modulus_len() {
        return Err(TOO_LONG);
    }
    key.raw(data).map_err(data_error)
}
