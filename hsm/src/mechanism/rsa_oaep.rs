//! RSA encryption and key wrapping with OAEP, and RSA AES key wrap, which wraps keys of any length (PKCS#11 3.2,
//! "PKCS #1 RSA OAEP" and "RSA AES KEY WRAP").

use std::sync::Arc;

use crypto::rsa::{PrivateKey, PublicKey};
use crypto::{Hash, Secret, aes, keywrap, random};
use wire::layout::LeafWord;
use wire::mechanism::Leaf;
use wire::{MechanismId, Params, Value};

use super::gather::{self, Direction, Parts};
use super::rsa::{ROW, data_error, private, public};
use super::rsa_pkcs1::{unwrap_error, wrap_error};
use super::{Cipher, Field, Mechanism, hashes, words};
use crate::error::Error;
use crate::object::Material;

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism {
        id: MechanismId(0x9),
        name: "CKM_RSA_PKCS_OAEP",
        // CK_RSA_PKCS_OAEP_PARAMS: hash, mask generation function, source, label.
        params: &[&[Field::Ulong, Field::Ulong, Field::Ulong, Field::Bytes]],
        any_bytes: true,
        encrypt: Some(encrypt),
        decrypt: Some(decrypt),
        wrap: Some(wrap),
        unwrap: Some(unwrap),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0x1054),
        name: "CKM_RSA_AES_KEY_WRAP",
        // CK_RSA_AES_KEY_WRAP_PARAMS: bits of the AES key, CK_RSA_PKCS_OAEP_PARAMS.
        params: &[&[
            Field::Ulong,
            Field::Struct(&[LeafWord::Ulong, LeafWord::Ulong, LeafWord::Ulong, LeafWord::Bytes]),
        ]],
        wrap: Some(aes_wrap),
        unwrap: Some(aes_unwrap),
        ..ROW
    },
];

/// `CK_RSA_PKCS_OAEP_PARAMS`
#[derive(Debug)]
struct Oaep {
    hash: Hash,
    mgf_hash: Hash,
    label: Vec<u8>,
}

impl Oaep {
    fn read(params: &Params) -> Result<Self, Error> {
        match words(params)? {
            [Value::Ulong(hash), Value::Ulong(mgf), Value::Ulong(source), Value::Bytes(label)] => {
                Self::of(*hash, *mgf, *source, label)
            }
            _ => Err(Error::MechanismParamInvalid("it must be CK_RSA_PKCS_OAEP_PARAMS")),
        }
    }

    /// A source of zero is none, and some clients give it where there is no label.
    fn of(hash: u64, mgf: u64, source: u64, label: &[u8]) -> Result<Self, Error> {
        const SPECIFIED: u64 = 1; // CKZ_DATA_SPECIFIED
        let hash = hashes::of_mechanism(hash);
        let hash = hash.ok_or(Error::MechanismParamInvalid("hashAlg is no hash function"))?;
        let mgf_hash = hashes::of_mgf1(mgf);
        let mgf_hash = mgf_hash.ok_or(Error::MechanismParamInvalid("mgf is no mask generation function"))?;
        if source != SPECIFIED && !(source == 0 && label.is_empty()) {
            return Err(Error::MechanismParamInvalid("source is not CKZ_DATA_SPECIFIED"));
        }
        Ok(Self { hash, mgf_hash, label: label.to_vec() })
    }

    /// The most bytes that are encrypted with a modulus of so many.
    const fn most(&self, modulus_len: usize) -> usize {
        modulus_len.saturating_sub(2 * self.hash.len() + 2)
    }

    fn seal(&self, key: &PublicKey, data: &[u8]) -> Result<Vec<u8>, crypto::Error> {
        key.encrypt_oaep(self.hash, self.mgf_hash, &self.label, data)
    }

    fn open(&self, key: &PrivateKey, sealed: &[u8]) -> Result<Secret, crypto::Error> {
        key.decrypt_oaep(self.hash, self.mgf_hash, &self.label, sealed)
    }
}

