//! RSA keys and the operations on them.

use std::os::raw::c_int;
use std::ptr;

use aws_lc_sys as sys;

use super::bignum::{Number, to_bytes, to_padded};
use super::digest::md;
use super::{append, check, int, owner};
use crate::{Error, Hash, Secret};

const RSA: Error = Error::Failed("RSA");
const DEGENERATE: Error = Error::InvalidKey("the parts of the RSA key do not fit together");
const REFUSED: Error = Error::InvalidData("RSA refuses the data");

/// Padding of a block for the private operation.
#[derive(Clone, Copy)]
pub(crate) enum Padding {
    None,
    Pkcs1,
}

impl Padding {
    const fn number(self) -> c_int {
        match self {
            Self::None => sys::RSA_NO_PADDING,
            Self::Pkcs1 => sys::RSA_PKCS1_PADDING,
        }
    }
}

owner!(
    /// An RSA key, public or private. Blinding is never switched off.
    Key, sys::RSA, sys::RSA_free
);

// SAFETY: a key "may be used concurrently on multiple threads by non-mutating functions" (rsa.h), and signing,
// verifying, encrypting and decrypting are such though their pointer is not const (rsa.h, "Signing / Verification" and
// "Encryption / Decryption"); nothing here mutates a key once it is made.
unsafe impl Sync for Key {}

/// All the numbers of a private key.
pub(crate) struct Parts {
    pub(crate) n: Number,
    pub(crate) e: Number,
    pub(crate) d: Number,
    pub(crate) p: Number,
    pub(crate) q: Number,
    pub(crate) dp: Number,
    pub(crate) dq: Number,
    pub(crate) qinv: Number,
}

/// A number of a key, as the library keeps them.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    N,
    E,
    D,
    P,
    Q,
    Dp,
    Dq,
    Qinv,
}

impl Key {
    pub(crate) fn generate(bits: usize, e: &Number) -> Result<Self, Error> {
        // SAFETY: takes no arguments.
        let new = Self::own(unsafe { sys::RSA_new() }, RSA)?;
        // SAFETY: the key and the exponent are live; null asks for no progress reports.
        let ok = unsafe { sys::RSA_generate_key_ex(new.ptr(), int(bits)?, e.raw(), ptr::null_mut()) };
        check(ok == 1, RSA)?;
        Ok(new)
    }

    /// Checks that the numbers fit together (`RSA_check_key`).
    pub(crate) fn private(parts: &Parts) -> Result<Self, Error> {
        // SAFETY: all numbers are live; the library copies them.
        let raw = unsafe {
            sys::RSA_new_private_key(
                parts.n.raw(),
                parts.e.raw(),
                parts.d.raw(),
                parts.p.raw(),
                parts.q.raw(),
                parts.dp.raw(),
                parts.dq.raw(),
                parts.qinv.raw(),
            )
        };
        Self::own(raw, DEGENERATE)
    }

    pub(crate) fn public(n: &Number, e: &Number) -> Result<Self, Error> {
        // SAFETY: both numbers are live; the library copies them.
        Self::own(unsafe { sys::RSA_new_public_key(n.raw(), e.raw()) }, DEGENERATE)
    }

    /// Length of the modulus in bytes.
    pub(crate) fn len(&self) -> usize {
        // SAFETY: the key is live.
        unsafe { sys::RSA_size(self.ptr()) as usize }
    }

    fn number(&self, part: Part) -> *const sys::BIGNUM {
        // SAFETY: the key is live; these return pointers that live as long.
        unsafe {
            match part {
                Part::N => sys::RSA_get0_n(self.ptr()),
                Part::E => sys::RSA_get0_e(self.ptr()),
                Part::D => sys::RSA_get0_d(self.ptr()),
                Part::P => sys::RSA_get0_p(self.ptr()),
                Part::Q => sys::RSA_get0_q(self.ptr()),
                Part::Dp => sys::RSA_get0_dmp1(self.ptr()),
                Part::Dq => sys::RSA_get0_dmq1(self.ptr()),
                Part::Qinv => sys::RSA_get0_iqmp(self.ptr()),
            }
        }
    }

    /// A number of the key in its shortest big-endian form.
    pub(crate) fn part(&self, part: Part) -> Vec<u8> {
        // SAFETY: the number lives as long as the key.
        unsafe { to_bytes(self.number(part)) }
    }

    /// The private exponent, as long as the modulus.
    pub(crate) fn padded_exponent(&self) -> Result<Secret, Error> {
        let d = self.number(Part::D);
        check(!d.is_null(), RSA)?;
        // SAFETY: the number is not null and lives as long as the key.
        unsafe { to_padded(d, self.len()) }.map(Secret::new)
    }

    /// The private operation, blinded, its result checked against the public one.
    pub(crate) fn private_operation(&self, padding: Padding, data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        // SAFETY: `RSA_sign_raw` writes as many bytes as the modulus has, for which there is room, and says so in
        // `len`; the key is live and `data` readable.
        unsafe {
            append(&mut out, self.len(), |room| {
                let mut len = 0;
                let ok = sys::RSA_sign_raw(
                    self.ptr(),
                    &mut len,
                    room,
                    self.len(),
                    data.as_ptr(),
                    data.len(),
                    padding.number(),
                );
                check(ok == 1, REFUSED).map(|()| len)
            })?;
        }
        Ok(out)
    }

