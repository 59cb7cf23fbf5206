//! Groups of numbers modulo a prime that somebody else has chosen: what is looked at before one of them is used.
//!
//! To find a prime prime takes up to a second, so that what was found right is kept in mind, by its digest.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::ffi::bignum::Number;
use crate::{Error, Hash, hash};

/// How many groups are kept in mind. Beyond that all are forgotten: it costs a second check, and no memory.
const KEPT: usize = 1024;

/// Digests of the groups that were found right.
static RIGHT: Mutex<BTreeSet<Vec<u8>>> = Mutex::new(BTreeSet::new());

/// Checks the numbers of a group, unless they were found right before.
pub(crate) fn checked_once(
    numbers: &[&Number],
    check: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    let mut text = Vec::new();
    for number in numbers {
        let bytes = number.to_bytes();
        text.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        text.extend_from_slice(&bytes);
    }
    let digest = hash::digest(Hash::Sha256, &text)?;
    if RIGHT.lock().unwrap_or_else(PoisonError::into_inner).contains(&digest) {
        return Ok(());
    }
    check()?;
    let mut right = RIGHT.lock().unwrap_or_else(PoisonError::into_inner);
    if right.len() >= KEPT {
        right.clear();
    }
    right.insert(digest);
    Ok(())
}

/// Whether a number is more than 1 and less than `p` − 1: neither end gives anything but itself.
pub(crate) fn is_inside(number: &Number, p: &Number) -> Result<bool, Error> {
    Ok(number.bits() >= 2 && number.compare(&p.minus(1)?) == Ordering::Less)
}

/// Whether a number, which is inside, generates a part of the group of order `q`, or of a divisor of it.
pub(crate) fn has_order(number: &Number, q: &Number, p: &Number) -> Result<bool, Error> {
    Ok(number.power_mod(q, p)?.is_one())
}

/// Checks that `p` and `q` are prime, and `g` of order `q` modulo `p`. `p` is odd.
pub(crate) fn check_subgroup(p: &Number, q: &Number, g: &Number) -> Result<(), Error> {
    if !q.is_odd() || q.bits() < 2 || !p.minus(1)?.remainder(q)?.is_zero() {
        return Err(Error::InvalidKey("the order of the subgroup does not divide that of the group"));
    }
    if !is_inside(g, p)? || !has_order(g, q, p)? {
        return Err(Error::InvalidKey("the base does not have the order of the subgroup"));
    }
    if !q.is_prime()? {
        return Err(Error::InvalidKey("the order of the subgroup is not prime"));
    }
    if !p.is_prime()? {
        return Err(Error::InvalidKey("the modulus is not prime"));
    }
    Ok(())
}
