//! HMAC (FIPS 198-1) and AES-CMAC (NIST SP 800-38B). Tags come whole; the caller truncates and compares them
//! with [`crate::equal`].

use crate::{Error, Hash, aes, ffi};

/// HMAC over data that comes in parts.
pub struct Hmac(ffi::digest::Hmac);

impl Hmac {
    /// Begins, with a key of any length.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn new(hash: Hash, key: &[u8]) -> Result<Self, Error> {
        ffi::digest::Hmac::new(hash, key).map(Self)
    }

    /// Takes the next part.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.0.update(data)
    }

    /// The tag, as long as the digest.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        self.0.finish()
    }

    /// A second computation that goes on from here; from a fresh one, this saves preparing the key again.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn try_clone(&self) -> Result<Self, Error> {
        self.0.try_clone().map(Self)
    }
}

/// The HMAC of `data` in one step.
///
/// # Errors
/// `Failed` if the library does.
pub fn hmac(hash: Hash, key: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut mac = Hmac::new(hash, key)?;
    mac.update(data)?;
    mac.finish()
}

/// AES-CMAC over data that comes in parts.
pub struct Cmac(ffi::digest::Cmac);

impl Cmac {
    /// Length of the tag in bytes.
    pub const LEN: usize = 16;

    /// Begins.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn new(key: &aes::Key) -> Result<Self, Error> {
        ffi::digest::Cmac::new(key.as_bytes()).map(Self)
    }

    /// Takes the next part.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.0.update(data)
    }

    /// The tag, 16 bytes.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        self.0.finish()
    }
}

/// The AES-CMAC of `data` in one step.
///
/// # Errors
/// `Failed` if the library does.
pub fn cmac(key: &aes::Key, data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut mac = Cmac::new(key)?;
    mac.update(data)?;
    mac.finish()
}