    /// The public operation on a signature; takes the padding off that a private operation put on.
    pub(crate) fn recover(&self, padding: Padding, signature: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        // SAFETY: `RSA_verify_raw` writes at most as many bytes as the modulus has and says how many in `len`;
        // the key is live and `signature` readable.
        unsafe {
            append(&mut out, self.len(), |room| {
                let mut len = 0;
                let ok = sys::RSA_verify_raw(
                    self.ptr(),
                    &mut len,
                    room,
                    self.len(),
                    signature.as_ptr(),
                    signature.len(),
                    padding.number(),
                );
                check(ok == 1, REFUSED).map(|()| len)
            })?;
        }
        Ok(out)
    }

    /// Encryption with the padding of PKCS#1 1.5 or none.
    pub(crate) fn encrypt(&self, padding: Padding, data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        // SAFETY: `RSA_encrypt` writes as many bytes as the modulus has and says so in `len`; the key is live and
        // `data` readable.
        unsafe {
            append(&mut out, self.len(), |room| {
                let mut len = 0;
                let ok = sys::RSA_encrypt(
                    self.ptr(),
                    &mut len,
                    room,
                    self.len(),
                    data.as_ptr(),
                    data.len(),
                    padding.number(),
                );
                check(ok == 1, REFUSED).map(|()| len)
            })?;
        }
        Ok(out)
    }

    /// Signs a digest with PSS.
    pub(crate) fn sign_pss(
        &self,
        hash: Hash,
        mgf: Hash,
        salt: usize,
        digest: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let salt = int(salt)?;
        let mut out = Vec::new();
        // SAFETY: `RSA_sign_pss_mgf1` writes as many bytes as the modulus has and says so in `len`; the key is
        // live and `digest` readable.
        unsafe {
            append(&mut out, self.len(), |room| {
                let mut len = 0;
                let ok = sys::RSA_sign_pss_mgf1(
                    self.ptr(),
                    &mut len,
                    room,
                    self.len(),
                    digest.as_ptr(),
                    digest.len(),
                    md(hash),
                    md(mgf),
                    salt,
                );
                check(ok == 1, Error::InvalidParameter("PSS refuses the digest or the length of the salt"))
                    .map(|()| len)
            })?;
        }
        Ok(out)
    }

    /// Verifies a PSS signature of a digest.
    pub(crate) fn verify_pss(
        &self,
        hash: Hash,
        mgf: Hash,
        salt: usize,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        // SAFETY: the key is live; digest and signature are readable for their lengths.
        let ok = unsafe {
            sys::RSA_verify_pss_mgf1(
                self.ptr(),
                digest.as_ptr(),
                digest.len(),
                md(hash),
                md(mgf),
                int(salt)?,
                signature.as_ptr(),
                signature.len(),
            )
        };
        check(ok == 1, Error::InvalidData("the signature is wrong"))
    }

    /// OAEP, either way.
    pub(crate) fn oaep(
        &self,
        decrypt: bool,
        hash: Hash,
        mgf: Hash,
        label: &[u8],
        data: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let operation = Oaep::new(self, decrypt, hash, mgf, label)?;
        let mut out = Vec::new();
        // SAFETY: the operation is live and `data` readable; either way it writes at most as many bytes as `len`
        // offers, and says how many in it.
        unsafe {
            append(&mut out, self.len(), |room| {
                let mut len = self.len();
                let run = if decrypt { sys::EVP_PKEY_decrypt } else { sys::EVP_PKEY_encrypt };
                let ok = run(operation.ptr(), room, &mut len, data.as_ptr(), data.len());
                check(ok == 1, REFUSED).map(|()| len)
            })?;
        }
        Ok(out)
    }
}

owner!(
    /// The library's wrapper around a key.
    Wrapper, sys::EVP_PKEY, sys::EVP_PKEY_free
);

owner!(
    /// An OAEP operation about to run.
    Oaep, sys::EVP_PKEY_CTX, sys::EVP_PKEY_CTX_free
);

impl Oaep {
    fn new(key: &Key, decrypt: bool, hash: Hash, mgf: Hash, label: &[u8]) -> Result<Self, Error> {
        // SAFETY: takes no arguments.
        let wrapper = Wrapper::own(unsafe { sys::EVP_PKEY_new() }, RSA)?;
        // SAFETY: both are live; the wrapper takes a reference of its own.
        check(unsafe { sys::EVP_PKEY_set1_RSA(wrapper.ptr(), key.ptr()) } == 1, RSA)?;
        // SAFETY: the wrapper is live, and the operation takes a reference of its own.
        let new = Self::own(unsafe { sys::EVP_PKEY_CTX_new(wrapper.ptr(), ptr::null_mut()) }, RSA)?;
        // SAFETY: the operation is live and the hashes are constants.
        let ok = unsafe {
            let begun = if decrypt {
                sys::EVP_PKEY_decrypt_init(new.ptr())
            } else {
                sys::EVP_PKEY_encrypt_init(new.ptr())
            };
            begun == 1
                && sys::EVP_PKEY_CTX_set_rsa_padding(new.ptr(), sys::RSA_PKCS1_OAEP_PADDING) == 1
                && sys::EVP_PKEY_CTX_set_rsa_oaep_md(new.ptr(), md(hash)) == 1
                && sys::EVP_PKEY_CTX_set_rsa_mgf1_md(new.ptr(), md(mgf)) == 1
        };
        check(ok, RSA)?;
        if !label.is_empty() {
            // SAFETY: `label` is readable; the copy is the library's own memory, which the operation takes over if
            // it accepts it, and which is freed here if not.
            let ok = unsafe {
                let copy = sys::OPENSSL_memdup(label.as_ptr().cast(), label.len());
                let set = !copy.is_null()
                    && sys::EVP_PKEY_CTX_set0_rsa_oaep_label(new.ptr(), copy.cast(), label.len()) == 1;
                if !set {
                    sys::OPENSSL_free(copy);
                }
                set
            };
            check(ok, RSA)?;
        }
        Ok(new)
    }
}
