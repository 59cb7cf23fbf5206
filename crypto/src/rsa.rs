//! RSA keys: generation, import with all its checks, export; the operations are in the files beneath.
//!
//! Every private operation is blinded, and its result checked with the public exponent before it leaves.

use std::cmp::Ordering;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::ffi::bignum::Number;
use crate::ffi::rsa::{Key, Padding, Part, Parts};
use crate::{Error, Secret};

mod encrypt;
mod sign;

/// Lengths of modulus that are accepted, in bits.
pub const BITS: RangeInclusive<usize> = 1024..=8192;

/// Bytes of the longest modulus, and of some leading zeros.
const MAX_BYTES: usize = BITS.end().div_ceil(8) + 8;

/// A private key. Cheap to clone; many threads may use one at once.
#[derive(Clone)]
pub struct PrivateKey(Arc<Key>);

/// A public key. Cheap to clone; many threads may use one at once.
#[derive(Clone)]
pub struct PublicKey(Arc<Key>);

/// What a private key is imported from: big-endian numbers. What is `None` is computed.
#[derive(Clone, Copy, Default)]
pub struct Import<'a> {
    /// The modulus.
    pub n: &'a [u8],
    /// The public exponent.
    pub e: &'a [u8],
    /// The private exponent.
    pub d: &'a [u8],
    /// The first prime. Without both primes, they are found from the exponents.
    pub p: Option<&'a [u8]>,
    /// The second prime.
    pub q: Option<&'a [u8]>,
    /// `d mod (p − 1)`.
    pub dp: Option<&'a [u8]>,
    /// `d mod (q − 1)`.
    pub dq: Option<&'a [u8]>,
    /// `q⁻¹ mod p`.
    pub qinv: Option<&'a [u8]>,
}

/// The numbers of a private key, big-endian, without leading zeros. Fields as in [`Import`].
#[derive(Debug)]
#[allow(missing_docs)]
pub struct PrivateParts {
    pub n: Vec<u8>,
    pub e: Vec<u8>,
    pub d: Secret,
    pub p: Secret,
    pub q: Secret,
    pub dp: Secret,
    pub dq: Secret,
    pub qinv: Secret,
}

impl PrivateKey {
    /// Makes a new key. `public_exponent` is big-endian: odd, at least 3 and at most 32 bits.
    ///
    /// # Errors
    /// `InvalidParameter` for another exponent, or for a length outside [`BITS`] or no multiple of 128 (the
    /// library makes no others).
    pub fn generate(bits: usize, public_exponent: &[u8]) -> Result<Self, Error> {
        if !BITS.contains(&bits) || !bits.is_multiple_of(128) {
            return Err(Error::InvalidParameter("an RSA modulus has 1024 to 8192 bits, in steps of 128"));
        }
        let e = Number::from_bytes(public_exponent)?;
        if !e.is_odd() || !(2..=32).contains(&e.bits()) {
            return Err(Error::InvalidParameter("an RSA public exponent is odd, from 3 to 32 bits"));
        }
        Key::generate(bits, &e).map(|key| Self(Arc::new(key)))
    }

    /// Imports a key, and checks that its numbers fit together and that it works.
    ///
    /// # Errors
    /// `InvalidKey` for an even modulus or one outside [`BITS`], an exponent that is even, one, or longer than 33
    /// bits, or numbers that contradict each other.
    pub fn from_parts(import: &Import<'_>) -> Result<Self, Error> {
        // Before anything is reckoned with them: a power modulo a megabyte takes hours.
        let rest = [import.p, import.q, import.dp, import.dq, import.qinv];
        if [import.d].into_iter().chain(rest.into_iter().flatten()).any(|part| part.len() > MAX_BYTES) {
            return Err(Error::InvalidKey("a part of the RSA key is longer than any modulus"));
        }
        let (n, e) = checked(import.n, import.e)?;
        let d = Number::from_bytes(import.d)?;
        if d.bits() < 2 || d.compare(&n) != Ordering::Less {
            return Err(Error::InvalidKey("the RSA private exponent is out of range"));
        }
        let complete = complete(import, n, e, d);
        // What fails on numbers that make no sense is the fault of the numbers.
        let parts =
            complete.map_err(|_| Error::InvalidKey("the parts of the RSA key do not fit together"))?;
        let key = Key::private(&parts)?;
        // The checks on the numbers do not see a prime that is none; the library checks the result of this.
        let mut probe = vec![0x55; key.len()];
        if let Some(first) = probe.first_mut() {
            *first = 0;
        }
        key.private_operation(Padding::None, &probe)
            .map_err(|_| Error::InvalidKey("the RSA key does not work"))?;
        Ok(Self(Arc::new(key)))
    }

    /// The numbers of the key.
    pub fn to_parts(&self) -> PrivateParts {
        let secret = |part| Secret::new(self.0.part(part));
        PrivateParts {
            n: self.0.part(Part::N),
            e: self.0.part(Part::E),
            d: secret(Part::D),
            p: secret(Part::P),
            q: secret(Part::Q),
            dp: secret(Part::Dp),
            dq: secret(Part::Dq),
            qinv: secret(Part::Qinv),
        }
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(Arc::clone(&self.0))
    }

    /// Length of the modulus in bytes: of signatures and ciphertexts.
    pub fn modulus_len(&self) -> usize {
        self.0.len()
    }

    /// The bare private operation (X.509). Data shorter than the modulus is padded with zeros on the left.
    ///
    /// # Errors
    /// `InvalidData` unless the number is greater than 1 and less than the modulus minus 1.
    pub fn raw(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.private_operation(Padding::None, left_padded(data, self.0.len())?.as_bytes())
    }
}

