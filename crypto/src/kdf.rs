//! Key derivation: ANSI X9.63, HKDF (RFC 5869) and PBKDF2 (RFC 8018).

use crate::hash::Digest;
use crate::{Error, Hash, Secret, ffi};

/// The ANSI X9.63 KDF (SEC 1, "ANS X9.63 Key Derivation Function"): `len` bytes from a shared secret.
///
/// # Errors
/// `TooLong` if `len` needs more than 2³² − 1 rounds of the hash.
pub fn x963(hash: Hash, shared_secret: &Secret, shared_info: &[u8], len: usize) -> Result<Secret, Error> {
    let rounds = u32::try_from(len.div_ceil(hash.len())).map_err(|_| Error::TooLong)?;
    let mut common = Digest::new(hash)?;
    common.update(shared_secret.as_bytes())?;
    // Room for the last whole round, so that the buffer never moves and leaves a copy behind.
    let mut out = Vec::with_capacity(len.saturating_add(hash.len()));
    for counter in 1..=rounds {
        let mut round = common.try_clone()?;
        round.update(&counter.to_be_bytes())?;
        round.update(shared_info)?;
        out.extend_from_slice(Secret::new(round.finish()?).as_bytes());
    }
    out.truncate(len);
    Ok(Secret::new(out))
}

/// HKDF-Extract (RFC 5869, "Step 1: Extract"): a pseudorandom key as long as the digest.
///
/// # Errors
/// `Failed` if the library does.
pub fn hkdf_extract(hash: Hash, salt: &[u8], secret: &Secret) -> Result<Secret, Error> {
    ffi::digest::hkdf_extract(hash, salt, secret.as_bytes()).map(Secret::new)
}

/// HKDF-Expand (RFC 5869, "Step 2: Expand"): `len` bytes from a pseudorandom key.
///
/// # Errors
/// `TooLong` if `len` is more than 255 digests.
pub fn hkdf_expand(hash: Hash, key: &Secret, info: &[u8], len: usize) -> Result<Secret, Error> {
    if len > 255 * hash.len() {
        return Err(Error::TooLong);
    }
    ffi::digest::hkdf_expand(hash, key.as_bytes(), info, len).map(Secret::new)
}

/// PBKDF2 with HMAC (RFC 8018, "PBKDF2"): `len` bytes from a password.
///
/// # Errors
/// `InvalidParameter` if `iterations` is zero.
pub fn pbkdf2(
    hash: Hash,
    password: &Secret,
    salt: &[u8],
    iterations: u32,
    len: usize,
) -> Result<Secret, Error> {
    if iterations == 0 {
        return Err(Error::InvalidParameter("PBKDF2 needs at least one iteration"));
    }
    ffi::digest::pbkdf2(hash, password.as_bytes(), salt, iterations, len).map(Secret::new)
}
