//! SHA-1, SHA-2 and SHA-3 (FIPS 180-4, FIPS 202).

use crate::{Error, ffi};

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512_224,
    Sha512_256,
    Sha3_224,
    Sha3_256,
    Sha3_384,
    Sha3_512,
}

impl Hash {
    /// Every hash function there is.
    pub const ALL: [Self; 11] = [
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Sha512_224,
        Self::Sha512_256,
        Self::Sha3_224,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
    ];

    /// Length of the digest in bytes. Never zero.
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 | Self::Sha512_224 | Self::Sha3_224 => 28,
            Self::Sha256 | Self::Sha512_256 | Self::Sha3_256 => 32,
            Self::Sha384 | Self::Sha3_384 => 48,
            Self::Sha512 | Self::Sha3_512 => 64,
        }
    }

    /// Length of the block that HMAC pads its key to, in bytes.
    pub const fn block_len(self) -> usize {
        match self {
            Self::Sha1 | Self::Sha224 | Self::Sha256 => 64,
            Self::Sha384 | Self::Sha512 | Self::Sha512_224 | Self::Sha512_256 => 128,
            Self::Sha3_224 => 144,
            Self::Sha3_256 => 136,
            Self::Sha3_384 => 104,
            Self::Sha3_512 => 72,
        }
    }
}

/// The digest of `data`.
///
/// # Errors
/// `Failed` if the library does.
pub fn digest(hash: Hash, data: &[u8]) -> Result<Vec<u8>, Error> {
    ffi::digest::digest(hash, data)
}

/// A digest over data that comes in parts.
pub struct Digest(ffi::digest::Digest);

impl Digest {
    /// Begins.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn new(hash: Hash) -> Result<Self, Error> {
        ffi::digest::Digest::new(hash).map(Self)
    }

    /// Takes the next part.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.0.update(data)
    }

    /// The digest of all parts.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        self.0.finish()
    }

    /// A second digest that goes on from here.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn try_clone(&self) -> Result<Self, Error> {
        self.0.try_clone().map(Self)
    }
}
