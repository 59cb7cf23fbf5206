//! RSA with PKCS#1 1.5: signatures, encryption and key wrapping (PKCS#11 3.2, "PKCS #1 v1.5 RSA").
//!
//! Neither decryption nor unwrapping tells whether the padding was right (implicit rejection): what does not open
//! gives other bytes, always the same.

use std::sync::Arc;

use crypto::{Hash, Secret};
use wire::{MechanismId, Params};

use super::gather::{self, Direction, Parts};
use super::rsa::{ROW, check_signature_len, data_error, private, public, signature_error};
use super::{Cipher, Mechanism, Signer, Verifier, hashed, no_params};
use crate::error::Error;
use crate::object::Material;

/// Bytes that the padding takes at least.
const OVERHEAD: usize = 11;

pub(super) static RAW: &[Mechanism] = &[Mechanism {
    id: MechanismId(0x1),
    name: "CKM_RSA_PKCS",
    sign: Some(sign),
    verify: Some(verify),
    sign_recover: Some(sign_recover),
    verify_recover: Some(verify_recover),
    encrypt: Some(encrypt),
    decrypt: Some(decrypt),
    wrap: Some(wrap),
    unwrap: Some(unwrap),
    rejects_implicitly: true,
    ..ROW
}];

hashed::rows! {
    0x6 "CKM_SHA1_RSA_PKCS" Sha1;
    0x46 "CKM_SHA224_RSA_PKCS" Sha224;
    0x40 "CKM_SHA256_RSA_PKCS" Sha256;
    0x41 "CKM_SHA384_RSA_PKCS" Sha384;
    0x42 "CKM_SHA512_RSA_PKCS" Sha512;
    0x66 "CKM_SHA3_224_RSA_PKCS" Sha3_224;
    0x60 "CKM_SHA3_256_RSA_PKCS" Sha3_256;
    0x61 "CKM_SHA3_384_RSA_PKCS" Sha3_384;
    0x62 "CKM_SHA3_512_RSA_PKCS" Sha3_512;
}

fn sign(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Signer>, Error> {
    no_params(params)?;
    let key = private(key)?.clone();
    Ok(gather::signer(key.modulus_len(), Parts::One, move |data| {
        key.sign_pkcs1(None, data).map_err(data_error)
    }))
}

fn verify(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Verifier>, Error> {
    no_params(params)?;
    let key = public(key)?.clone();
    Ok(gather::verifier(Parts::One, move |data, signature| {
        if data.len() + OVERHEAD > key.modulus_len() {
            return Err(Error::DataLenRange("too long for the modulus"));
        }
        check_signature_len(&key, signature)?;
        key.verify_pkcs1(None, data, signature).map_err(signature_error)
    }))
}

fn sign_hashed(hash: Hash, key: &Arc<Material>, params: &Params) -> Result<Box<dyn Signer>, Error> {
    no_params(params)?;
    let key = private(key)?.clone();
    hashed::signer(hash, key.modulus_len(), move |digest| Ok(key.sign_pkcs1(Some(hash), digest)?))
}

fn verify_hashed(hash: Hash, key: &Arc<Material>, params: &Params) -> Result<Box<dyn Verifier>, Error> {
    no_params(params)?;
    let key = public(key)?.clone();
    hashed::verifier(hash, move |digest, signature| {
        check_signature_len(&key, signature)?;
        key.verify_pkcs1(Some(hash), digest, signature).map_err(signature_error)
    })
}

fn sign_recover(key: &Arc<Material>, params: &Params, data: &[u8]) -> Result<Vec<u8>, Error> {
    no_params(params)?;
    private(key)?.sign_pkcs1(None, data).map_err(data_error)
}

fn verify_recover(key: &Arc<Material>, params: &Params, signature: &[u8]) -> Result<Vec<u8>, Error> {
    no_params(params)?;
    let key = public(key)?;
    check_signature_len(key, signature)?;
    key.recover_pkcs1(signature).map_err(signature_error)
}

fn encrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    no_params(params)?;
    let key = public(key)?.clone();
    let len = key.modulus_len() as u64;
    Ok(gather::cipher(
        Direction::Encrypt,
        Parts::One,
        move |_| len,
        move |data| key.encrypt_pkcs1(data).map_err(data_error),
    ))
}

fn decrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    no_params(params)?;
    let key = private(key)?.clone();
    let most = key.modulus_len().saturating_sub(OVERHEAD) as u64;
    Ok(gather::cipher(
        Direction::Decrypt,
        Parts::One,
        move |_| most,
        move |data| {
            if data.len() != key.modulus_len() {
                return Err(Error::EncryptedDataLenRange);
            }
            match key.decrypt_pkcs1(data) {
                Ok(message) => Ok(message.as_bytes().to_vec()),
                Err(crypto::Error::InvalidData(_)) => Err(Error::EncryptedDataInvalid),
                Err(other) => Err(other.into()),
            }
        },
    ))
}

fn wrap(key: &Arc<Material>, params: &Params, target: &Secret) -> Result<Vec<u8>, Error> {
    no_params(params)?;
    public(key)?.encrypt_pkcs1(target.as_bytes()).map_err(|error| wrap_error(error, target))
}

fn unwrap(key: &Arc<Material>, params: &Params, wrapped: &[u8]) -> Result<Secret, Error> {
    no_params(params)?;
    let key = private(key)?;
    if wrapped.len() != key.modulus_len() {
        return Err(Error::WrappedKeyLenRange);
    }
    key.decrypt_pkcs1(wrapped).map_err(unwrap_error)
}

/// What is wrong with a key that was to be wrapped.
pub(super) fn wrap_error(error: crypto::Error, target: &Secret) -> Error {
    match error {
        crypto::Error::TooLong => {
            Error::KeySizeRange { mechanism: "this RSA wrapping key", bits: target.len() as u64 * 8 }
        }
        other => other.into(),
    }
}

/// A wrapped key of the right length that does not open, whatever the reason.
pub(super) fn unwrap_error(error: crypto::Error) -> Error {
    match error {
        crypto::Error::InvalidData(_) | crypto::Error::TooLong => Error::WrappedKeyInvalid,
        other => other.into(),
    }
}