impl PublicKey {
    /// Imports a key: big-endian modulus and public exponent.
    ///
    /// # Errors
    /// `InvalidKey` for an even modulus or one outside [`BITS`], or an exponent that is even, one, or longer than
    /// 33 bits.
    pub fn from_parts(n: &[u8], e: &[u8]) -> Result<Self, Error> {
        let (n, e) = checked(n, e)?;
        Key::public(&n, &e).map(|key| Self(Arc::new(key)))
    }

    /// The modulus, big-endian, without leading zeros.
    pub fn modulus(&self) -> Vec<u8> {
        self.0.part(Part::N)
    }

    /// The public exponent, big-endian, without leading zeros.
    pub fn public_exponent(&self) -> Vec<u8> {
        self.0.part(Part::E)
    }

    /// Length of the modulus in bytes: of signatures and ciphertexts.
    pub fn modulus_len(&self) -> usize {
        self.0.len()
    }

    /// The bare public operation (X.509). Data shorter than the modulus is padded with zeros on the left.
    ///
    /// # Errors
    /// `InvalidData` unless the number is less than the modulus.
    pub fn raw(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.encrypt(Padding::None, left_padded(data, self.0.len())?.as_bytes())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rsa::PrivateKey({} bytes)", self.modulus_len())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rsa::PublicKey({} bytes)", self.modulus_len())
    }
}

/// Modulus and public exponent, if they can be a key's.
fn checked(n: &[u8], e: &[u8]) -> Result<(Number, Number), Error> {
    if n.len() > MAX_BYTES || e.len() > MAX_BYTES {
        return Err(Error::InvalidKey("a part of the RSA key is longer than any modulus"));
    }
    let (n, e) = (Number::from_bytes(n)?, Number::from_bytes(e)?);
    if !BITS.contains(&n.bits()) {
        return Err(Error::InvalidKey("an RSA modulus has 1024 to 8192 bits"));
    }
    if !n.is_odd() {
        return Err(Error::InvalidKey("the RSA modulus is even"));
    }
    if !e.is_odd() || !(2..=33).contains(&e.bits()) {
        return Err(Error::InvalidKey("an RSA public exponent is odd, from 3 to 33 bits"));
    }
    Ok((n, e))
}

/// All numbers of a key, the missing ones computed. Whether the given ones are right is checked afterwards.
fn complete(import: &Import<'_>, n: Number, e: Number, d: Number) -> Result<Parts, Error> {
    let (p, q, found) = match (import.p, import.q) {
        (Some(p), Some(q)) => (Number::from_bytes(p)?, Number::from_bytes(q)?, false),
        _ => {
            let (p, q) = primes(&n, &e, &d)?;
            (p, q, true)
        }
    };
    if p.bits() < 2 || q.bits() < 2 || p.times(&q)?.compare(&n) != Ordering::Equal {
        return Err(Error::InvalidKey("the RSA primes do not make the modulus"));
    }
    // Given without the primes, these may be meant for the primes the other way round: they are computed anew.
    let given = |part: Option<&[u8]>| match part {
        Some(bytes) if !found => Number::from_bytes(bytes).map(Some),
        _ => Ok(None),
    };
    let dp = match given(import.dp)? {
        Some(dp) => dp,
        None => d.remainder(&p.minus(1)?)?,
    };
    let dq = match given(import.dq)? {
        Some(dq) => dq,
        None => d.remainder(&q.minus(1)?)?,
    };
    let qinv = match given(import.qinv)? {
        Some(qinv) => qinv,
        // Fermat: q to the power of p − 2 is its inverse modulo the prime p, and the power is taken in constant
        // time.
        None => q.remainder(&p)?.power_mod(&p.minus(2)?, &p)?,
    };
    Ok(Parts { n, e, d, p, q, dp, dq, qinv })
}

/// The primes from the exponents (NIST SP 800-56B, "Prime Factor Recovery"), the greater one first.
fn primes(n: &Number, e: &Number, d: &Number) -> Result<(Number, Number), Error> {
    const TRIES: usize = 100;
    let multiple = d.times(e)?.minus(1)?; // of the order of the group: even
    let twos = multiple.twos();
    let odd = multiple.shifted_right(twos)?;
    let last = n.minus(1)?;
    for _ in 0..TRIES {
        let mut root = Number::random_below(n)?.power_mod(&odd, n)?;
        let mut ends = false;
        for _ in 0..twos {
            if root.bits() < 2 || root.compare(&last) == Ordering::Equal {
                ends = true;
                break;
            }
            let square = root.squared_mod(n)?;
            if square.is_one() {
                // A root of one that is neither 1 nor −1.
                let p = root.minus(1)?.common_divisor(n)?;
                let q = n.divided_by(&p)?;
                return Ok(if p.compare(&q) == Ordering::Less { (q, p) } else { (p, q) });
            }
            root = square;
        }
        if !ends {
            break; // of right exponents every number, to this power, is one
        }
    }
    Err(Error::InvalidKey("the RSA exponents do not give the primes"))
}

/// `data` as long as the modulus.
fn left_padded(data: &[u8], len: usize) -> Result<Secret, Error> {
    let zeros = len.checked_sub(data.len()).ok_or(Error::InvalidData("longer than the RSA modulus"))?;
    let mut padded = Vec::with_capacity(len);
    padded.resize(zeros, 0);
    padded.extend_from_slice(data);
    Ok(Secret::new(padded))
}
