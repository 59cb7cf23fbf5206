//! AES key wrap (RFC 3394) and key wrap with padding (RFC 5649; PKCS#11 3.2, "AES Key Wrap").

use std::sync::Arc;

use crypto::Secret;
use crypto::keywrap::{KW_IV, KWP_IV, kw_unwrap, kw_wrap, kwp_unwrap, kwp_wrap};
use wire::{MechanismId, Params, Value};

use super::aes::{ROW, aes_key};
use super::gather::{self, Direction, Parts};
use super::{Cipher, Field, Mechanism, words};
use crate::error::Error;
use crate::object::Material;

/// Half a block: what these mechanisms work in.
const HALF: usize = 8;

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism {
        id: MechanismId(0x2109),
        name: "CKM_AES_KEY_WRAP",
        params: &[&[Field::Inline(8)]], // an initial value, which may be left out
        encrypt: Some(kw_encrypt),
        decrypt: Some(kw_decrypt),
        wrap: Some(kw),
        unwrap: Some(kw_open),
        zero_padding: HALF - 1,
        ..ROW
    },
    Mechanism { id: MechanismId(0x210b), name: "CKM_AES_KEY_WRAP_KWP", ..KWP },
    // Deprecated, because the standard left open which padding it means: here RFC 5649, as on SoftHSM2.
    Mechanism { id: MechanismId(0x210a), name: "CKM_AES_KEY_WRAP_PAD", ..KWP },
];

const KWP: Mechanism = Mechanism {
    params: &[&[Field::Inline(4)]], // the first half of an initial value, which may be left out
    encrypt: Some(kwp_encrypt),
    decrypt: Some(kwp_decrypt),
    wrap: Some(kwp),
    unwrap: Some(kwp_open),
    ..ROW
};

/// The initial value: that of the parameter, or the default.
fn initial<const LEN: usize>(params: &Params, default: [u8; LEN]) -> Result<[u8; LEN], Error> {
    const WRONG: Error = Error::MechanismParamInvalid("it must be an initial value of the right length");
    match words(params)? {
        [] => Ok(default),
        [Value::Bytes(iv)] => (**iv).try_into().map_err(|_| WRONG),
        _ => Err(WRONG),
    }
}

/// Whether this may be the length of something wrapped, with at least so many bytes.
const fn wrapped_len(len: usize, least: usize) -> bool {
    len >= least && len.is_multiple_of(HALF)
}

fn kw_encrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let (key, iv) = (aes_key(key)?, initial(params, KW_IV)?);
    Ok(gather::cipher(
        Direction::Encrypt,
        Parts::One,
        |len| len.saturating_add(HALF as u64),
        move |data| {
            if !wrapped_len(data.len(), 2 * HALF) {
                return Err(Error::DataLenRange("key wrap takes whole groups of 8 bytes, at least 2"));
            }
            Ok(kw_wrap(&key, &iv, &Secret::new(data.to_vec()))?)
        },
    ))
}

fn kw_decrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let (key, iv) = (aes_key(key)?, initial(params, KW_IV)?);
    Ok(gather::cipher(
        Direction::Decrypt,
        Parts::One,
        |len| len.saturating_sub(HALF as u64),
        move |wrapped| {
            if !wrapped_len(wrapped.len(), 3 * HALF) {
                return Err(Error::EncryptedDataLenRange);
            }
            opened(kw_unwrap(&key, &iv, wrapped), Error::EncryptedDataInvalid)
                .map(|data| data.as_bytes().to_vec())
        },
    ))
}

/// A key that is not whole groups of 8 bytes is padded with zeros.
fn kw(key: &Arc<Material>, params: &Params, target: &Secret) -> Result<Vec<u8>, Error> {
    let (key, iv) = (aes_key(key)?, initial(params, KW_IV)?);
    let len = target.len().next_multiple_of(HALF);
    if len < 2 * HALF {
        return Err(Error::KeyNotWrappable("AES key wrap takes a key of more than 8 bytes"));
    }
    let mut padded = Vec::with_capacity(len);
    padded.extend_from_slice(target.as_bytes());
    padded.resize(len, 0);
    Ok(kw_wrap(&key, &iv, &Secret::new(padded))?)
}

fn kw_open(key: &Arc<Material>, params: &Params, wrapped: &[u8]) -> Result<Secret, Error> {
    let (key, iv) = (aes_key(key)?, initial(params, KW_IV)?);
    if !wrapped_len(wrapped.len(), 3 * HALF) {
        return Err(Error::WrappedKeyLenRange);
    }
    opened(kw_unwrap(&key, &iv, wrapped), Error::WrappedKeyInvalid)
}

fn kwp_encrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let (key, iv) = (aes_key(key)?, initial(params, KWP_IV)?);
    let len = |input: u64| (input.div_ceil(HALF as u64).saturating_add(1)).saturating_mul(HALF as u64);
    Ok(gather::cipher(Direction::Encrypt, Parts::One, len, move |data| {
        if data.is_empty() {
            return Err(Error::DataLenRange("key wrap takes at least a byte"));
        }
        Ok(kwp_wrap(&key, &iv, &Secret::new(data.to_vec()))?)
    }))
}

fn kwp_decrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let (key, iv) = (aes_key(key)?, initial(params, KWP_IV)?);
    Ok(gather::cipher(
        Direction::Decrypt,
        Parts::One,
        |len| len.saturating_sub(HALF as u64),
        move |wrapped| {
            if !wrapped_len(wrapped.len(), 2 * HALF) {
                return Err(Error::EncryptedDataLenRange);
            }
            opened(kwp_unwrap(&key, &iv, wrapped), Error::EncryptedDataInvalid)
                .map(|data| data.as_bytes().to_vec())
        },
    ))
}

fn kwp(key: &Arc<Material>, params: &Params, target: &Secret) -> Result<Vec<u8>, Error> {
    let (key, iv) = (aes_key(key)?, initial(params, KWP_IV)?);
    kwp_wrap(&key, &iv, target).map_err(|error| match error {
        crypto::Error::InvalidData(reason) => Error::KeyNotWrappable(reason),
        other => other.into(),
    })
}

fn kwp_open(key: &Arc<Material>, params: &Params, wrapped: &[u8]) -> Result<Secret, Error> {
    let (key, iv) = (aes_key(key)?, initial(params, KWP_IV)?);
    if !wrapped_len(wrapped.len(), 2 * HALF) {
        return Err(Error::WrappedKeyLenRange);
    }
    opened(kwp_unwrap(&key, &iv, wrapped), Error::WrappedKeyInvalid)
}

/// What was unwrapped, or `invalid` if it did not open.
fn opened(result: Result<Secret, crypto::Error>, invalid: Error) -> Result<Secret, Error> {
    result.map_err(|error| match error {
        crypto::Error::InvalidData(_) => invalid,
        other => other.into(),
    })
}
