//! Hashes, MACs and the key derivation built on them.

use std::os::raw::c_uint;
use std::ptr;

use aws_lc_sys as sys;
use zeroize::Zeroizing;

use super::{append, check, cipher, owner};
use crate::{Error, Hash};

const DIGEST: Error = Error::Failed("the digest");
const HMAC: Error = Error::Failed("HMAC");
const CMAC: Error = Error::Failed("CMAC");
const KDF: Error = Error::Failed("the key derivation");

/// The library's description of a hash: a constant that lives as long as the program.
pub(super) fn md(hash: Hash) -> *const sys::EVP_MD {
    // SAFETY: these take no arguments and return pointers to constants.
    unsafe {
        match hash {
            Hash::Sha1 => sys::EVP_sha1(),
            Hash::Sha224 => sys::EVP_sha224(),
            Hash::Sha256 => sys::EVP_sha256(),
            Hash::Sha384 => sys::EVP_sha384(),
            Hash::Sha512 => sys::EVP_sha512(),
            Hash::Sha512_224 => sys::EVP_sha512_224(),
            Hash::Sha512_256 => sys::EVP_sha512_256(),
            Hash::Sha3_224 => sys::EVP_sha3_224(),
            Hash::Sha3_256 => sys::EVP_sha3_256(),
            Hash::Sha3_384 => sys::EVP_sha3_384(),
            Hash::Sha3_512 => sys::EVP_sha3_512(),
        }
    }
}

/// The longest digest of any hash, in bytes.
const MAX: usize = 64;

/// The first `len` bytes of `buffer`.
fn first(buffer: &[u8; MAX], len: c_uint) -> Vec<u8> {
    buffer.iter().copied().take(len as usize).collect()
}

/// The digest of `data`.
pub(crate) fn digest(hash: Hash, data: &[u8]) -> Result<Vec<u8>, Error> {
    let (mut out, mut len) = (Zeroizing::new([0; MAX]), 0);
    // SAFETY: `data` is readable for its length; `out` has room for the longest digest.
    let ok = unsafe {
        sys::EVP_Digest(
            data.as_ptr().cast(),
            data.len(),
            out.as_mut_ptr(),
            &mut len,
            md(hash),
            ptr::null_mut(),
        )
    };
    check(ok == 1, DIGEST)?;
    Ok(first(&out, len))
}

owner!(
    /// A digest under way.
    Digest, sys::EVP_MD_CTX, sys::EVP_MD_CTX_free
);

impl Digest {
    pub(crate) fn new(hash: Hash) -> Result<Self, Error> {
        // SAFETY: takes no arguments.
        let new = Self::own(unsafe { sys::EVP_MD_CTX_new() }, DIGEST)?;
        // SAFETY: the context is live and the hash a constant.
        let ok = unsafe { sys::EVP_DigestInit_ex(new.ptr(), md(hash), ptr::null_mut()) };
        check(ok == 1, DIGEST)?;
        Ok(new)
    }

    pub(crate) fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        // SAFETY: the context is live, `data` readable for its length.
        let ok = unsafe { sys::EVP_DigestUpdate(self.ptr(), data.as_ptr().cast(), data.len()) };
        check(ok == 1, DIGEST)
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, Error> {
        let (mut out, mut len) = (Zeroizing::new([0; MAX]), 0);
        // SAFETY: the context is live; `out` has room for the longest digest.
        let ok = unsafe { sys::EVP_DigestFinal_ex(self.ptr(), out.as_mut_ptr(), &mut len) };
        check(ok == 1, DIGEST)?;
        Ok(first(&out, len))
    }

    pub(crate) fn try_clone(&self) -> Result<Self, Error> {
        // SAFETY: takes no arguments.
        let copy = Self::own(unsafe { sys::EVP_MD_CTX_new() }, DIGEST)?;
        // SAFETY: both contexts are live.
        let ok = unsafe { sys::EVP_MD_CTX_copy_ex(copy.ptr(), self.ptr()) };
        check(ok == 1, DIGEST)?;
        Ok(copy)
    }
}

owner!(
    /// An HMAC under way.
    Hmac, sys::HMAC_CTX, sys::HMAC_CTX_free
);

