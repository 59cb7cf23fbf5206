//! Elliptic-curve keys, ECDSA and ECDH.

use std::ptr;

use aws_lc_sys as sys;

use super::bignum::{Number, to_padded};
use super::{check, owner};
use crate::ec::Curve;
use crate::{Error, Secret};

const EC: Error = Error::Failed("elliptic-curve arithmetic");
const SCALAR: Error = Error::InvalidKey("the private value is not between 0 and the order of the curve");
const POINT: Error = Error::InvalidKey("the point is not on the curve");
const WRONG: Error = Error::InvalidData("the signature is wrong");

/// The library's description of a curve: a constant that lives as long as the program.
fn group(curve: Curve) -> *const sys::EC_GROUP {
    // SAFETY: these take no arguments and return pointers to constants.
    unsafe {
        match curve {
            Curve::P224 => sys::EC_group_p224(),
            Curve::P256 => sys::EC_group_p256(),
            Curve::P384 => sys::EC_group_p384(),
            Curve::P521 => sys::EC_group_p521(),
            Curve::Secp256k1 => sys::EC_group_secp256k1(),
        }
    }
}

owner!(
    /// A key on a curve, public or private.
    Key, sys::EC_KEY, sys::EC_KEY_free
);

// SAFETY: "A given object may be used concurrently on multiple threads by non-mutating functions, provided no
// other thread is concurrently calling a mutating function" (ec_key.h); nothing here mutates a key once it is made.
unsafe impl Sync for Key {}

owner!(Point, sys::EC_POINT, sys::EC_POINT_free);

owner!(Signature, sys::ECDSA_SIG, sys::ECDSA_SIG_free);

impl Key {
    fn new(curve: Curve) -> Result<Self, Error> {
        // SAFETY: takes no arguments.
        let new = Self::own(unsafe { sys::EC_KEY_new() }, EC)?;
        // SAFETY: the key is live, the group a constant.
        check(unsafe { sys::EC_KEY_set_group(new.ptr(), group(curve)) } == 1, EC)?;
        Ok(new)
    }

    pub(crate) fn generate(curve: Curve) -> Result<Self, Error> {
        let new = Self::new(curve)?;
        // SAFETY: the key is live and has a group.
        check(unsafe { sys::EC_KEY_generate_key(new.ptr()) } == 1, EC)?;
        Ok(new)
    }

    /// The private key with this scalar (big-endian), and its public point.
    pub(crate) fn from_scalar(curve: Curve, scalar: &[u8]) -> Result<Self, Error> {
        let scalar = Number::from_bytes(scalar)?;
        let new = Self::new(curve)?;
        // SAFETY: key and scalar are live; the library checks the range and copies.
        check(unsafe { sys::EC_KEY_set_private_key(new.ptr(), scalar.raw()) } == 1, SCALAR)?;
        // SAFETY: the group is a constant.
        let point = Point::own(unsafe { sys::EC_POINT_new(group(curve)) }, EC)?;
        // SAFETY: point and scalar are live; null means the generator alone, and no working memory.
        let ok = unsafe {
            sys::EC_POINT_mul(
                group(curve),
                point.ptr(),
                scalar.raw(),
                ptr::null(),
                ptr::null(),
                ptr::null_mut(),
            ) == 1
                && sys::EC_KEY_set_public_key(new.ptr(), point.ptr()) == 1
                && sys::EC_KEY_check_key(new.ptr()) == 1
        };
        check(ok, SCALAR)?;
        Ok(new)
    }

    /// The public key with this point, uncompressed or compressed.
    pub(crate) fn from_point(curve: Curve, bytes: &[u8]) -> Result<Self, Error> {
        let new = Self::new(curve)?;
        // SAFETY: the group is a constant.
        let point = Point::own(unsafe { sys::EC_POINT_new(group(curve)) }, EC)?;
        // SAFETY: key and point are live, `bytes` readable; the library checks that the point is on the curve, and
        // that it is not at infinity.
        let ok = unsafe {
            sys::EC_POINT_oct2point(group(curve), point.ptr(), bytes.as_ptr(), bytes.len(), ptr::null_mut())
                == 1
                && sys::EC_KEY_set_public_key(new.ptr(), point.ptr()) == 1
                && sys::EC_KEY_check_key(new.ptr()) == 1
        };
        check(ok, POINT)?;
        Ok(new)
    }

