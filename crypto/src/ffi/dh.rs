//! Diffie–Hellman keys, and the groups that the library knows.

use std::ptr;

use aws_lc_sys as sys;

use super::bignum::{Number, to_bytes};
use super::{check, owner};
use crate::{Error, Secret};

const DH: Error = Error::Failed("Diffie-Hellman");
const PEER: Error = Error::InvalidKey("the public value does not belong to the group");

owner!(
    /// A key, private or public, or a group alone.
    Key, sys::DH, sys::DH_free
);

// SAFETY: an agreement prepares the modulus once, under a lock of the key's; nothing else here changes a key once it
// is made.
unsafe impl Sync for Key {}

/// A group that is published: prime and base, big-endian, and the order of the base where the prime is not safe.
pub(crate) struct Known {
    pub(crate) p: Vec<u8>,
    pub(crate) g: Vec<u8>,
    pub(crate) q: Option<Vec<u8>>,
}

/// The groups of RFC 7919 and RFC 5114 that the library has.
pub(crate) fn known() -> Result<Vec<Known>, Error> {
    type Named = unsafe extern "C" fn() -> *mut sys::DH;
    let groups: [(Named, bool); 3] =
        [(sys::DH_get_rfc7919_2048, false), (sys::DH_get_rfc7919_4096, false), (sys::DH_get_2048_256, true)];
    let known = |(named, has_subgroup): (Named, bool)| {
        // SAFETY: takes no arguments.
        let group = Key::own(unsafe { named() }, DH)?;
        let (mut p, mut q, mut g) = (ptr::null(), ptr::null(), ptr::null());
        // SAFETY: the group is live, has all three numbers, and they live as long.
        unsafe {
            sys::DH_get0_pqg(group.ptr(), &mut p, &mut q, &mut g);
            Ok(Known { p: to_bytes(p), g: to_bytes(g), q: has_subgroup.then(|| to_bytes(q)) })
        }
    };
    groups.into_iter().map(known).collect()
}

impl Key {
    fn of_group(p: &[u8], g: &[u8], q: Option<&[u8]>) -> Result<Self, Error> {
        // SAFETY: takes no arguments.
        let new = Self::own(unsafe { sys::DH_new() }, DH)?;
        let (p, g) = (Number::from_bytes(p)?, Number::from_bytes(g)?);
        let q = q.map(Number::from_bytes).transpose()?.map_or(ptr::null_mut(), Number::into_raw);
        // SAFETY: the key is live and takes the numbers over; with p and g not null it cannot refuse.
        check(unsafe { sys::DH_set0_pqg(new.ptr(), p.into_raw(), q, g.into_raw()) } == 1, DH)?;
        Ok(new)
    }

    /// A new key: a private value of so many bits, or, where `q` is given, any below it.
    pub(crate) fn generate(p: &[u8], g: &[u8], q: Option<&[u8]>, bits: u32) -> Result<Self, Error> {
        let new = Self::of_group(p, g, q)?;
        // SAFETY: the key is live and has a group.
        let ok = unsafe { sys::DH_set_length(new.ptr(), bits) == 1 && sys::DH_generate_key(new.ptr()) == 1 };
        check(ok, DH)?;
        Ok(new)
    }

    /// The key with this private value, which the caller has checked, and its public value.
    pub(crate) fn from_private(p: &[u8], g: &[u8], q: Option<&[u8]>, x: &[u8]) -> Result<Self, Error> {
        let new = Self::of_group(p, g, q)?;
        let x = Number::from_bytes(x)?;
        // SAFETY: the key is live and takes the number over; given a private value, the library computes the public one.
        let ok = unsafe {
            sys::DH_set0_key(new.ptr(), ptr::null_mut(), x.into_raw()) == 1
                && sys::DH_generate_key(new.ptr()) == 1
        };
        check(ok, DH)?;
        Ok(new)
    }

    /// The private value.
    pub(crate) fn private(&self) -> Result<Number, Error> {
        // SAFETY: the key is live, and its number lives as long.
        let x = unsafe { sys::DH_get0_priv_key(self.ptr()) };
        check(!x.is_null(), DH)?;
        // SAFETY: not null.
        unsafe { Number::copied(x) }
    }

    /// The public value.
    pub(crate) fn public(&self) -> Result<Number, Error> {
        // SAFETY: the key is live, and its number lives as long.
        let y = unsafe { sys::DH_get0_pub_key(self.ptr()) };
        check(!y.is_null(), DH)?;
        // SAFETY: not null.
        unsafe { Number::copied(y) }
    }

    /// The shared number, as long as the prime, of `len` bytes. The library looks at the peer's value and at what comes
    /// of it (SP 800-56A).
    pub(crate) fn agree(&self, peer: &[u8], len: usize) -> Result<Secret, Error> {
        let peer = Number::from_bytes(peer)?;
        // SAFETY: the key is live.
        check(usize::try_from(unsafe { sys::DH_size(self.ptr()) }) == Ok(len), DH)?;
        let mut out = zeroize::Zeroizing::new(vec![0; len]);
        // SAFETY: key and number are live, `out` writable for the size of the key.
        let done = unsafe { sys::DH_compute_key_padded(out.as_mut_ptr(), peer.raw(), self.ptr()) };
        check(usize::try_from(done) == Ok(len), PEER)?;
        Ok(Secret::new(std::mem::take(&mut *out)))
    }
}
