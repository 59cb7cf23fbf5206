//! DSA keys and signatures.

use std::ptr;

use aws_lc_sys as sys;

use super::bignum::{Number, to_padded};
use super::{check, int, owner};
use crate::Error;

const DSA: Error = Error::Failed("DSA");
const WRONG: Error = Error::InvalidData("the signature is wrong");

owner!(
    /// A DSA key, public or private, or domain parameters alone.
    Key, sys::DSA, sys::DSA_free
);

// SAFETY: to sign and to verify prepares the moduli once, under a lock of the key's; nothing else here changes a key
// once it is made.
unsafe impl Sync for Key {}

owner!(Signature, sys::DSA_SIG, sys::DSA_SIG_free);
owner!(Context, sys::EVP_PKEY_CTX, sys::EVP_PKEY_CTX_free);
owner!(Generic, sys::EVP_PKEY, sys::EVP_PKEY_free);

/// New domain parameters p, q and g, of so many bits of p and q.
pub(crate) fn parameters(bits: usize, subprime_bits: usize) -> Result<[Number; 3], Error> {
    let (bits, subprime_bits) = (int(bits)?, int(subprime_bits)?);
    // SAFETY: null asks for no engine.
    let context = Context::own(unsafe { sys::EVP_PKEY_CTX_new_id(sys::EVP_PKEY_DSA, ptr::null_mut()) }, DSA)?;
    let mut made = ptr::null_mut();
    // SAFETY: the context is live, `made` writable.
    let ok = unsafe {
        sys::EVP_PKEY_paramgen_init(context.ptr()) == 1
            && sys::EVP_PKEY_CTX_set_dsa_paramgen_bits(context.ptr(), bits) == 1
            && sys::EVP_PKEY_CTX_set_dsa_paramgen_q_bits(context.ptr(), subprime_bits) == 1
            && sys::EVP_PKEY_paramgen(context.ptr(), &mut made) == 1
    };
    check(ok, DSA)?;
    let made = Generic::own(made, DSA)?;
    // SAFETY: the key is live, and what it holds lives as long.
    let inner = unsafe { sys::EVP_PKEY_get0_DSA(made.ptr()) };
    check(!inner.is_null(), DSA)?;
    let (mut p, mut q, mut g) = (ptr::null(), ptr::null(), ptr::null());
    // SAFETY: not null, live as long as `made`, and it has all three numbers.
    unsafe {
        sys::DSA_get0_pqg(inner, &mut p, &mut q, &mut g);
        Ok([Number::copied(p)?, Number::copied(q)?, Number::copied(g)?])
    }
}

impl Key {
    /// The key of these numbers, which the caller has checked; a public one without `x`.
    pub(crate) fn new(p: &[u8], q: &[u8], g: &[u8], y: &[u8], x: Option<&[u8]>) -> Result<Self, Error> {
        // SAFETY: takes no arguments.
        let new = Self::own(unsafe { sys::DSA_new() }, DSA)?;
        let [p, q, g] = [Number::from_bytes(p)?, Number::from_bytes(q)?, Number::from_bytes(g)?];
        // SAFETY: the key is live and takes the numbers over; with none of them null it cannot refuse.
        check(unsafe { sys::DSA_set0_pqg(new.ptr(), p.into_raw(), q.into_raw(), g.into_raw()) } == 1, DSA)?;
        let (y, x) = (Number::from_bytes(y)?, x.map(Number::from_bytes).transpose()?);
        let x = x.map_or(ptr::null_mut(), Number::into_raw);
        // SAFETY: as above.
        check(unsafe { sys::DSA_set0_key(new.ptr(), y.into_raw(), x) } == 1, DSA)?;
        Ok(new)
    }

    /// The signature of a digest: two numbers of `len` bytes each.
    pub(crate) fn sign(&self, digest: &[u8], len: usize) -> Result<Vec<u8>, Error> {
        // SAFETY: the key is live, `digest` readable.
        let signature =
            Signature::own(unsafe { sys::DSA_do_sign(digest.as_ptr(), digest.len(), self.ptr()) }, DSA)?;
        let (mut r, mut s) = (ptr::null(), ptr::null());
        // SAFETY: the signature is live, and its numbers live as long.
        unsafe {
            sys::DSA_SIG_get0(signature.ptr(), &mut r, &mut s);
            let mut out = to_padded(r, len)?;
            out.extend(to_padded(s, len)?);
            Ok(out)
        }
    }

    /// Verifies the signature of a digest.
    pub(crate) fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<(), Error> {
        let (r, s) = (Number::from_bytes(r)?, Number::from_bytes(s)?);
        // SAFETY: takes no arguments.
        let signature = Signature::own(unsafe { sys::DSA_SIG_new() }, DSA)?;
        // SAFETY: the signature is live and takes the numbers over; with neither of them null it cannot refuse.
        check(unsafe { sys::DSA_SIG_set0(signature.ptr(), r.into_raw(), s.into_raw()) } == 1, DSA)?;
        // SAFETY: all are live, `digest` readable.
        let valid = unsafe { sys::DSA_do_verify(digest.as_ptr(), digest.len(), signature.ptr(), self.ptr()) };
        check(valid == 1, WRONG)
    }
}
