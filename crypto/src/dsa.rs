//! DSA (FIPS 186-4, "The Digital Signature Algorithm"). FIPS 186-5 has it for old signatures only.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::ffi::bignum::Number;
use crate::ffi::dsa::{self as ffi, Key};
use crate::{Error, Secret, group};

/// The bits of the prime that a key may have.
pub const BITS: RangeInclusive<usize> = 1024..=3072;
/// The bits that the prime of the subgroup may have.
pub const SUBPRIME_BITS: [usize; 3] = [160, 224, 256];
/// Bits of prime and subprime for which parameters are made (FIPS 186-4, "Selection of Parameter Sizes and Hash
/// Functions for DSA").
pub const SIZES: [(usize, usize); 4] = [(1024, 160), (2048, 224), (2048, 256), (3072, 256)];

/// The longest number that is looked at, in bytes.
const MAX_BYTES: usize = BITS.end().div_ceil(8) + 1;

/// Domain parameters that were checked: p and q are prime, q divides p − 1, and g has the order q.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameters {
    p: Vec<u8>,
    q: Vec<u8>,
    g: Vec<u8>,
}

impl Parameters {
    /// Makes new ones. Those of 3072 bits take seconds.
    ///
    /// # Errors
    /// `InvalidParameter` for another pair of sizes than those of [`SIZES`].
    pub fn generate(bits: usize, subprime_bits: usize) -> Result<Self, Error> {
        if !SIZES.contains(&(bits, subprime_bits)) {
            return Err(Error::InvalidParameter(
                "DSA has 1024 and 160, 2048 and 224 or 256, or 3072 and 256 bits",
            ));
        }
        let [p, q, g] = ffi::parameters(bits, subprime_bits)?.map(|number| number.to_bytes());
        Self::new(&p, &q, &g)
    }

    /// Imports them, big-endian.
    ///
    /// # Errors
    /// `InvalidKey` if their sizes are not among [`BITS`] and [`SUBPRIME_BITS`] or they do not make a group.
    pub fn new(p: &[u8], q: &[u8], g: &[u8]) -> Result<Self, Error> {
        if [p, q, g].iter().any(|number| number.len() > MAX_BYTES) {
            return Err(Error::InvalidKey("a number of the DSA parameters is longer than any prime"));
        }
        let [p, q, g] = [Number::from_bytes(p)?, Number::from_bytes(q)?, Number::from_bytes(g)?];
        if !BITS.contains(&p.bits()) || !p.is_odd() {
            return Err(Error::InvalidKey("a DSA prime is odd and has 1024 to 3072 bits"));
        }
        if !SUBPRIME_BITS.contains(&q.bits()) {
            return Err(Error::InvalidKey("a DSA subprime has 160, 224 or 256 bits"));
        }
        group::checked_once(&[&p, &q, &g], || group::check_subgroup(&p, &q, &g))?;
        Ok(Self { p: p.to_bytes(), q: q.to_bytes(), g: g.to_bytes() })
    }

    /// The prime, big-endian, without leading zeros.
    pub fn prime(&self) -> &[u8] {
        &self.p
    }

    /// The prime order of the subgroup, likewise.
    pub fn subprime(&self) -> &[u8] {
        &self.q
    }

    /// The base, likewise.
    pub fn base(&self) -> &[u8] {
        &self.g
    }

    fn numbers(&self) -> Result<[Number; 3], Error> {
        Ok([Number::from_bytes(&self.p)?, Number::from_bytes(&self.q)?, Number::from_bytes(&self.g)?])
    }
}

/// A private key. Cheap to clone; many threads may use one at once.
#[derive(Clone)]
pub struct PrivateKey {
    public: PublicKey,
    x: Arc<Secret>,
}

/// A public key. Cheap to clone; many threads may use one at once.
#[derive(Clone)]
pub struct PublicKey {
    parameters: Arc<Parameters>,
    y: Arc<Vec<u8>>,
    key: Arc<Key>,
}

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn generate(parameters: Parameters) -> Result<Self, Error> {
        let [_, q, _] = parameters.numbers()?;
        // From 1 to q − 1, all alike (FIPS 186-4, "Key Pair Generation by Testing Candidates").
        let x = loop {
            let x = Number::random_below(&q)?;
            if x.bits() > 0 {
                break x;
            }
        };
        Self::new(parameters, &x)
    }

    /// The key with this private value, big-endian.
    ///
    /// # Errors
    /// `InvalidKey` if it is zero or not less than the subprime.
    pub fn from_value(parameters: Parameters, value: &[u8]) -> Result<Self, Error> {
        let [_, q, _] = parameters.numbers()?;
        if value.len() > MAX_BYTES {
            return Err(RANGE);
        }
        let x = Number::from_bytes(value)?;
        if x.bits() == 0 || x.compare(&q).is_ge() {
            return Err(RANGE);
        }
        Self::new(parameters, &x)
    }

    fn new(parameters: Parameters, x: &Number) -> Result<Self, Error> {
        let [p, _, g] = parameters.numbers()?;
        let y = g.power_mod(x, &p)?.to_bytes();
        let x = Secret::new(x.to_bytes());
        let Parameters { p, q, g } = &parameters;
        let key = Key::new(p, q, g, &y, Some(x.as_bytes()))?;
        let public = PublicKey { parameters: Arc::new(parameters), y: Arc::new(y), key: Arc::new(key) };
        Ok(Self { public, x: Arc::new(x) })
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.public.clone()
    }

    /// The private value, big-endian, without leading zeros.
    pub fn value(&self) -> Secret {
        self.x.duplicate()
    }

    /// The signature of a digest: r and s, big-endian, each as long as the subprime. Of a digest longer than that the
    /// leftmost bits count.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, Error> {
        self.public.key.sign(digest, self.public.half())
    }
}

const RANGE: Error = Error::InvalidKey("the private value is not between 0 and the DSA subprime");

impl PublicKey {
    /// The key with this public value, big-endian.
    ///
    /// # Errors
    /// `InvalidKey` if it is not of the subgroup, or 1.
    pub fn from_value(parameters: Parameters, value: &[u8]) -> Result<Self, Error> {
        const OUTSIDE: Error = Error::InvalidKey("the public value is not in the DSA subgroup");
        let [p, q, _] = parameters.numbers()?;
        if value.len() > MAX_BYTES {
            return Err(OUTSIDE);
        }
        let y = Number::from_bytes(value)?;
        if !group::is_inside(&y, &p)? || !group::has_order(&y, &q, &p)? {
            return Err(OUTSIDE);
        }
        let y = y.to_bytes();
        let key = Key::new(&parameters.p, &parameters.q, &parameters.g, &y, None)?;
        Ok(Self { parameters: Arc::new(parameters), y: Arc::new(y), key: Arc::new(key) })
    }

    /// The domain parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The public value, big-endian, without leading zeros.
    pub fn value(&self) -> &[u8] {
        &self.y
    }

    /// Length in bytes of the subprime, of each half of a signature.
    pub fn half(&self) -> usize {
        self.parameters.q.len()
    }

    /// Verifies what [`PrivateKey::sign`] made.
    ///
    /// # Errors
    /// `InvalidData` if the signature has another length or is wrong.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
        match signature.split_at_checked(self.half()) {
            Some((r, s)) if s.len() == self.half() => self.key.verify(digest, r, s),
            _ => Err(Error::InvalidData("the signature does not have twice the length of the subprime")),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dsa::PrivateKey({} bytes)", self.public.parameters.p.len())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dsa::PublicKey({} bytes)", self.parameters.p.len())
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dsa::Parameters({} bytes)", self.p.len())
    }
}
