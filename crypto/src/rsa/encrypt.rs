//! RSA encryption: PKCS#1 1.5, whose decryption never says whether the padding was right, and OAEP (RFC 8017,
//! "Encryption Schemes").

use std::hint::black_box;

use super::{PrivateKey, PublicKey};
use crate::ffi::rsa::Padding;
use crate::mac::hmac;
use crate::{Error, Hash, Secret, hash};

const REFUSED: Error = Error::InvalidData("the data does not decrypt");
const LENGTH: Error = Error::InvalidData("the ciphertext does not have the length of the modulus");
/// Bytes that PKCS#1 1.5 adds at least: 0, 2, eight that are not zero, 0.
const OVERHEAD: usize = 11;

impl PublicKey {
    /// Encrypts with PKCS#1 1.5.
    ///
    /// # Errors
    /// `TooLong` for more than the modulus less 11 bytes.
    pub fn encrypt_pkcs1(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
        if data.len() + OVERHEAD > self.modulus_len() {
            return Err(Error::TooLong);
        }
        self.0.encrypt(Padding::Pkcs1, data)
    }

    /// Encrypts with OAEP.
    ///
    /// # Errors
    /// `TooLong` for more than the modulus less two digests and 2 bytes.
    pub fn encrypt_oaep(
        &self,
        hash: Hash,
        mgf_hash: Hash,
        label: &[u8],
        data: &[u8],
    ) -> Result<Vec<u8>, Error> {
        if data.len() + 2 * hash.len() + 2 > self.modulus_len() {
            return Err(Error::TooLong);
        }
        self.0.oaep(false, hash, mgf_hash, label, data)
    }
}

impl PrivateKey {
    /// Decrypts PKCS#1 1.5 with *implicit rejection* (draft-irtf-cfrg-rsa-guidance, "PKCS#1 v1.5 Decryption"; as
    /// OpenSSL 3.2 does): where the padding is wrong, the answer is a message made up from key and ciphertext,
    /// always the same for the same ciphertext, and of any length. So nobody learns from answer, error or time
    /// whether the padding was right.
    ///
    /// # Errors
    /// `InvalidData` for what anybody can see to be no ciphertext: a wrong length, or a number that is 0, 1, or not
    /// less than the modulus minus 1.
    pub fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<Secret, Error> {
        let block = self.block(ciphertext)?;
        let made_up = self.made_up(ciphertext)?;
        let block = block.as_bytes();
        let (right, real_start) = message_start(block);
        let start = select(right, real_start, made_up.start);
        let mut message = Vec::with_capacity(block.len());
        let mask = (right & 0xff) as u8;
        message.extend(
            block
                .iter()
                .zip(made_up.block.as_bytes())
                .skip(start)
                .map(|(real, made)| (real & mask) | (made & !mask)),
        );
        Ok(Secret::new(message))
    }

    /// Decrypts PKCS#1 1.5 and says so if the padding is wrong. Whoever may try ciphertexts at will and see the
    /// error can decrypt with it (Bleichenbacher's attack): for unwrapping, where a wrong message shows anyway.
    ///
    /// # Errors
    /// `InvalidData`, always the same one once the length is right.
    pub fn decrypt_pkcs1_strict(&self, ciphertext: &[u8]) -> Result<Secret, Error> {
        let block = self.block(ciphertext)?;
        let (right, start) = message_start(block.as_bytes());
        match block.as_bytes().get(start..) {
            Some(message) if right == usize::MAX => Ok(Secret::new(message.to_vec())),
            _ => Err(REFUSED),
        }
    }

    /// Decrypts OAEP.
    ///
    /// # Errors
    /// `InvalidData`, always the same one once the length is right.
    pub fn decrypt_oaep(
        &self,
        hash: Hash,
        mgf_hash: Hash,
        label: &[u8],
        ciphertext: &[u8],
    ) -> Result<Secret, Error> {
        if ciphertext.len() != self.modulus_len() {
            return Err(LENGTH);
        }
        self.0.oaep(true, hash, mgf_hash, label, ciphertext).map(Secret::new).map_err(|_| REFUSED)
    }

    fn block(&self, ciphertext: &[u8]) -> Result<Secret, Error> {
        if ciphertext.len() != self.modulus_len() {
            return Err(LENGTH);
        }
        self.0.private_operation(Padding::None, ciphertext).map(Secret::new).map_err(|_| REFUSED)
    }

    /// The message that stands in for one whose padding is wrong.
    fn made_up(&self, ciphertext: &[u8]) -> Result<MadeUp, Error> {
        let len = self.modulus_len();
        let exponent = Secret::new(hash::digest(Hash::Sha256, self.0.padded_exponent()?.as_bytes())?);
        let key = Secret::new(hmac(Hash::Sha256, exponent.as_bytes(), ciphertext)?);
        let block = pseudorandom(&key, b"message", len)?;
        let lengths = pseudorandom(&key, b"length", 256)?;

        let limit = len - (OVERHEAD - 1); // a message is shorter than this
        let mask = (limit + 1).next_power_of_two() - 1;
        let mut chosen = 0;
        for pair in lengths.as_bytes().chunks_exact(2) {
            let candidate = pair.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte)) & mask;
            chosen = select(less(candidate, limit), candidate, chosen);
        }
        Ok(MadeUp { block, start: len - chosen })
    }
}

/// A made-up message: the end of `block`, from `start`.
struct MadeUp {
    block: Secret,
    start: usize,
}

/// Where the message begins in a block of PKCS#1 1.5, with all bits set if the padding is right and none if not.
/// Looks at every byte, whatever they are.
fn message_start(block: &[u8]) -> (usize, usize) {
    let (mut right, mut found, mut start) = (usize::MAX, 0, 0);
    for (place, byte) in block.iter().enumerate() {
        let byte = usize::from(*byte);
        match place {
            0 => right &= zero(byte),
            1 => right &= zero(byte ^ 2),
            _ => {
                let first = zero(byte) & !found;
                start = select(first, place + 1, start);
                found |= first;
            }
        }
    }
    // The zero comes after at least eight bytes that are none.
    right &= found & !less(start, OVERHEAD);
    (black_box(right), start)
}

/// All bits if `number` is zero, else none. For numbers below 2⁶³, as all here are.
fn zero(number: usize) -> usize {
    less(number, 1)
}

/// All bits if `left` is less than `right`, else none. For numbers below 2⁶³.
fn less(left: usize, right: usize) -> usize {
    black_box(0_usize.wrapping_sub(left.wrapping_sub(right) >> (usize::BITS - 1)))
}

/// `yes` where the mask has all bits, `no` where it has none.
fn select(mask: usize, yes: usize, no: usize) -> usize {
    (yes & mask) | (no & !mask)
}

/// The draft's function `IRPRF`: HMAC-SHA256 over counter, label and length in bits, both of two bytes.
fn pseudorandom(key: &Secret, label: &[u8], len: usize) -> Result<Secret, Error> {
    let bits = u16::try_from(len * 8).map_err(|_| Error::Failed("the modulus is too long"))?.to_be_bytes();
    let mut out = Vec::with_capacity(len + Hash::Sha256.len());
    for counter in 0..=u16::MAX {
        if out.len() >= len {
            break;
        }
        let input = [&counter.to_be_bytes(), label, &bits].concat();
        out.extend_from_slice(Secret::new(hmac(Hash::Sha256, key.as_bytes(), &input)?).as_bytes());
    }
    out.truncate(len);
    Ok(Secret::new(out))
}
