//! X25519 (RFC 7748).

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::ffi::curve25519;
use crate::{Error, Secret, random};

/// Length of a private value, a public value and a shared secret in bytes.
pub const KEY: usize = 32;

/// A private key. Cheap to clone; many threads may use one at once.
#[derive(Clone)]
pub struct PrivateKey {
    private: Arc<Zeroizing<[u8; KEY]>>,
    public: PublicKey,
}

/// A public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; KEY]);

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn generate() -> Result<Self, Error> {
        Self::from_bytes(Secret::new(random::bytes(KEY)?).as_bytes())
    }

    /// The key of these 32 bytes.
    ///
    /// # Errors
    /// `InvalidKey` for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut private = Zeroizing::new([0; KEY]);
        if bytes.len() != KEY {
            return Err(Error::InvalidKey("an X25519 private key has 32 bytes"));
        }
        private.copy_from_slice(bytes);
        Ok(Self { public: PublicKey(curve25519::x25519_public(&private)), private: Arc::new(private) })
    }

    /// The 32 bytes, as they were given.
    pub fn to_bytes(&self) -> Secret {
        Secret::new(self.private.to_vec())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The shared secret.
    ///
    /// # Errors
    /// `InvalidKey` if it would be all zeros, because the peer's value has a small order (RFC 7748, "Security
    /// Considerations").
    pub fn agree(&self, peer: &PublicKey) -> Result<Secret, Error> {
        curve25519::x25519_agree(&self.private, &peer.0)
    }
}

impl PublicKey {
    /// The key of these 32 bytes.
    ///
    /// # Errors
    /// `InvalidKey` for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::InvalidKey("an X25519 public key has 32 bytes"))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; KEY] {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("x25519::PrivateKey(..)")
    }
}
