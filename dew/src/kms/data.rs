//! Data that is encrypted with a key itself.

use crypto::Secret;
use hsm::Desk;
use wire::{List, Mechanism, MechanismId, Params, Value};

use super::allow::Found;
use super::cipher::{Algorithm, Form, Head, IV, TAG, padded, unpadded};
use super::error::{KmsError, Result};
use super::key::Key;
use super::spec::{Family, Usage};
use super::{KeyId, Kms};
use crate::caller::Caller;

/// The most bytes that are encrypted at once.
const MAX_PLAIN: usize = 4096;
/// The most bytes of additional authenticated data.
const MAX_ADDITIONAL: usize = 128;

/// How data is encrypted with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// As the KMS has it, with a symmetric key.
    Symmetric,
    /// RSAES-OAEP with SHA-256.
    OaepSha256,
    /// SM2, in the ASN.1 of GM/T 0009.
    Sm2,
}

impl Scheme {
    /// The scheme that the interface writes so.
    ///
    /// # Errors
    /// `Algorithm`
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "SYMMETRIC_DEFAULT" => Ok(Self::Symmetric),
            "RSAES_OAEP_SHA_256" => Ok(Self::OaepSha256),
            "SM2_ENCRYPT" => Ok(Self::Sm2),
            _ => Err(KmsError::Algorithm(format!(
                "encryption_algorithm {name:?} is unknown: expected SYMMETRIC_DEFAULT, RSAES_OAEP_SHA_256 or SM2_ENCRYPT"
            ))),
        }
    }

    fn check(self, key: &Key) -> Result<()> {
        match (self, key.spec.family()) {
            (Self::Symmetric, Family::Cipher)
            | (Self::OaepSha256, Family::Rsa)
            | (Self::Sm2, Family::Sm2) => Ok(()),
            (_, Family::Cipher) => Err(KmsError::NotForSymmetric),
            _ => Err(KmsError::NotForAsymmetric(format!(
                "encryption_algorithm is not one of keys of type {}",
                key.spec.name()
            ))),
        }
    }
}

/// What was encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// The key.
    pub key: KeyId,
    /// The ciphertext.
    pub cipher: Vec<u8>,
}

/// What was decrypted.
#[derive(Debug)]
pub struct Decrypted {
    /// The key.
    pub key: KeyId,
    /// The plain text.
    pub plain: Secret,
}

impl Kms {
    /// Encrypts data of up to 4 KiB.
    ///
    /// # Errors
    /// `BadPlain`, `PlainTooLong`, `Field`, what [`Scheme`] does not fit; how the key stands; `NoKey`, `Forbidden`.
    pub fn encrypt_data(
        &self,
        caller: &Caller,
        key: &str,
        scheme: Scheme,
        plain: &[u8],
        additional: &[u8],
    ) -> Result<Encrypted> {
        if plain.is_empty() || plain.len() > MAX_PLAIN {
            return Err(KmsError::BadPlain(format!("plain_text has 1 to {MAX_PLAIN} bytes")));
        }
        check_additional(additional)?;
        let found = self.permitted(caller, "EncryptData", key)?;
        let key = usable(&found, Usage::EncryptDecrypt)?;
        scheme.check(key)?;
        let desk = self.desk(key.slot, caller)?;
        let cipher = match scheme {
            Scheme::Symmetric => self.seal(&desk, key, Form::Data, plain, additional)?,
            Scheme::OaepSha256 => {
                let most = usize::try_from(key.spec.size() / 8).unwrap_or(0).saturating_sub(66);
                if plain.len() > most {
                    return Err(KmsError::PlainTooLong(most));
                }
                let open = key.current()?.open.ok_or(KmsError::Symmetric)?;
                desk.encrypt(open, scheme.mechanism()?, plain)?
            }
            Scheme::Sm2 => {
                let open = key.current()?.open.ok_or(KmsError::Symmetric)?;
                desk.encrypt(open, scheme.mechanism()?, plain)?
            }
        };
        Ok(Encrypted { key: key.id, cipher })
    }

