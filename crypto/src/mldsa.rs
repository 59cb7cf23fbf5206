//! ML-DSA-65 (FIPS 204), the pure variant with an empty context.
//!
//! The library puts matrices on the stack, more than a thread that serves a connection has. So each operation runs on a
//! thread of its own, with a stack that is enough; beside what it does, that costs little.

use std::fmt;
use std::sync::Arc;
use std::thread;

use crate::ffi::mldsa::Key;
use crate::{Error, Secret, random};

/// Length of a seed, which stands for a private key, in bytes.
pub const SEED: usize = 32;
/// Length of a public key in bytes.
pub const PUBLIC: usize = 1952;
/// Length of a signature in bytes.
pub const SIGNATURE: usize = 3309;

/// The library needs 512 KiB or more.
const STACK: usize = 2 << 20;

/// A private key. Cheap to clone; many threads may use one at once.
#[derive(Clone)]
pub struct PrivateKey {
    seed: Arc<Secret>,
    key: Arc<Key>,
    public: PublicKey,
}

/// A public key. Cheap to clone; many threads may use one at once.
#[derive(Clone)]
pub struct PublicKey {
    bytes: Arc<[u8]>,
    key: Arc<Key>,
}

/// Runs on a stack that is large enough.
fn on_large_stack<T: Send>(run: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    const NO_THREAD: Error = Error::Failed("there is no thread for ML-DSA");
    thread::scope(|scope| {
        let thread =
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run).map_err(|_| NO_THREAD)?;
        thread.join().map_err(|_| NO_THREAD)?
    })
}

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn generate() -> Result<Self, Error> {
        Self::from_seed(Secret::new(random::bytes(SEED)?).as_bytes())
    }

    /// The key that this seed stands for.
    ///
    /// # Errors
    /// `InvalidKey` unless it has 32 bytes.
    pub fn from_seed(seed: &[u8]) -> Result<Self, Error> {
        let bytes = seed.try_into().map_err(|_| Error::InvalidKey("an ML-DSA seed has 32 bytes"))?;
        let (key, public) = on_large_stack(|| {
            let key = Key::from_seed(bytes)?;
            let public = key.public()?;
            Ok((key, public))
        })?;
        Ok(Self {
            seed: Arc::new(Secret::new(seed.to_vec())),
            key: Arc::new(key),
            public: PublicKey::from_bytes(&public)?,
        })
    }

    /// The seed.
    pub fn seed(&self) -> Secret {
        self.seed.duplicate()
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of a message, 3309 bytes.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        on_large_stack(|| self.key.sign(message))
    }
}

impl PublicKey {
    /// The key of these 1952 bytes (FIPS 204, "Encodings of ML-DSA Keys and Signatures").
    ///
    /// # Errors
    /// `InvalidKey` for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() != PUBLIC {
            return Err(Error::InvalidKey("an ML-DSA-65 public key has 1952 bytes"));
        }
        Ok(Self { bytes: bytes.into(), key: Arc::new(Key::from_public(bytes)?) })
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Verifies what [`PrivateKey::sign`] made.
    ///
    /// # Errors
    /// `InvalidData` if the signature has another length or is wrong.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        on_large_stack(|| self.key.verify(message, signature))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mldsa::PrivateKey(..)")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mldsa::PublicKey(..)")
    }
}
