//! Ed25519 and X25519.

use aws_lc_sys as sys;

use super::check;
use crate::{Error, Secret};

/// Which Ed25519 of RFC 8032.
#[derive(Clone, Copy)]
pub(crate) enum Scheme<'a> {
    Pure,
    Context(&'a [u8]),
    Prehashed(&'a [u8]),
}

/// The public key and the library's private key (seed, then public key) of a seed.
pub(crate) fn ed25519_from_seed(seed: &[u8; 32]) -> ([u8; 32], Secret) {
    let (mut public, mut private) = ([0; 32], vec![0; 64]);
    // SAFETY: the lengths are 32, 64 and 32.
    unsafe { sys::ED25519_keypair_from_seed(public.as_mut_ptr(), private.as_mut_ptr(), seed.as_ptr()) };
    (public, Secret::new(private))
}

/// Signs with the library's private key.
pub(crate) fn ed25519_sign(private: &Secret, scheme: Scheme<'_>, message: &[u8]) -> Result<Vec<u8>, Error> {
    check(private.len() == 64, Error::InvalidKey("an Ed25519 private key has 64 bytes"))?;
    let mut out = vec![0; 64];
    let (key, data, len) = (private.as_bytes().as_ptr(), message.as_ptr(), message.len());
    // SAFETY: the key has 64 bytes, the output 64; message and context are readable for their lengths.
    let ok = unsafe {
        match scheme {
            Scheme::Pure => sys::ED25519_sign(out.as_mut_ptr(), data, len, key),
            Scheme::Context(context) => {
                sys::ED25519ctx_sign(out.as_mut_ptr(), data, len, key, context.as_ptr(), context.len())
            }
            Scheme::Prehashed(context) => {
                sys::ED25519ph_sign(out.as_mut_ptr(), data, len, key, context.as_ptr(), context.len())
            }
        }
    };
    check(ok == 1, Error::Failed("Ed25519"))?;
    Ok(out)
}

/// Verifies a signature.
pub(crate) fn ed25519_verify(
    public: &[u8; 32],
    scheme: Scheme<'_>,
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), Error> {
    let (key, data, len, signature) = (public.as_ptr(), message.as_ptr(), message.len(), signature.as_ptr());
    // SAFETY: the key has 32 bytes, the signature 64; message and context are readable for their lengths.
    let ok = unsafe {
        match scheme {
            Scheme::Pure => sys::ED25519_verify(data, len, signature, key),
            Scheme::Context(context) => {
                sys::ED25519ctx_verify(data, len, signature, key, context.as_ptr(), context.len())
            }
            Scheme::Prehashed(context) => {
                sys::ED25519ph_verify(data, len, signature, key, context.as_ptr(), context.len())
            }
        }
    };
    check(ok == 1, Error::InvalidData("the signature is wrong"))
}

/// The public value of a private one.
pub(crate) fn x25519_public(private: &[u8; 32]) -> [u8; 32] {
    let mut public = [0; 32];
    // SAFETY: both have 32 bytes.
    unsafe { sys::X25519_public_from_private(public.as_mut_ptr(), private.as_ptr()) };
    public
}

/// The shared secret; refused if it is all zeros.
pub(crate) fn x25519_agree(private: &[u8; 32], peer: &[u8; 32]) -> Result<Secret, Error> {
    let mut out = zeroize::Zeroizing::new(vec![0; 32]);
    // SAFETY: all have 32 bytes.
    let ok = unsafe { sys::X25519(out.as_mut_ptr(), private.as_ptr(), peer.as_ptr()) };
    check(ok == 1, Error::InvalidKey("the peer's value has a small order"))?;
    Ok(Secret::new(std::mem::take(&mut *out)))
}
