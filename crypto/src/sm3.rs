//! SM3 (GB/T 32905, GM/T 0004), and HMAC (FIPS 198-1) over it. RustCrypto's: AWS-LC has none.

use hmac::{KeyInit, Mac};
use sm3::{Digest as _, Sm3};

use crate::Error;

/// Length of a digest and of a tag in bytes.
pub const LEN: usize = 32;
/// Length in bytes of the block that HMAC pads its key to.
pub const BLOCK: usize = 64;

/// The digest of `data`.
pub fn digest(data: &[u8]) -> Vec<u8> {
    Sm3::digest(data).to_vec()
}

/// A digest over data that comes in parts. A clone goes on by itself.
#[derive(Clone, Default)]
pub struct Digest(Sm3);

impl Digest {
    /// Begins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next part.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The digest of all parts.
    pub fn finish(self) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

/// HMAC over data that comes in parts. A clone goes on by itself; from a fresh one, this saves preparing the key
/// again.
#[derive(Clone)]
pub struct Hmac(hmac::Hmac<Sm3>);

impl Hmac {
    /// Begins, with a key of any length.
    ///
    /// # Errors
    /// `InvalidKey` never, since every length will do; the library's trait leaves it open.
    pub fn new(key: &[u8]) -> Result<Self, Error> {
        let mac = hmac::Hmac::new_from_slice(key);
        mac.map(Self).map_err(|_| Error::InvalidKey("HMAC does not take this length of key"))
    }

    /// Takes the next part.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The tag, 32 bytes. The caller truncates and compares it with [`crate::equal`].
    pub fn finish(self) -> Vec<u8> {
        self.0.finalize().into_bytes().to_vec()
    }
}

/// The HMAC of `data` in one step.
///
/// # Errors
/// As [`Hmac::new`].
pub fn hmac(key: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut mac = Hmac::new(key)?;
    mac.update(data);
    Ok(mac.finish())
}
