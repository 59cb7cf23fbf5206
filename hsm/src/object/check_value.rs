//! `CKA_CHECK_VALUE` (PKCS#11 3.2, "Secret key objects", "Certificate objects").

use crypto::aes::{Cipher, Key, Mode};
use crypto::{Hash, Secret};

use super::KeyType;
use crate::error::Error;

/// Length in bytes.
pub const LEN: usize = 3;

/// Keys shorter than this have none: with it, one could try all of them.
const SHORTEST: usize = 14;

/// The check value of a secret key: of an AES or SM4 key the first bytes of a block of zeros encrypted with it, of
/// others those of the SHA-1 of the value. None of a short key.
///
/// # Errors
/// If the library fails.
pub fn of_key(key_type: KeyType, value: &Secret) -> Result<Option<Vec<u8>>, Error> {
    if value.len() < SHORTEST {
        return Ok(None);
    }
    let long = match key_type {
        KeyType::AES => {
            let mut block = Vec::new();
            let mut cipher = Cipher::encrypt(Mode::Ecb, &Key::new(value.as_bytes())?, &[])?;
            cipher.update(&[0; crypto::aes::BLOCK], &mut block)?;
            cipher.finish(&mut block)?;
            block
        }
        KeyType::SM4 => {
            let mut block = Vec::new();
            let key = crypto::sm4::Key::new(value.as_bytes())?;
            crypto::sm4::Cipher::encrypt(Mode::Ecb, &key, &[])?
                .update(&[0; crypto::sm4::BLOCK], &mut block)?;
            block
        }
        _ => crypto::hash::digest(Hash::Sha1, value.as_bytes())?,
    };
    Ok(Some(first(long)))
}

/// The check value of a certificate: the first bytes of the SHA-1 of its value.
///
/// # Errors
/// If the library fails.
pub fn of_certificate(value: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(first(crypto::hash::digest(Hash::Sha1, value)?))
}

fn first(mut long: Vec<u8>) -> Vec<u8> {
    long.truncate(LEN);
    long
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_of_an_aes_key_is_the_start_of_zeros_encrypted() {
        // FIPS 197 has no such vector; AES-128 of zeros under a key of zeros is 66e94bd4ef8a2c3b884cfa59ca342b2e.
        let value = of_key(KeyType::AES, &Secret::new(vec![0; 16])).unwrap();
        assert_eq!(value.unwrap(), [0x66, 0xe9, 0x4b]);
    }

    #[test]
    fn that_of_other_keys_is_the_start_of_sha_1_and_short_keys_have_none() {
        // SHA-1 of 20 zero bytes is 6768033e216468247bd031a0a2d9876d79818f8f.
        let value = of_key(KeyType::GENERIC_SECRET, &Secret::new(vec![0; 20])).unwrap();
        assert_eq!(value.unwrap(), [0x67, 0x68, 0x03]);
        assert_eq!(of_key(KeyType::GENERIC_SECRET, &Secret::new(vec![0; 13])).unwrap(), None);
        assert!(of_key(KeyType::GENERIC_SECRET, &Secret::new(vec![0; 14])).unwrap().is_some());
    }
}
