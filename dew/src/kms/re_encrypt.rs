//! What one key encrypted, encrypted with another: nobody sees what it is.

use super::cipher::{Form, Head};
use super::data::{Scheme, check_additional, usable};
use super::error::{KmsError, Result};
use super::spec::Usage;
use super::{Decrypted, Encrypted, KeyId, Kms};
use crate::caller::Caller;

/// A key, and how it encrypts.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The key; of what a symmetric key encrypted the ciphertext says which it was.
    pub key: Option<&'a str>,
    /// How.
    pub scheme: Scheme,
    /// The additional authenticated data.
    pub additional: &'a [u8],
}

/// What was encrypted anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReEncrypted {
    /// The key that had encrypted it.
    pub from: KeyId,
    /// The key that has, and the ciphertext.
    pub encrypted: Encrypted,
}

impl Kms {
    /// Encrypts with one key what another had encrypted: data, or a data key of so many bytes.
    ///
    /// # Errors
    /// As decryption with the first key and encryption with the second.
    pub fn re_encrypt(
        &self,
        caller: &Caller,
        from: Place<'_>,
        to: Place<'_>,
        cipher: &[u8],
        data_key: Option<u64>,
    ) -> Result<ReEncrypted> {
        let destination = to.key.ok_or(KmsError::Missing("destination_key_id"))?;
        match data_key {
            None => {
                let Decrypted { key: source, plain } =
                    self.decrypt_data(caller, from.key, from.scheme, cipher, from.additional)?;
                let encrypted =
                    self.encrypt_data(caller, destination, to.scheme, plain.as_bytes(), to.additional)?;
                Ok(ReEncrypted { from: source, encrypted })
            }
            Some(len) => {
                if (from.scheme, to.scheme) != (Scheme::Symmetric, Scheme::Symmetric) {
                    return Err(KmsError::NotForSymmetric);
                }
                let source = match from.key {
                    Some(key) => key.to_owned(),
                    None => Head::split(cipher)?.0.key.to_string(),
                };
                let opened = self.decrypt_data_key(caller, &source, cipher, len, from.additional)?;
                check_additional(to.additional)?;
                let found = self.permitted(caller, "EncryptDatakey", destination)?;
                let key = usable(&found, Usage::EncryptDecrypt)?;
                let desk = self.desk(key.slot, caller)?;
                let cipher = self.seal(&desk, key, Form::DataKey, opened.plain.as_bytes(), to.additional)?;
                Ok(ReEncrypted { from: opened.key, encrypted: Encrypted { key: key.id, cipher } })
            }
        }
    }
}
