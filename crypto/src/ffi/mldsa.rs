//! ML-DSA-65.

use std::ptr;

use aws_lc_sys as sys;

use super::{append, check, owner};
use crate::Error;

const FAILED: Error = Error::Failed("ML-DSA");
const SIGNATURE: usize = crate::mldsa::SIGNATURE;

owner!(
    /// A key, with its private half or without.
    Key, sys::EVP_PKEY, sys::EVP_PKEY_free
);

// SAFETY: the key is not changed once it is made, and the library's functions only read it.
unsafe impl Sync for Key {}

owner!(
    /// What a signature is made or checked in.
    Context, sys::EVP_MD_CTX, sys::EVP_MD_CTX_free
);

impl Context {
    fn new() -> Result<Self, Error> {
        // SAFETY: takes no arguments.
        Self::own(unsafe { sys::EVP_MD_CTX_new() }, FAILED)
    }
}

impl Key {
    /// The key pair that a seed stands for.
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Result<Self, Error> {
        // SAFETY: `seed` is readable for its length.
        let key =
            unsafe { sys::EVP_PKEY_pqdsa_new_raw_private_key(sys::NID_MLDSA65, seed.as_ptr(), seed.len()) };
        Self::own(key, FAILED)
    }

    /// The public key of these bytes.
    pub(crate) fn from_public(bytes: &[u8]) -> Result<Self, Error> {
        // SAFETY: `bytes` is readable for its length.
        let key =
            unsafe { sys::EVP_PKEY_pqdsa_new_raw_public_key(sys::NID_MLDSA65, bytes.as_ptr(), bytes.len()) };
        Self::own(key, Error::InvalidKey("no ML-DSA-65 public key"))
    }

    /// The bytes of the public half.
    pub(crate) fn public(&self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        // SAFETY: the key is live; the function writes at most `len` bytes, for which there is room, and says in `len`
        // how many.
        unsafe {
            append(&mut out, crate::mldsa::PUBLIC, |room| {
                let mut len = crate::mldsa::PUBLIC;
                let ok = sys::EVP_PKEY_get_raw_public_key(self.ptr(), room, &mut len);
                check(ok == 1, FAILED).map(|()| len)
            })?;
        }
        Ok(out)
    }

    /// The signature of a message, with no context.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let context = Context::new()?;
        // SAFETY: context and key are live; ML-DSA takes no hash, and no engine is given.
        let ok = unsafe {
            sys::EVP_DigestSignInit(context.ptr(), ptr::null_mut(), ptr::null(), ptr::null_mut(), self.ptr())
        };
        check(ok == 1, FAILED)?;
        let mut out = Vec::new();
        // SAFETY: the context is live, `message` readable for its length; at most `len` bytes are written, for which
        // there is room, and `len` says how many.
        unsafe {
            append(&mut out, SIGNATURE, |room| {
                let mut len = SIGNATURE;
                let ok = sys::EVP_DigestSign(context.ptr(), room, &mut len, message.as_ptr(), message.len());
                check(ok == 1, FAILED).map(|()| len)
            })?;
        }
        Ok(out)
    }

    /// Checks a signature.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let context = Context::new()?;
        // SAFETY: context and key are live; ML-DSA takes no hash, and no engine is given.
        let ok = unsafe {
            sys::EVP_DigestVerifyInit(
                context.ptr(),
                ptr::null_mut(),
                ptr::null(),
                ptr::null_mut(),
                self.ptr(),
            )
        };
        check(ok == 1, FAILED)?;
        // SAFETY: the context is live; signature and message are readable for their lengths.
        let ok = unsafe {
            sys::EVP_DigestVerify(
                context.ptr(),
                signature.as_ptr(),
                signature.len(),
                message.as_ptr(),
                message.len(),
            )
        };
        check(ok == 1, Error::InvalidData("the signature is wrong"))
    }
}