    /// The private scalar in `len` bytes.
    pub(crate) fn scalar(&self, len: usize) -> Result<Secret, Error> {
        // SAFETY: the key is live, and the scalar lives as long.
        let scalar = unsafe { sys::EC_KEY_get0_private_key(self.ptr()) };
        check(!scalar.is_null(), EC)?;
        // SAFETY: not null, and live as long as the key.
        unsafe { to_padded(scalar, len) }.map(Secret::new)
    }

    fn point_ptr(&self) -> Result<*const sys::EC_POINT, Error> {
        // SAFETY: the key is live, and its point lives as long.
        let point = unsafe { sys::EC_KEY_get0_public_key(self.ptr()) };
        check(!point.is_null(), EC)?;
        Ok(point)
    }

    /// The public point, uncompressed.
    pub(crate) fn point(&self, curve: Curve) -> Result<Vec<u8>, Error> {
        let mut out = vec![0; 1 + 2 * curve.field_len()];
        // SAFETY: group and point are live, `out` writable for its length.
        let len = unsafe {
            sys::EC_POINT_point2oct(
                group(curve),
                self.point_ptr()?,
                sys::point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED,
                out.as_mut_ptr(),
                out.len(),
                ptr::null_mut(),
            )
        };
        check(len == out.len(), EC)?;
        Ok(out)
    }

    /// An ECDSA signature of a digest: two numbers of `len` bytes each.
    pub(crate) fn sign(&self, digest: &[u8], len: usize) -> Result<Vec<u8>, Error> {
        // SAFETY: the key is live, `digest` readable.
        let signature =
            Signature::own(unsafe { sys::ECDSA_do_sign(digest.as_ptr(), digest.len(), self.ptr()) }, EC)?;
        let (mut r, mut s) = (ptr::null(), ptr::null());
        // SAFETY: the signature is live, and its numbers live as long.
        unsafe {
            sys::ECDSA_SIG_get0(signature.ptr(), &mut r, &mut s);
            let mut out = to_padded(r, len)?;
            out.extend(to_padded(s, len)?);
            Ok(out)
        }
    }

    /// Verifies an ECDSA signature of a digest.
    pub(crate) fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<(), Error> {
        let (r, s) = (Number::from_bytes(r)?, Number::from_bytes(s)?);
        // SAFETY: takes no arguments.
        let signature = Signature::own(unsafe { sys::ECDSA_SIG_new() }, EC)?;
        // SAFETY: the signature is live and takes the numbers over; with neither of them null it cannot refuse.
        check(unsafe { sys::ECDSA_SIG_set0(signature.ptr(), r.into_raw(), s.into_raw()) } == 1, EC)?;
        // SAFETY: all are live, `digest` readable.
        let ok = unsafe { sys::ECDSA_do_verify(digest.as_ptr(), digest.len(), signature.ptr(), self.ptr()) };
        check(ok == 1, WRONG)
    }

    /// The x coordinate of the shared point, `len` bytes. Both keys are on one curve, which the caller has checked.
    pub(crate) fn agree(&self, peer: &Self, len: usize) -> Result<Secret, Error> {
        let mut out = zeroize::Zeroizing::new(vec![0; len]);
        // SAFETY: key and point are live, `out` writable for `len`.
        let done = unsafe {
            sys::ECDH_compute_key(out.as_mut_ptr().cast(), len, peer.point_ptr()?, self.ptr(), None)
        };
        check(usize::try_from(done) == Ok(len), EC)?;
        Ok(Secret::new(std::mem::take(&mut *out)))
    }
}
