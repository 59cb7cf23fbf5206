//! Ed25519, Ed25519ctx and Ed25519ph (RFC 8032).

use std::fmt;
use std::sync::Arc;

use crate::ffi::curve25519::{self, Scheme};
use crate::{Error, Secret, random};

/// Length of a seed and of a public key in bytes.
pub const KEY: usize = 32;
/// Length of a signature in bytes.
pub const SIGNATURE: usize = 64;

/// Which of the three signature schemes (RFC 8032, "Signature Algorithms"). A context has at most 255 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Variant<'a> {
    /// Ed25519.
    #[default]
    Pure,
    /// Ed25519ctx, whose context may not be empty.
    Context(&'a [u8]),
    /// Ed25519ph, which hashes the message first; its context may be empty.
    Prehashed(&'a [u8]),
}

impl<'a> Variant<'a> {
    fn scheme(self) -> Result<Scheme<'a>, Error> {
        match self {
            Self::Pure => Ok(Scheme::Pure),
            Self::Context([]) => Err(Error::InvalidParameter("Ed25519ctx needs a context")),
            Self::Context(context) if context.len() <= 255 => Ok(Scheme::Context(context)),
            Self::Prehashed(context) if context.len() <= 255 => Ok(Scheme::Prehashed(context)),
            _ => Err(Error::InvalidParameter("an Ed25519 context has at most 255 bytes")),
        }
    }
}

/// A private key. Cheap to clone; many threads may use one at once.
#[derive(Clone)]
pub struct PrivateKey {
    public: PublicKey,
    private: Arc<Secret>,
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
        Self::from_seed(Secret::new(random::bytes(KEY)?).as_bytes())
    }

    /// The key that this seed stands for.
    ///
    /// # Errors
    /// `InvalidKey` unless it has 32 bytes.
    pub fn from_seed(seed: &[u8]) -> Result<Self, Error> {
        let seed = seed.try_into().map_err(|_| Error::InvalidKey("an Ed25519 seed has 32 bytes"))?;
        let (public, private) = curve25519::ed25519_from_seed(seed);
        Ok(Self { public: PublicKey(public), private: Arc::new(private) })
    }

    /// The seed.
    pub fn seed(&self) -> Secret {
        Secret::new(self.private.as_bytes().iter().copied().take(KEY).collect())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The signature of a message, 64 bytes.
    ///
    /// # Errors
    /// `InvalidParameter` for a context of the wrong length.
    pub fn sign(&self, variant: Variant<'_>, message: &[u8]) -> Result<Vec<u8>, Error> {
        curve25519::ed25519_sign(&self.private, variant.scheme()?, message)
    }
}

impl PublicKey {
    /// The key of these 32 bytes. Whether they are a point shows when it verifies.
    ///
    /// # Errors
    /// `InvalidKey` for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::InvalidKey("an Ed25519 public key has 32 bytes"))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; KEY] {
        &self.0
    }

    /// Verifies what [`PrivateKey::sign`] made.
    ///
    /// # Errors
    /// `InvalidData` if the signature is wrong; `InvalidParameter` for a context of the wrong length.
    pub fn verify(&self, variant: Variant<'_>, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let signature =
            signature.try_into().map_err(|_| Error::InvalidData("an Ed25519 signature has 64 bytes"))?;
        curve25519::ed25519_verify(&self.0, variant.scheme()?, message, signature)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ed25519::PrivateKey(..)")
    }
}
