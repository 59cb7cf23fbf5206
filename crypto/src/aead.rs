//! AES-GCM (NIST SP 800-38D) and AES-CCM (NIST SP 800-38C).

use crate::aes::Key;
use crate::ffi::cipher::{Context, Gcm, ccm};
use crate::{Error, Secret};

/// The longest plaintext of GCM in bytes: 2³⁹ − 256 bits.
pub(crate) const GCM_MAX: u64 = (1 << 36) - 32;
/// The longest GCM IV in bytes that is worth hashing.
const GCM_MAX_IV: usize = 1 << 16;
pub(crate) const FULL_TAG: usize = 16;
pub(crate) const SHORT: Error = Error::InvalidData("shorter than its tag");

/// A key prepared for AES-GCM once and used for many messages, by many threads.
pub struct GcmKey {
    bytes: Secret,
    prepared: Gcm,
}

impl GcmKey {
    /// Prepares the key.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn new(key: &Key) -> Result<Self, Error> {
        let bytes = Secret::new(key.as_bytes().to_vec());
        Ok(Self { prepared: Gcm::new(key.as_bytes(), FULL_TAG)?, bytes })
    }

    /// Ciphertext, then a tag of `tag_len` bytes.
    ///
    /// # Errors
    /// `InvalidParameter` for an empty IV or a tag that is not 4, 8 or 12 to 16 bytes; `TooLong` for more than
    /// 2³⁶ − 32 bytes.
    pub fn seal(&self, iv: &[u8], aad: &[u8], tag_len: usize, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        check_gcm(iv, tag_len, plaintext.len() as u64)?;
        self.prepared.seal(iv, aad, tag_len, plaintext)
    }

    /// The plaintext of ciphertext and tag.
    ///
    /// # Errors
    /// `InvalidData` if the tag is wrong; else as [`Self::seal`].
    pub fn open(&self, iv: &[u8], aad: &[u8], tag_len: usize, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let len = sealed.len().checked_sub(tag_len).ok_or(SHORT)?;
        check_gcm(iv, tag_len, len as u64)?;
        if tag_len == FULL_TAG {
            return self.prepared.open(iv, aad, sealed);
        }
        // The library binds the length of the tag it checks to the prepared key.
        Gcm::new(self.bytes.as_bytes(), tag_len)?.open(iv, aad, sealed)
    }

    /// Begins to seal a message that comes in parts.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_parts(&self, iv: &[u8], aad: &[u8], tag_len: usize) -> Result<GcmSeal, Error> {
        check_gcm(iv, tag_len, 0)?;
        Ok(GcmSeal { context: Context::gcm_seal(self.bytes.as_bytes(), iv, aad)?, tag_len, done: 0 })
    }
}

pub(crate) fn check_gcm(iv: &[u8], tag_len: usize, len: u64) -> Result<(), Error> {
    if iv.is_empty() || iv.len() > GCM_MAX_IV {
        return Err(Error::InvalidParameter("a GCM IV has 1 to 65536 bytes"));
    }
    if !matches!(tag_len, 4 | 8 | 12..=16) {
        return Err(Error::InvalidParameter("a GCM tag has 4, 8 or 12 to 16 bytes"));
    }
    if len > GCM_MAX { Err(Error::TooLong) } else { Ok(()) }
}

/// AES-GCM in one step: ciphertext, then a tag of `tag_len` bytes.
///
/// # Errors
/// As [`GcmKey::seal`].
pub fn gcm_seal(
    key: &Key,
    iv: &[u8],
    aad: &[u8],
    tag_len: usize,
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    GcmKey::new(key)?.seal(iv, aad, tag_len, plaintext)
}

/// The plaintext of what [`gcm_seal`] made.
///
/// # Errors
/// As [`GcmKey::open`].
pub fn gcm_open(key: &Key, iv: &[u8], aad: &[u8], tag_len: usize, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    GcmKey::new(key)?.open(iv, aad, tag_len, sealed)
}

/// An AES-GCM encryption of a message that comes in parts. A decryption in parts would give out plaintext before
/// its tag is checked, so there is none.
pub struct GcmSeal {
    context: Context,
    tag_len: usize,
    done: u64,
}

impl GcmSeal {
    /// Takes the next part, and appends its ciphertext to `out`.
    ///
    /// # Errors
    /// `TooLong` if the message grows beyond 2³⁶ − 32 bytes.
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.done = self.done.saturating_add(data.len() as u64);
        if self.done > GCM_MAX {
            return Err(Error::TooLong);
        }
        self.context.update(data, out)
    }

    /// Appends what is left, which is nothing but the tag.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.context.finish(out)?;
        out.extend(self.context.tag(self.tag_len)?);
        Ok(())
    }
}

/// AES-CCM in one step: ciphertext, then a tag of `tag_len` bytes. The nonce's length leaves `15 − nonce.len()`
/// bytes for that of the message.
///
/// # Errors
/// `InvalidParameter` for a nonce that is not 7 to 13 bytes or a tag that is not 4, 6, 8, 10, 12, 14 or 16;
/// `TooLong` for a message longer than the nonce allows, or than 2 GiB.
pub fn ccm_seal(
    key: &Key,
    nonce: &[u8],
    aad: &[u8],
    tag_len: usize,
    plaintext: &[u8],
) -> Result<Vec<u8>, Error> {
    check_ccm(nonce, tag_len, plaintext.len())?;
    let mut out = Vec::with_capacity(plaintext.len() + tag_len);
    let tag = ccm(key.as_bytes(), nonce, aad, plaintext, tag_len, None, &mut out)?;
    out.extend(tag);
    Ok(out)
}

/// The plaintext of what [`ccm_seal`] made.
///
/// # Errors
/// `InvalidData` if the tag is wrong; else as [`ccm_seal`].
pub fn ccm_open(
    key: &Key,
    nonce: &[u8],
    aad: &[u8],
    tag_len: usize,
    sealed: &[u8],
) -> Result<Vec<u8>, Error> {
    let len = sealed.len().checked_sub(tag_len).ok_or(SHORT)?;
    check_ccm(nonce, tag_len, len)?;
    let (data, tag) = sealed.split_at_checked(len).ok_or(SHORT)?;
    let mut out = Vec::with_capacity(len);
    ccm(key.as_bytes(), nonce, aad, data, tag_len, Some(tag), &mut out)?;
    Ok(out)
}

fn check_ccm(nonce: &[u8], tag_len: usize, len: usize) -> Result<(), Error> {
    if !(7..=13).contains(&nonce.len()) {
        return Err(Error::InvalidParameter("a CCM nonce has 7 to 13 bytes"));
    }
    if !matches!(tag_len, 4 | 6 | 8 | 10 | 12 | 14 | 16) {
        return Err(Error::InvalidParameter("a CCM tag has 4, 6, 8, 10, 12, 14 or 16 bytes"));
    }
    let bits = 8 * (15 - nonce.len());
    if bits < 64 && (len as u64) >> bits != 0 { Err(Error::TooLong) } else { Ok(()) }
}