    /// Decrypts data. Which symmetric key it was, the ciphertext says.
    ///
    /// # Errors
    /// `BadCipher`, `Missing`, `Field`, what [`Scheme`] does not fit; how the key stands; `NoKey`, `Forbidden`.
    pub fn decrypt_data(
        &self,
        caller: &Caller,
        key: Option<&str>,
        scheme: Scheme,
        cipher: &[u8],
        additional: &[u8],
    ) -> Result<Decrypted> {
        check_additional(additional)?;
        let named = match (key, scheme) {
            (Some(key), _) => key.to_owned(),
            (None, Scheme::Symmetric) => Head::split(cipher)?.0.key.to_string(),
            (None, _) => return Err(KmsError::Missing("key_id")),
        };
        let found = self.permitted(caller, "DecryptData", &named)?;
        let key = usable(&found, Usage::EncryptDecrypt)?;
        scheme.check(key)?;
        let desk = self.desk(key.slot, caller)?;
        let plain = match scheme {
            Scheme::Symmetric => open(&desk, key, Form::Data, cipher, additional)?,
            Scheme::OaepSha256 => {
                desk.decrypt(key.current()?.closed, scheme.mechanism()?, cipher).map_err(not_opened)?
            }
            Scheme::Sm2 => {
                desk.decrypt(key.current()?.closed, scheme.mechanism()?, cipher).map_err(not_opened)?
            }
        };
        Ok(Decrypted { key: key.id, plain })
    }

    /// Seals a plain text with the current version of a symmetric key.
    pub(super) fn seal(
        &self,
        desk: &Desk,
        key: &Key,
        form: Form,
        plain: &[u8],
        additional: &[u8],
    ) -> Result<Vec<u8>> {
        let version = key.current()?;
        let head = Head { form, algorithm: algorithm(key)?, key: key.id, version: version.number };
        let iv: [u8; IV] = self.hsm.random()?;
        let padded = Secret::new(padded(plain)?);
        let gcm = gcm(head.algorithm, &iv, &head.authenticated(additional))?;
        let sealed = desk.encrypt(version.closed, gcm, padded.as_bytes())?;
        let mut cipher = head.encode();
        cipher.extend(iv);
        cipher.extend(sealed);
        Ok(cipher)
    }
}

/// Opens what [`Kms::seal`] sealed, with the version of the key that it was sealed with.
pub(super) fn open(desk: &Desk, key: &Key, form: Form, cipher: &[u8], additional: &[u8]) -> Result<Secret> {
    let (head, iv, sealed) = Head::split(cipher)?;
    if head.key != key.id || head.form != form || head.algorithm != algorithm(key)? {
        return Err(KmsError::BadCipher);
    }
    let version = key.version(head.version).ok_or(KmsError::BadCipher)?;
    let gcm = gcm(head.algorithm, iv, &head.authenticated(additional))?;
    let padded = desk.decrypt(version.closed, gcm, sealed).map_err(not_opened)?;
    Ok(Secret::new(unpadded(padded.as_bytes())?.to_vec()))
}

/// The key that was found, if it can be used so now.
pub(super) fn usable(found: &Found, usage: Usage) -> Result<&Key> {
    let key = &found.key;
    key.check_usage(usage)?;
    key.check_enabled()?;
    Ok(key)
}

/// Refuses additional authenticated data that is too long.
pub(super) fn check_additional(additional: &[u8]) -> Result<()> {
    if additional.len() > MAX_ADDITIONAL {
        let text = format!("additional_authenticated_data has at most {MAX_ADDITIONAL} characters");
        return Err(KmsError::Field(text));
    }
    Ok(())
}

/// What does not open says no more than that.
fn not_opened(error: hsm::Error) -> KmsError {
    match error {
        hsm::Error::EncryptedDataInvalid | hsm::Error::EncryptedDataLenRange => KmsError::BadCipher,
        error => error.into(),
    }
}

const fn algorithm(key: &Key) -> Result<Algorithm> {
    match key.spec.family() {
        Family::Cipher => Ok(if key.spec.size() == 32 { Algorithm::Aes256Gcm } else { Algorithm::Sm4Gcm }),
        _ => Err(KmsError::Asymmetric),
    }
}

/// `CKM_AES_GCM` with its `CK_GCM_PARAMS`.
fn gcm(algorithm: Algorithm, iv: &[u8], authenticated: &[u8]) -> Result<Mechanism> {
    let id = match algorithm {
        Algorithm::Aes256Gcm => 0x1087,
        Algorithm::Sm4Gcm => 0xc34c_5626, // CKM_SM4_GCM, whose parameter is the same
    };
    let words = vec![
        Value::Bytes(iv.into()),
        Value::Ulong(iv.len() as u64 * 8),
        Value::Bytes(authenticated.into()),
        Value::Ulong(TAG as u64 * 8),
    ];
    mechanism(id, words)
}

/// A mechanism with the words of its parameter.
pub(super) fn mechanism(id: u64, words: Vec<Value>) -> Result<Mechanism> {
    let words = List::new(words).ok_or(KmsError::Internal("a parameter has no more words than it may"))?;
    Ok(Mechanism { id: MechanismId(id), params: Params::Words(words) })
}
