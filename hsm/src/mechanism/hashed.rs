//! Signatures that hash their data first, as it comes.

use crypto::Hash;
use crypto::hash::Digest;

use super::{Signer, Verifier};
use crate::error::Error;

/// The rows of a scheme with each hash, over what its file has: `ROW`, `sign_hashed` and `verify_hashed`.
macro_rules! rows {
    ($($id:literal $name:literal $hash:ident;)*) => {
        pub(super) static HASHED: &[Mechanism] = &[$(Mechanism {
            id: MechanismId($id),
            name: $name,
            sign: Some(|key, params| sign_hashed(Hash::$hash, key, params)),
            verify: Some(|key, params| verify_hashed(Hash::$hash, key, params)),
            ..ROW
        },)*];
    };
}
pub(super) use rows;

/// A signature over a digest that is being made.
struct Signing<F> {
    digest: Digest,
    len: u64,
    sign: F,
}

/// Hashes the data, then has `sign` sign the digest; the signature has `len` bytes.
///
/// # Errors
/// If the library fails.
pub(super) fn signer<F>(hash: Hash, len: usize, sign: F) -> Result<Box<dyn Signer>, Error>
where
    F: FnOnce(&[u8]) -> Result<Vec<u8>, Error> + Send + 'static,
{
    Ok(Box::new(Signing { digest: Digest::new(hash)?, len: len as u64, sign }))
}

impl<F: FnOnce(&[u8]) -> Result<Vec<u8>, Error> + Send> Signer for Signing<F> {
    fn len(&self) -> u64 {
        self.len
    }

    fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        Ok(self.digest.update(data)?)
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, Error> {
        let Self { digest, sign, .. } = *self;
        sign(&digest.finish()?)
    }
}

/// The check of a signature over a digest that is being made.
struct Verifying<F> {
    digest: Digest,
    verify: F,
}

/// Hashes the data, then has `verify` check the digest against the signature.
///
/// # Errors
/// If the library fails.
pub(super) fn verifier<F>(hash: Hash, verify: F) -> Result<Box<dyn Verifier>, Error>
where
    F: FnOnce(&[u8], &[u8]) -> Result<(), Error> + Send + 'static,
{
    Ok(Box::new(Verifying { digest: Digest::new(hash)?, verify }))
}

impl<F: FnOnce(&[u8], &[u8]) -> Result<(), Error> + Send> Verifier for Verifying<F> {
    fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        Ok(self.digest.update(data)?)
    }

    fn finish(self: Box<Self>, signature: &[u8]) -> Result<(), Error> {
        let Self { digest, verify } = *self;
        verify(&digest.finish()?, signature)
    }
}
