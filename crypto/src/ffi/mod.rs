//! The one place that calls AWS-LC. Each pointer has an owner that frees it; each length is the length of a slice;
//! what leaves this folder is safe.
//!
//! A failure empties the thread's error queue through [`check`], so that it never grows and never tells one
//! caller about another.

use std::os::raw::c_int;

use aws_lc_sys as sys;

use crate::Error;

pub(crate) mod bignum;
pub(crate) mod cipher;
pub(crate) mod curve25519;
pub(crate) mod dh;
pub(crate) mod digest;
pub(crate) mod dsa;
pub(crate) mod ec;
pub(crate) mod mldsa;
pub(crate) mod rsa;
mod wiping;

pub use wiping::Wiping;

/// Declares the owner of a pointer that AWS-LC allocated: never null, freed once, on drop.
macro_rules! owner {
    ($(#[$doc:meta])* $name:ident, $raw:ty, $free:path) => {
        $(#[$doc])*
        pub(crate) struct $name(std::ptr::NonNull<$raw>);

        impl $name {
            /// Takes over `raw`, which AWS-LC has just made for us alone, or which is null because it could not.
            #[allow(dead_code)]
            fn own(raw: *mut $raw, error: $crate::Error) -> Result<Self, $crate::Error> {
                match std::ptr::NonNull::new(raw) {
                    Some(raw) => Ok(Self(raw)),
                    None => $crate::ffi::check(false, error).and(Err(error)),
                }
            }

            #[allow(dead_code)]
            const fn ptr(&self) -> *mut $raw {
                self.0.as_ptr()
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: the pointer came from AWS-LC, is ours alone, and is not used after this.
                unsafe { $free(self.0.as_ptr()) };
            }
        }

        // SAFETY: what AWS-LC allocates is bound to no thread.
        unsafe impl Send for $name {}
    };
}
pub(crate) use owner;

/// `error` unless `ok`, with the thread's error queue emptied.
pub(crate) fn check(ok: bool, error: Error) -> Result<(), Error> {
    if ok {
        return Ok(());
    }
    // SAFETY: takes no arguments and touches the thread's own queue only.
    unsafe { sys::ERR_clear_error() };
    Err(error)
}

/// A length as C's `int`.
pub(crate) fn int(len: usize) -> Result<c_int, Error> {
    c_int::try_from(len).map_err(|_| Error::TooLong)
}

/// Appends to `out` what `write` puts into up to `room` bytes; `write` answers how many it wrote. A failure
/// leaves `out` as it was.
///
/// # Safety
/// `write` writes to at most `room` bytes at its pointer, and answers at most as many as it wrote.
unsafe fn append(
    out: &mut Vec<u8>,
    room: usize,
    write: impl FnOnce(*mut u8) -> Result<usize, Error>,
) -> Result<(), Error> {
    make_room(out, room)?;
    let start = out.len();
    let written = write(out.spare_capacity_mut().as_mut_ptr().cast())?;
    debug_assert!(written <= room);
    // SAFETY: `room` bytes were reserved, and the caller vouches that the first `written` of them are written.
    unsafe { out.set_len(start + written) };
    Ok(())
}

/// Room for so many bytes more. What grows is a plaintext or a key as often as not, so that the memory it leaves is
/// wiped.
pub(crate) fn make_room(out: &mut Vec<u8>, room: usize) -> Result<(), Error> {
    if out.capacity() - out.len() >= room {
        return Ok(());
    }
    let needed = out.len().saturating_add(room);
    let mut larger = Vec::new();
    larger
        .try_reserve_exact(needed.max(out.len().saturating_mul(2)))
        .map_err(|_| Error::Failed("out of memory"))?;
    larger.extend_from_slice(out);
    crate::secret::wipe(&mut std::mem::replace(out, larger));
    Ok(())
}

/// Whether two strings are equal, in time that depends on their lengths alone.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    // SAFETY: both pointers are readable for the length they share.
    left.len() == right.len()
        && unsafe { sys::CRYPTO_memcmp(left.as_ptr().cast(), right.as_ptr().cast(), left.len()) } == 0
}

/// Fills `out` with random bytes.
pub(crate) fn random(out: &mut [u8]) -> Result<(), Error> {
    // SAFETY: `out` is writable for its length.
    let ok = unsafe { sys::RAND_bytes(out.as_mut_ptr(), out.len()) };
    check(ok == 1, Error::Failed("the random generator"))
}

/// Mixes `seed` into the random generator.
pub(crate) fn seed(seed: &[u8]) {
    for part in seed.chunks(1 << 20) {
        let len = c_int::try_from(part.len()).unwrap_or_default();
        // SAFETY: `part` is readable for `len` bytes.
        unsafe { sys::RAND_seed(part.as_ptr().cast(), len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_leaves_nothing_in_the_error_queue() {
        let point = ec::Key::from_point(crate::ec::Curve::P256, &[4; 65]);
        assert!(point.is_err());
        // SAFETY: takes no arguments.
        assert_eq!(unsafe { sys::ERR_peek_last_error() }, 0);
    }

    #[test]
    fn bytes_that_differ_anywhere_or_in_length_are_not_equal() {
        assert!(equal(b"", b""));
        assert!(equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"abd"));
        assert!(!equal(b"abc", b"ab"));
    }
}
