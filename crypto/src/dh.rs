//! Diffie–Hellman modulo a prime (PKCS#3, ANSI X9.42, SP 800-56A).
//!
//! A key agrees with whatever public value it is given, by whoever may use it. In a group whose order has small
//! divisors, values of small order then give the private value away bit by bit. So a group is either one that is
//! published, or its prime is checked to be safe: twice a prime and one.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use crate::ffi::bignum::Number;
use crate::ffi::dh::{self as ffi, Key, Known};
use crate::{Error, Secret, group};

/// The bits of the prime that a group may have.
pub const BITS: RangeInclusive<usize> = 1024..=8192;
/// The most bits of a prime that is not published: to find it prime takes a second.
pub const OWN_BITS: usize = 4096;
/// The bits of the primes for which there is a group to be had.
pub const NAMED_BITS: [usize; 5] = [2048, 3072, 4096, 6144, 8192];
/// The fewest bits of a private value: twice the strength of the weakest group that is made.
pub const MIN_VALUE_BITS: usize = 224;

/// The longest number that is looked at, in bytes.
const MAX_BYTES: usize = BITS.end().div_ceil(8) + 1;

/// A group that was checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Group {
    p: Vec<u8>,
    g: Vec<u8>,
    /// The prime order of the base, where the prime is not safe.
    q: Option<Vec<u8>>,
}

/// The groups of RFC 7919 and RFC 5114 that the library has; none, and the checks are slower.
static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| ffi::known().unwrap_or_default());

impl Group {
    /// The published group of so many bits: that of RFC 3526, as SP 800-56A asks for. A prime of one's own is no
    /// stronger, takes minutes to make, and the other side cannot know that it is one.
    ///
    /// # Errors
    /// `InvalidParameter` for sizes not among [`NAMED_BITS`].
    pub fn named(bits: usize) -> Result<Self, Error> {
        match Number::modp(bits)? {
            Some(p) if NAMED_BITS.contains(&bits) => Ok(Self { p: p.to_bytes(), g: vec![2], q: None }),
            _ => Err(Error::InvalidParameter("groups have 2048, 3072, 4096, 6144 or 8192 bits")),
        }
    }

    /// Imports prime and base, big-endian.
    ///
    /// # Errors
    /// `InvalidKey` if the prime has a size not in [`BITS`], or more than [`OWN_BITS`] and is not published; if it is
    /// not a safe prime; or for a base that generates nothing.
    pub fn new(p: &[u8], g: &[u8]) -> Result<Self, Error> {
        let (p, g) = sized(p, g)?;
        let mut group = Self { p: p.to_bytes(), g: g.to_bytes(), q: None };
        if let Some(known) = KNOWN.iter().find(|known| known.p == group.p) {
            if known.q.is_some() && known.g != group.g {
                return Err(Error::InvalidKey("the base is not that of the published group"));
            }
            group.q.clone_from(&known.q);
            return Ok(group);
        }
        let is_modp = Number::modp(p.bits())?.is_some_and(|modp| modp.compare(&p).is_eq());
        if !is_modp {
            if p.bits() > OWN_BITS {
                return Err(Error::InvalidKey("a prime of more than 4096 bits must be one of RFC 3526"));
            }
            group::checked_once(&[&p], || check_safe(&p))?;
        }
        Ok(group)
    }

    /// The prime, big-endian, without leading zeros.
    pub fn prime(&self) -> &[u8] {
        &self.p
    }

    /// The base, likewise.
    pub fn base(&self) -> &[u8] {
        &self.g
    }

    /// Length of the prime in bits.
    pub fn bits(&self) -> usize {
        let first = self.p.first().map_or(0, |byte| byte.leading_zeros() as usize);
        self.p.len() * 8 - first
    }

    /// The most bits that a private value can be asked to have.
    pub fn max_value_bits(&self) -> usize {
        self.q.as_ref().map_or(self.bits(), |q| q.len() * 8) - 1
    }

    /// The bits of a private value that nobody asks to have others: twice the strength of the group (SP 800-57 part
    /// 1, "Comparable algorithm strengths") and some more.
    fn value_bits(&self) -> usize {
        match self.bits() {
            ..=2048 => 256,
            2049..=3072 => 320,
            3073..=4096 => 384,
            _ => 512,
        }
    }

    /// A public value, if it is one of the group's and not degenerate.
    fn checked(&self, value: &[u8]) -> Result<Number, Error> {
        const OUTSIDE: Error = Error::InvalidKey("the public value is not one of the group's");
        if value.len() > MAX_BYTES {
            return Err(OUTSIDE);
        }
        let (p, y) = (Number::from_bytes(&self.p)?, Number::from_bytes(value)?);
        if !group::is_inside(&y, &p)? {
            return Err(OUTSIDE);
        }
        match self.q.as_deref().map(Number::from_bytes).transpose()? {
            Some(q) if !group::has_order(&y, &q, &p)? => Err(OUTSIDE),
            _ => Ok(y),
        }
    }
}

