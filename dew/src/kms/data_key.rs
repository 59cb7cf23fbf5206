//! Data keys: made here for somebody who encrypts elsewhere, and kept by him under a key that is here.

use crypto::{Hash, Secret};

use super::cipher::Form;
use super::data::{check_additional, open, usable};
use super::error::{KmsError, Result};
use super::spec::{Family, Spec, Usage};
use super::{Key, KeyId, Kms};
use crate::caller::Caller;

/// The longest data key in bytes.
const MAX: usize = 1024;

/// A data key, and what it is encrypted to.
#[derive(Debug)]
pub struct DataKey {
    /// The key that encrypts it.
    pub key: KeyId,
    /// The data key itself.
    pub plain: Secret,
    /// As its owner keeps it.
    pub cipher: Vec<u8>,
    /// A digest of it, by which its owner sees that it is the right one: SHA-256, and SM3 under a key of type SM4.
    pub digest: Vec<u8>,
}

/// How long a data key is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length<'a> {
    /// In bits.
    Bits(u64),
    /// As is usual for this type.
    Spec(&'a str),
}

impl Length<'_> {
    fn bytes(self) -> Result<usize> {
        match self {
            Self::Bits(bits) if !(8..=8192).contains(&bits) => Err(KmsError::DataKeyLength),
            Self::Bits(bits) if !bits.is_multiple_of(8) => Err(KmsError::DataKeyMultiple),
            Self::Bits(bits) => usize::try_from(bits / 8).map_err(|_| KmsError::DataKeyLength),
            Self::Spec(spec) => match spec {
                "AES_128" | "SM4" => Ok(16),
                "AES_256" | "HMAC_256" | "HMAC_SM3" => Ok(32),
                "HMAC_384" => Ok(48),
                "HMAC_512" => Ok(64),
                _ => Err(KmsError::DataKeySpec(format!(
                    "key_spec {spec:?} is no type of data key: expected AES_256, AES_128, SM4, HMAC_256, HMAC_384, HMAC_512 \
                     or HMAC_SM3"
                ))),
            },
        }
    }
}

impl Kms {
    /// Makes a data key. `operation` says by whose permission: one that gives out the plain text, or one that does not.
    ///
    /// # Errors
    /// `DataKeyLength`, `DataKeyMultiple`, `DataKeySpec`, `Field`; how the key stands; `NoKey`, `Forbidden`.
    pub fn create_data_key(
        &self,
        caller: &Caller,
        operation: &'static str,
        key: &str,
        length: Length<'_>,
        additional: &[u8],
    ) -> Result<DataKey> {
        let len = length.bytes()?;
        check_additional(additional)?;
        let found = self.permitted(caller, operation, key)?;
        let key = symmetric(usable(&found, Usage::EncryptDecrypt)?)?;
        let plain = self.hsm.random_secret(len)?;
        self.sealed(caller, key, plain, additional)
    }

    /// Encrypts a data key that was made elsewhere. It comes with its digest behind it.
    ///
    /// # Errors
    /// `PlainLength`, `PlainDiffers`, `PlainHash`, `Field`; how the key stands; `NoKey`, `Forbidden`.
    pub fn encrypt_data_key(
        &self,
        caller: &Caller,
        key: &str,
        plain_and_digest: &[u8],
        len: u64,
        additional: &[u8],
    ) -> Result<DataKey> {
        let len = usize::try_from(len).ok().filter(|len| (1..=MAX).contains(len));
        let len = len.ok_or(KmsError::PlainLength)?;
        check_additional(additional)?;
        let (plain, digest) = plain_and_digest.split_at_checked(len).ok_or(KmsError::PlainDiffers)?;
        let found = self.permitted(caller, "EncryptDatakey", key)?;
        let key = symmetric(usable(&found, Usage::EncryptDecrypt)?)?;
        let right = fingerprint(key, plain)?;
        if digest.len() != right.len() {
            return Err(KmsError::PlainDiffers);
        }
        if !crypto::equal(digest, &right) {
            return Err(KmsError::PlainHash);
        }
        self.sealed(caller, key, Secret::new(plain.to_vec()), additional)
    }

    /// Decrypts a data key.
    ///
    /// # Errors
    /// `CipherLength`, `CipherDiffers`, `BadCipher`, `Field`; how the key stands; `NoKey`, `Forbidden`.
    pub fn decrypt_data_key(
        &self,
        caller: &Caller,
        key: &str,
        cipher: &[u8],
        len: u64,
        additional: &[u8],
    ) -> Result<DataKey> {
        let len = usize::try_from(len).ok().filter(|len| (1..=MAX).contains(len));
        let len = len.ok_or(KmsError::CipherLength)?;
        check_additional(additional)?;
        let found = self.permitted(caller, "DecryptDatakey", key)?;
        let key = symmetric(usable(&found, Usage::EncryptDecrypt)?)?;
        let desk = self.desk(key.slot, caller)?;
        let plain = open(&desk, key, Form::DataKey, cipher, additional)?;
        if plain.as_bytes().len() != len {
            return Err(KmsError::CipherDiffers);
        }
        let digest = fingerprint(key, plain.as_bytes())?;
        Ok(DataKey { key: key.id, plain, cipher: cipher.to_vec(), digest })
    }

    fn sealed(&self, caller: &Caller, key: &Key, plain: Secret, additional: &[u8]) -> Result<DataKey> {
        let desk = self.desk(key.slot, caller)?;
        let cipher = self.seal(&desk, key, Form::DataKey, plain.as_bytes(), additional)?;
        let digest = fingerprint(key, plain.as_bytes())?;
        Ok(DataKey { key: key.id, plain, cipher, digest })
    }
}

fn symmetric(key: &Key) -> Result<&Key> {
    match key.spec.family() {
        Family::Cipher => Ok(key),
        _ => Err(KmsError::Asymmetric),
    }
}

fn fingerprint(key: &Key, plain: &[u8]) -> Result<Vec<u8>> {
    Ok(match key.spec {
        Spec::Sm4 => crypto::sm3::digest(plain).to_vec(),
        _ => crypto::hash::digest(Hash::Sha256, plain).map_err(hsm::Error::from)?,
    })
}
