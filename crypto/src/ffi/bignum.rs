//! Big numbers: as much as it takes to hand keys over and to complete an RSA key.

use std::cmp::Ordering;
use std::os::raw::c_int;
use std::ptr;

use aws_lc_sys as sys;

use super::{check, int, owner};
use crate::Error;

const BIGNUM: Error = Error::Failed("big-number arithmetic");

owner!(
    /// A number, not negative. Wiped on drop.
    Number, sys::BIGNUM, sys::BN_clear_free
);

owner!(
    /// Working memory of the library.
    Scratch, sys::BN_CTX, sys::BN_CTX_free
);

fn scratch() -> Result<Scratch, Error> {
    // SAFETY: takes no arguments.
    Scratch::own(unsafe { sys::BN_CTX_new() }, BIGNUM)
}

/// The shortest big-endian form of a number of the library's.
///
/// # Safety
/// `number` is live, or null, which gives no bytes.
pub(super) unsafe fn to_bytes(number: *const sys::BIGNUM) -> Vec<u8> {
    if number.is_null() {
        return Vec::new();
    }
    // SAFETY: `number` is live; the buffer has the length that the library asks for.
    unsafe {
        let mut out = vec![0; sys::BN_num_bytes(number) as usize];
        sys::BN_bn2bin(number, out.as_mut_ptr());
        out
    }
}

/// The big-endian form of a number of the library's in `len` bytes.
///
/// # Safety
/// `number` is live.
pub(super) unsafe fn to_padded(number: *const sys::BIGNUM, len: usize) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; len];
    // SAFETY: `number` is live, `out` writable for `len`.
    let ok = unsafe { sys::BN_bn2bin_padded(out.as_mut_ptr(), len, number) };
    check(ok == 1, BIGNUM)?;
    Ok(out)
}

impl Number {
    pub(crate) fn new() -> Result<Self, Error> {
        // SAFETY: takes no arguments.
        Self::own(unsafe { sys::BN_new() }, BIGNUM)
    }

