//! What the KMS encrypts: the form of its ciphertexts.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the form: 1 for data, 2 for a data key, 3 for a capsule, 4 for what CSMS keeps |
//! | 1 | the algorithm: 1 for AES-256-GCM, 2 for SM4-GCM |
//! | 16 | the id of the key |
//! | 4 | the version of the key's material, big-endian |
//! | 16 | the initialisation vector, random |
//! | … | the ciphertext, and 16 bytes of tag |
//!
//! The tag is also over what stands before the initialisation vector, followed by the additional authenticated data. An
//! initialisation vector of 16 random bytes, of which GCM makes the first counter block, lets one version of a key
//! encrypt far more than the 2^32 messages that 12 random bytes are good for (NIST SP 800-38D, section 8.3): two of 2^48
//! messages of 4 KiB meet with a chance of less than 2^-24.
//!
//! Within is the length in two bytes, big-endian, the plain text, and zeros up to [`LEAST`] bytes, so that the length
//! of a short text does not show and the ciphertext has the least length that the interface promises.
//!
//! To others this is opaque: what is in front says nothing but which key can open the rest.

use super::error::{KmsError, Result};
use super::id::KeyId;

/// What is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Data of up to 4 KiB.
    Data = 1,
    /// A data key.
    DataKey = 2,
    /// A data key with the policy by which it is opened.
    Capsule = 3,
    /// What CSMS keeps.
    Csms = 4,
}

/// With what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// AES-256-GCM.
    Aes256Gcm = 1,
    /// SM4-GCM.
    Sm4Gcm = 2,
}

/// Bytes of the initialisation vector.
pub const IV: usize = 16;
/// Bytes of the tag.
pub const TAG: usize = 16;
/// The least that is encrypted, in bytes.
pub const LEAST: usize = 64;
/// Bytes before the initialisation vector.
const HEAD: usize = 22;

/// What stands in front of a ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What is encrypted.
    pub form: Form,
    /// With what.
    pub algorithm: Algorithm,
    /// The key.
    pub key: KeyId,
    /// The version of its material.
    pub version: u32,
}

impl Head {
    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + IV + LEAST + TAG);
        bytes.extend([self.form as u8, self.algorithm as u8]);
        bytes.extend(self.key.0);
        bytes.extend(self.version.to_be_bytes());
        bytes
    }

    /// What is authenticated beside the text.
    #[must_use]
    pub fn authenticated(&self, additional: &[u8]) -> Vec<u8> {
        let mut bytes = self.encode();
        bytes.extend(additional);
        bytes
    }

    /// Takes a ciphertext apart: head, initialisation vector, and the rest.
    ///
    /// # Errors
    /// `BadCipher` if it is none of ours.
    pub fn split(bytes: &[u8]) -> Result<(Self, &[u8], &[u8])> {
        let (head, rest) = bytes.split_at_checked(HEAD).ok_or(KmsError::BadCipher)?;
        let (iv, sealed) = rest.split_at_checked(IV).ok_or(KmsError::BadCipher)?;
        let [form, algorithm, id @ .., a, b, c, d] = head else { return Err(KmsError::BadCipher) };
        let form = match form {
            1 => Form::Data,
            2 => Form::DataKey,
            3 => Form::Capsule,
            4 => Form::Csms,
            _ => return Err(KmsError::BadCipher),
        };
        let algorithm = match algorithm {
            1 => Algorithm::Aes256Gcm,
            2 => Algorithm::Sm4Gcm,
            _ => return Err(KmsError::BadCipher),
        };
        let key = KeyId(id.try_into().map_err(|_| KmsError::BadCipher)?);
        if sealed.len() < TAG {
            return Err(KmsError::BadCipher);
        }
        Ok((Self { form, algorithm, key, version: u32::from_be_bytes([*a, *b, *c, *d]) }, iv, sealed))
    }
}

/// A plain text as it is encrypted.
///
/// # Errors
/// `Internal` if it is longer than two bytes can say.
pub fn padded(plain: &[u8]) -> Result<Vec<u8>> {
    let len = u16::try_from(plain.len())
        .map_err(|_| KmsError::Internal("a plain text has at most 65,535 bytes"))?;
    let mut bytes = len.to_be_bytes().to_vec();
    bytes.extend(plain);
    bytes.resize(bytes.len().max(LEAST), 0);
    Ok(bytes)
}

/// The plain text in what was encrypted.
///
/// # Errors
/// `BadCipher` if there is none.
pub fn unpadded(bytes: &[u8]) -> Result<&[u8]> {
    let (len, rest) = bytes.split_first_chunk::<2>().ok_or(KmsError::BadCipher)?;
    rest.get(..usize::from(u16::from_be_bytes(*len))).ok_or(KmsError::BadCipher)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_stands_in_front_comes_back(id: [u8; 16], version: u32, rest in proptest::collection::vec(any::<u8>(), 32..99)) {
            let head = Head { form: Form::DataKey, algorithm: Algorithm::Aes256Gcm, key: KeyId(id), version };
            let mut bytes = head.encode();
            bytes.extend(&rest);
            let (read, iv, sealed) = Head::split(&bytes).unwrap();
            prop_assert_eq!((read, iv, sealed), (head, &rest[..IV], &rest[IV..]));
        }

        #[test]
        fn no_bytes_make_it_fail_otherwise(bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
            let _ = Head::split(&bytes);
            let _ = unpadded(&bytes);
        }

        #[test]
        fn a_plain_text_comes_back(plain in proptest::collection::vec(any::<u8>(), 0..4097)) {
            let padded = padded(&plain).unwrap();
            prop_assert!(padded.len() >= LEAST);
            prop_assert_eq!(unpadded(&padded).unwrap(), plain);
        }
    }
}