/// Prime and base of sizes that are looked at.
fn sized(p: &[u8], g: &[u8]) -> Result<(Number, Number), Error> {
    if p.len() > MAX_BYTES || g.len() > MAX_BYTES {
        return Err(Error::InvalidKey("a number of the group is longer than any prime"));
    }
    let (p, g) = (Number::from_bytes(p)?, Number::from_bytes(g)?);
    if !BITS.contains(&p.bits()) || !p.is_odd() {
        return Err(Error::InvalidKey("the prime is odd and has 1024 to 8192 bits"));
    }
    if !group::is_inside(&g, &p)? {
        return Err(Error::InvalidKey("the base is not more than 1 and less than the prime less 1"));
    }
    Ok((p, g))
}

fn check_safe(p: &Number) -> Result<(), Error> {
    let half = p.shifted_right(1)?;
    if half.is_odd() && half.is_prime()? && p.is_prime()? {
        return Ok(());
    }
    Err(Error::InvalidKey("the prime is not safe: twice a prime and one"))
}

/// A private key. Cheap to clone; many threads may use one at once.
#[derive(Clone)]
pub struct PrivateKey {
    public: PublicKey,
    key: Arc<Key>,
}

/// A public key. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    group: Arc<Group>,
    y: Arc<Vec<u8>>,
}

impl PrivateKey {
    /// Makes a new key, with a private value of at most so many bits where that is said.
    ///
    /// # Errors
    /// `InvalidParameter` for bits that are fewer than [`MIN_VALUE_BITS`] or more than [`Group::max_value_bits`].
    pub fn generate(group: Group, value_bits: Option<usize>) -> Result<Self, Error> {
        let bits = value_bits.unwrap_or_else(|| group.value_bits().min(group.max_value_bits()));
        if !(MIN_VALUE_BITS..=group.max_value_bits()).contains(&bits) {
            return Err(Error::InvalidParameter(
                "a private value has at least 224 bits, and fewer than its group",
            ));
        }
        // Of a subgroup the whole is drawn from, unless fewer bits are asked for.
        let q = group.q.as_deref().filter(|_| value_bits.is_none());
        let bits = u32::try_from(bits).map_err(|_| Error::TooLong)?;
        Self::new(Key::generate(&group.p, &group.g, q, bits)?, group)
    }

    /// The key with this private value, big-endian.
    ///
    /// # Errors
    /// `InvalidKey` if it is zero, not less than the order of the group, or one whose public value is degenerate.
    pub fn from_value(group: Group, value: &[u8]) -> Result<Self, Error> {
        const RANGE: Error =
            Error::InvalidKey("the private value is not between 0 and the order of the group");
        if value.len() > MAX_BYTES {
            return Err(RANGE);
        }
        let (p, x) = (Number::from_bytes(&group.p)?, Number::from_bytes(value)?);
        let order = match &group.q {
            Some(q) => Number::from_bytes(q)?,
            None => p.minus(1)?,
        };
        if x.bits() == 0 || x.compare(&order).is_ge() {
            return Err(RANGE);
        }
        Self::new(Key::from_private(&group.p, &group.g, group.q.as_deref(), value)?, group)
    }

    fn new(key: Key, group: Group) -> Result<Self, Error> {
        let public = PublicKey::from_value(group, &key.public()?.to_bytes())?;
        Ok(Self { public, key: Arc::new(key) })
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public.clone()
    }

    /// The private value, big-endian, without leading zeros.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn value(&self) -> Result<Secret, Error> {
        Ok(Secret::new(self.key.private()?.to_bytes()))
    }

    /// The shared secret with the owner of this public value, as long as the prime.
    ///
    /// # Errors
    /// `InvalidKey` if the value is not one of the group's, or degenerate.
    pub fn agree(&self, peer: &[u8]) -> Result<Secret, Error> {
        let group = &self.public.group;
        let peer = group.checked(peer)?.to_bytes();
        self.key.agree(&peer, group.p.len())
    }
}

impl PublicKey {
    /// The key with this public value, big-endian.
    ///
    /// # Errors
    /// `InvalidKey` if it is not one of the group's, or degenerate.
    pub fn from_value(group: Group, value: &[u8]) -> Result<Self, Error> {
        let y = group.checked(value)?.to_bytes();
        Ok(Self { group: Arc::new(group), y: Arc::new(y) })
    }

    /// The group.
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// The public value, big-endian, without leading zeros.
    pub fn value(&self) -> &[u8] {
        &self.y
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dh::PrivateKey({} bits)", self.public.group.bits())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dh::PublicKey({} bits)", self.group.bits())
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dh::Group({} bits)", self.bits())
    }
}