fn encrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let key = public(key)?.clone();
    let oaep = Oaep::read(params)?;
    let len = key.modulus_len() as u64;
    Ok(gather::cipher(
        Direction::Encrypt,
        Parts::One,
        move |_| len,
        move |data| oaep.seal(&key, data).map_err(data_error),
    ))
}

fn decrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let key = private(key)?.clone();
    let oaep = Oaep::read(params)?;
    let most = oaep.most(key.modulus_len()) as u64;
    Ok(gather::cipher(
        Direction::Decrypt,
        Parts::One,
        move |_| most,
        move |data| {
            if data.len() != key.modulus_len() {
                return Err(Error::EncryptedDataLenRange);
            }
            match oaep.open(&key, data) {
                Ok(message) => Ok(message.as_bytes().to_vec()),
                Err(crypto::Error::InvalidData(_)) => Err(Error::EncryptedDataInvalid),
                Err(other) => Err(other.into()),
            }
        },
    ))
}

fn wrap(key: &Arc<Material>, params: &Params, target: &Secret) -> Result<Vec<u8>, Error> {
    let key = public(key)?;
    Oaep::read(params)?.seal(key, target.as_bytes()).map_err(|error| wrap_error(error, target))
}

fn unwrap(key: &Arc<Material>, params: &Params, wrapped: &[u8]) -> Result<Secret, Error> {
    let key = private(key)?;
    let oaep = Oaep::read(params)?;
    if wrapped.len() != key.modulus_len() {
        return Err(Error::WrappedKeyLenRange);
    }
    oaep.open(key, wrapped).map_err(unwrap_error)
}

/// `CK_RSA_AES_KEY_WRAP_PARAMS`: the length of the AES key in bytes, and how it is encrypted.
fn aes_params(params: &Params) -> Result<(usize, Oaep), Error> {
    let [Value::Ulong(bits), Value::Struct(oaep)] = words(params)? else {
        return Err(Error::MechanismParamInvalid("it must be CK_RSA_AES_KEY_WRAP_PARAMS"));
    };
    let [Leaf::Ulong(hash), Leaf::Ulong(mgf), Leaf::Ulong(source), Leaf::Bytes(label)] = &**oaep else {
        return Err(Error::MechanismParamInvalid("pOAEPParams must be CK_RSA_PKCS_OAEP_PARAMS"));
    };
    let len = match bits {
        128 => 16,
        192 => 24,
        256 => 32,
        _ => return Err(Error::MechanismParamInvalid("ulAESKeyBits is not 128, 192 or 256")),
    };
    Ok((len, Oaep::of(*hash, *mgf, *source, label)?))
}

/// The key wrapped with a fresh AES key, after that AES key encrypted with OAEP.
fn aes_wrap(key: &Arc<Material>, params: &Params, target: &Secret) -> Result<Vec<u8>, Error> {
    let key = public(key)?;
    let (len, oaep) = aes_params(params)?;
    let fresh = Secret::new(random::bytes(len)?);
    let mut wrapped = oaep.seal(key, fresh.as_bytes()).map_err(|error| wrap_error(error, &fresh))?;
    let inner = keywrap::kwp_wrap(&aes::Key::new(fresh.as_bytes())?, &keywrap::KWP_IV, target);
    wrapped.extend(inner.map_err(|_| Error::KeyNotWrappable("it has no bytes"))?);
    Ok(wrapped)
}

fn aes_unwrap(key: &Arc<Material>, params: &Params, wrapped: &[u8]) -> Result<Secret, Error> {
    let key = private(key)?;
    let (len, oaep) = aes_params(params)?;
    let (sealed, inner) = wrapped.split_at_checked(key.modulus_len()).ok_or(Error::WrappedKeyLenRange)?;
    if inner.len() < 16 || !inner.len().is_multiple_of(8) {
        return Err(Error::WrappedKeyLenRange);
    }
    let fresh = oaep.open(key, sealed).map_err(unwrap_error)?;
    if fresh.len() != len {
        return Err(Error::WrappedKeyInvalid);
    }
    keywrap::kwp_unwrap(&aes::Key::new(fresh.as_bytes())?, &keywrap::KWP_IV, inner).map_err(unwrap_error)
}