impl Hmac {
    pub(crate) fn new(hash: Hash, key: &[u8]) -> Result<Self, Error> {
        // SAFETY: takes no arguments.
        let new = Self::own(unsafe { sys::HMAC_CTX_new() }, HMAC)?;
        // SAFETY: the context is live, `key` readable for its length (and not null, even when empty).
        let ok = unsafe {
            sys::HMAC_Init_ex(new.ptr(), key.as_ptr().cast(), key.len(), md(hash), ptr::null_mut())
        };
        check(ok == 1, HMAC)?;
        Ok(new)
    }

    pub(crate) fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        // SAFETY: the context is live, `data` readable for its length.
        let ok = unsafe { sys::HMAC_Update(self.ptr(), data.as_ptr(), data.len()) };
        check(ok == 1, HMAC)
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, Error> {
        let (mut out, mut len) = (Zeroizing::new([0; MAX]), 0);
        // SAFETY: the context is live; `out` has room for the longest digest.
        let ok = unsafe { sys::HMAC_Final(self.ptr(), out.as_mut_ptr(), &mut len) };
        check(ok == 1, HMAC)?;
        Ok(first(&out, len))
    }

    pub(crate) fn try_clone(&self) -> Result<Self, Error> {
        // SAFETY: takes no arguments.
        let copy = Self::own(unsafe { sys::HMAC_CTX_new() }, HMAC)?;
        // SAFETY: both contexts are live.
        let ok = unsafe { sys::HMAC_CTX_copy_ex(copy.ptr(), self.ptr()) };
        check(ok == 1, HMAC)?;
        Ok(copy)
    }
}

owner!(
    /// An AES-CMAC under way.
    Cmac, sys::CMAC_CTX, sys::CMAC_CTX_free
);

impl Cmac {
    pub(crate) fn new(key: &[u8]) -> Result<Self, Error> {
        // SAFETY: takes no arguments.
        let new = Self::own(unsafe { sys::CMAC_CTX_new() }, CMAC)?;
        let algorithm = cipher::algorithm(cipher::Kind::Cbc, key.len())?;
        // SAFETY: the context is live, `key` is readable for its length, and the cipher takes that length.
        let ok =
            unsafe { sys::CMAC_Init(new.ptr(), key.as_ptr().cast(), key.len(), algorithm, ptr::null_mut()) };
        check(ok == 1, CMAC)?;
        Ok(new)
    }

    pub(crate) fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        // SAFETY: the context is live, `data` readable for its length.
        let ok = unsafe { sys::CMAC_Update(self.ptr(), data.as_ptr(), data.len()) };
        check(ok == 1, CMAC)
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, Error> {
        let (mut out, mut len) = (Zeroizing::new([0; MAX]), 0);
        // SAFETY: the context is live; a tag is 16 bytes.
        let ok = unsafe { sys::CMAC_Final(self.ptr(), out.as_mut_ptr(), &mut len) };
        check(ok == 1, CMAC)?;
        Ok(out.iter().copied().take(len).collect())
    }
}

/// HKDF-Extract.
pub(crate) fn hkdf_extract(hash: Hash, salt: &[u8], secret: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    // SAFETY: `HKDF_extract` writes one digest, for which there is room, and says so in `len`; the inputs are
    // readable for their lengths.
    unsafe {
        append(&mut out, MAX, |room| {
            let mut len = 0;
            let ok = sys::HKDF_extract(
                room,
                &mut len,
                md(hash),
                secret.as_ptr(),
                secret.len(),
                salt.as_ptr(),
                salt.len(),
            );
            check(ok == 1, KDF).map(|()| len)
        })?;
    }
    Ok(out)
}

/// HKDF-Expand.
pub(crate) fn hkdf_expand(hash: Hash, key: &[u8], info: &[u8], len: usize) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; len];
    // SAFETY: `out` is writable and the inputs are readable for their lengths.
    let ok = unsafe {
        sys::HKDF_expand(out.as_mut_ptr(), len, md(hash), key.as_ptr(), key.len(), info.as_ptr(), info.len())
    };
    check(ok == 1, KDF)?;
    Ok(out)
}

/// PBKDF2 with HMAC.
pub(crate) fn pbkdf2(
    hash: Hash,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    len: usize,
) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; len];
    // SAFETY: `out` is writable and the inputs are readable for their lengths.
    let ok = unsafe {
        sys::PKCS5_PBKDF2_HMAC(
            password.as_ptr().cast(),
            password.len(),
            salt.as_ptr(),
            salt.len(),
            iterations,
            md(hash),
            len,
            out.as_mut_ptr(),
        )
    };
    check(ok == 1, KDF)?;
    Ok(out)
}