    /// From big-endian bytes; leading zeros do no harm.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        // SAFETY: `bytes` is readable for its length; null asks for a new number.
        Self::own(unsafe { sys::BN_bin2bn(bytes.as_ptr(), bytes.len(), ptr::null_mut()) }, BIGNUM)
    }

    pub(super) const fn raw(&self) -> *mut sys::BIGNUM {
        self.ptr()
    }

    /// Gives the number away.
    pub(super) fn into_raw(self) -> *mut sys::BIGNUM {
        let raw = self.ptr();
        std::mem::forget(self);
        raw
    }

    pub(crate) fn bits(&self) -> usize {
        // SAFETY: the number is live.
        unsafe { sys::BN_num_bits(self.ptr()) as usize }
    }

    pub(crate) fn is_odd(&self) -> bool {
        // SAFETY: the number is live.
        unsafe { sys::BN_is_odd(self.ptr()) == 1 }
    }

    pub(crate) fn is_one(&self) -> bool {
        // SAFETY: the number is live.
        unsafe { sys::BN_is_one(self.ptr()) == 1 }
    }

    pub(crate) fn is_zero(&self) -> bool {
        // SAFETY: the number is live.
        unsafe { sys::BN_is_zero(self.ptr()) == 1 }
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        // SAFETY: both numbers are live.
        unsafe { sys::BN_cmp(self.ptr(), other.ptr()) }.cmp(&0)
    }

    /// A new number that `compute` sets, given working memory.
    fn computed(compute: impl FnOnce(*mut sys::BIGNUM, *mut sys::BN_CTX) -> bool) -> Result<Self, Error> {
        let (out, scratch) = (Self::new()?, scratch()?);
        check(compute(out.ptr(), scratch.ptr()), BIGNUM)?;
        Ok(out)
    }

    pub(crate) fn times(&self, other: &Self) -> Result<Self, Error> {
        // SAFETY: all numbers and the scratch are live.
        Self::computed(|out, scratch| unsafe { sys::BN_mul(out, self.ptr(), other.ptr(), scratch) == 1 })
    }

    /// The number less a small one, which it must not be less than.
    pub(crate) fn minus(&self, word: u64) -> Result<Self, Error> {
        Self::computed(|out, _| {
            // SAFETY: both numbers are live.
            unsafe { !sys::BN_copy(out, self.ptr()).is_null() && sys::BN_sub_word(out, word) == 1 }
        })
    }

    pub(crate) fn remainder(&self, modulus: &Self) -> Result<Self, Error> {
        // SAFETY: all numbers and the scratch are live.
        Self::computed(|out, scratch| unsafe { sys::BN_nnmod(out, self.ptr(), modulus.ptr(), scratch) == 1 })
    }

    pub(crate) fn divided_by(&self, divisor: &Self) -> Result<Self, Error> {
        Self::computed(|out, scratch| {
            // SAFETY: all numbers and the scratch are live; null asks for no remainder.
            unsafe { sys::BN_div(out, ptr::null_mut(), self.ptr(), divisor.ptr(), scratch) == 1 }
        })
    }

    pub(crate) fn common_divisor(&self, other: &Self) -> Result<Self, Error> {
        // SAFETY: all numbers and the scratch are live.
        Self::computed(|out, scratch| unsafe { sys::BN_gcd(out, self.ptr(), other.ptr(), scratch) == 1 })
    }

    pub(crate) fn squared_mod(&self, modulus: &Self) -> Result<Self, Error> {
        // SAFETY: all numbers and the scratch are live.
        Self::computed(|out, scratch| unsafe {
            sys::BN_mod_sqr(out, self.ptr(), modulus.ptr(), scratch) == 1
        })
    }

    /// The number, less than `modulus`, to a secret power. The modulus must be odd.
    pub(crate) fn power_mod(&self, exponent: &Self, modulus: &Self) -> Result<Self, Error> {
        Self::computed(|out, scratch| {
            // SAFETY: all numbers and the scratch are live; the library prepares the modulus when given null.
            unsafe {
                sys::BN_mod_exp_mont_consttime(
                    out,
                    self.ptr(),
                    exponent.ptr(),
                    modulus.ptr(),
                    scratch,
                    ptr::null(),
                ) == 1
            }
        })
    }

    /// How many times two divides the number.
    pub(crate) fn twos(&self) -> usize {
        // SAFETY: the number is live.
        usize::try_from(unsafe { sys::BN_count_low_zero_bits(self.ptr()) }).unwrap_or_default()
    }

    pub(crate) fn shifted_right(&self, bits: usize) -> Result<Self, Error> {
        let bits = int(bits)?;
        // SAFETY: both numbers are live.
        Self::computed(|out, _| unsafe { sys::BN_rshift(out, self.ptr(), bits) == 1 })
    }

    /// Whether the number is prime; of a composite one this says so but once in 2^128 times, whoever chose it. A
    /// composite number is found out at once, a prime one of 4096 bits takes about a second.
    pub(crate) fn is_prime(&self) -> Result<bool, Error> {
        const TRIAL_DIVISION: c_int = 1;
        let scratch = scratch()?;
        let mut prime = 0;
        // SAFETY: number and scratch are live, `prime` is writable; null asks for no progress.
        let ok = unsafe {
            sys::BN_primality_test(
                &mut prime,
                self.ptr(),
                sys::BN_prime_checks_for_validation,
                scratch.ptr(),
                TRIAL_DIVISION,
                ptr::null_mut(),
            )
        };
        check(ok == 1, BIGNUM)?;
        Ok(prime == 1)
    }

    /// The shortest big-endian form.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // SAFETY: the number is live.
        unsafe { to_bytes(self.ptr()) }
    }

    /// A copy of a number of the library's.
    ///
    /// # Safety
    /// `number` is live.
    pub(super) unsafe fn copied(number: *const sys::BIGNUM) -> Result<Self, Error> {
        // SAFETY: the caller vouches for the number.
        Self::own(unsafe { sys::BN_dup(number) }, BIGNUM)
    }

    /// The prime of the group of so many bits in RFC 3526.
    pub(crate) fn modp(bits: usize) -> Result<Option<Self>, Error> {
        let known = match bits {
            1536 => sys::BN_get_rfc3526_prime_1536,
            2048 => sys::BN_get_rfc3526_prime_2048,
            3072 => sys::BN_get_rfc3526_prime_3072,
            4096 => sys::BN_get_rfc3526_prime_4096,
            6144 => sys::BN_get_rfc3526_prime_6144,
            8192 => sys::BN_get_rfc3526_prime_8192,
            _ => return Ok(None),
        };
        // SAFETY: null asks for a new number.
        Self::own(unsafe { known(ptr::null_mut()) }, BIGNUM).map(Some)
    }

    /// A random number less than `end`.
    pub(crate) fn random_below(end: &Self) -> Result<Self, Error> {
        // SAFETY: both numbers are live.
        Self::computed(|out, _| unsafe { sys::BN_rand_range(out, end.ptr()) == 1 })
    }
}
