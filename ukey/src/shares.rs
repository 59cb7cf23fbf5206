//! Shares of a secret: any M of N of them make it (Shamir's scheme over GF(256)), and fewer tell nothing of it.
//!
//! Each share commits to all shares of its set: it has the SHA-256 of every one of them (each with 32 random bytes
//! that are in the share alone), and a set is known by the digest of these. So one who has the shares of others
//! finds out by itself which of them was altered and which is of another set, before the secret is made, and nobody
//! can make a second share that passes for one of the set.
//!
//! A share is, in bytes, with numbers in little-endian order:
//!
//! | offset | length | is |
//! |---:|---:|---|
//! | 0 | 7 | `UKSHARE` |
//! | 7 | 1 | format version, 1 |
//! | 8 | 1 | M, how many make the secret, 1 to N |
//! | 9 | 1 | N, how many there are |
//! | 10 | 1 | which one this is, 1 to N: its x coordinate |
//! | 11 | 2 | s, the length of the secret, 1 to 1,024 |
//! | 13 | 32 × N | the digests of shares 1 to N |
//! | 13 + 32 N | 32 | the random bytes in this share's digest |
//! | 45 + 32 N | s | its y coordinates, one for each byte of the secret |

use std::convert::Infallible;
use std::fmt;

use crypto::random;
use rand_core::{TryCryptoRng, TryRng};
use vsss_rs::Gf256;
use zeroize::Zeroizing;

use crate::reader::Reader;
use crate::{Error, Id, Secret};

/// The longest secret that is split, in bytes.
pub const MAX_SECRET: usize = 1024;

const WHAT: &str = "a share of a secret";
const MAGIC: &[u8] = b"UKSHARE";
const VERSION: u8 = 1;
/// Length in bytes of the random part of a share's digest.
const BLIND: usize = 32;

/// One share of a secret. It is a secret itself: seal it to the UKey of its holder.
pub struct Share {
    index: u8,
    common: Common,
    blind: Secret,
    value: Secret,
}

/// What all shares of a set have in common.
#[derive(Clone, PartialEq, Eq)]
struct Common {
    threshold: u8,
    secret_len: u16,
    /// The digest of each share: as many as there are shares.
    digests: Vec<Id>,
    set: Id,
}

/// Splits a secret into `count` shares, of which any `threshold` make it.
///
/// # Errors
/// `Threshold` unless it is 1 to `count`; `SecretLength` unless the secret has 1 to [`MAX_SECRET`] bytes.
pub fn split(secret: &Secret, threshold: u8, count: u8) -> Result<Vec<Share>, Error> {
    let refuse = Error::SecretLength { done: "split", len: secret.len(), min: 1, max: MAX_SECRET };
    let secret_len = match u16::try_from(secret.len()) {
        Ok(len) if (1..=MAX_SECRET).contains(&secret.len()) => len,
        _ => return Err(refuse),
    };
    if threshold == 0 || threshold > count {
        return Err(Error::Threshold { threshold, count });
    }
    let (mut digests, mut parts) = (Vec::with_capacity(count.into()), Vec::with_capacity(count.into()));
    for (index, value) in (1..=count).zip(points(secret, threshold, count)?) {
        let blind = Secret::new(random::bytes(BLIND)?);
        digests.push(digest(index, &blind, &value)?);
        parts.push((index, blind, value));
    }
    let common = Common::new(threshold, secret_len, digests)?;
    let share = |(index, blind, value)| Share { index, common: common.clone(), blind, value };
    Ok(parts.into_iter().map(share).collect())
}

/// The secret. More shares than are needed do no harm; each is checked.
///
/// # Errors
/// `ForeignShare` and `RepeatedShare` with the number of the share, `TooFewShares`.
pub fn combine(shares: &[Share]) -> Result<Secret, Error> {
    let Some(first) = shares.first() else { return Err(Error::TooFewShares { have: 0, need: 1 }) };
    for (at, share) in shares.iter().enumerate() {
        if share.common != first.common {
            return Err(Error::ForeignShare { index: share.index, set: share.set(), expected: first.set() });
        }
        if shares.iter().take(at).any(|other| other.index == share.index) {
            return Err(Error::RepeatedShare { index: share.index });
        }
    }
    let need = first.threshold();
    if shares.len() < need.into() {
        return Err(Error::TooFewShares { have: shares.len(), need });
    }
    if need == 1 {
        return Ok(first.value.duplicate());
    }
    let points: Vec<Vec<u8>> = shares
        .iter()
        .take(need.into())
        .map(|share| [&[share.index], share.value.as_bytes()].concat())
        .collect();
    let points = Zeroizing::new(points);
    Gf256::combine_bytes(points.as_slice())
        .map(Secret::new)
        .map_err(|_| crypto::Error::Failed("shares that fit together make no secret").into())
}

impl Share {
    /// Its number, 1 to [`Self::count`].
    #[must_use]
    pub const fn index(&self) -> u8 {
        self.index
    }

    /// How many shares make the secret.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.common.threshold
    }

    /// How many shares there are.
    #[must_use]
    pub fn count(&self) -> u8 {
        u8::try_from(self.common.digests.len()).unwrap_or(u8::MAX)
    }

    /// The set that it is of: the same for all shares of one split, and for no others.
    #[must_use]
    pub const fn set(&self) -> Id {
        self.common.set
    }

    /// As the table above says.
    #[must_use]
    pub fn to_bytes(&self) -> Secret {
        let head = [VERSION, self.common.threshold, self.count(), self.index];
        let digests = self.common.digests.iter().map(|digest| &digest.as_bytes()[..]);
        let mut bytes = Vec::with_capacity(13 + (self.common.digests.len() + 1) * Id::LEN + self.value.len());
        for field in [MAGIC, &head, &self.common.secret_len.to_le_bytes()]
            .into_iter()
            .chain(digests)
            .chain([self.blind.as_bytes(), self.value.as_bytes()])
        {
            bytes.extend_from_slice(field);
        }
        Secret::new(bytes)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// `AlteredShare` if it is not the share that its set commits to; `Foreign`, `Newer`, `Truncated`, `Trailing`,
    /// `Malformed` or `Threshold`, each with what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::begin(WHAT, bytes, MAGIC, VERSION)?;
        let (threshold, count, index) = (reader.byte()?, reader.byte()?, reader.byte()?);
        if threshold == 0 || threshold > count {
            return Err(Error::Threshold { threshold, count });
        }
        if index == 0 || index > count {
            return Err(reader.malformed("its number is not one of the set's"));
        }
        let secret_len = reader.u16()?;
        if !(1..=MAX_SECRET).contains(&usize::from(secret_len)) {
            return Err(reader.malformed("its secret cannot be that long"));
        }
        let digests: Result<Vec<_>, _> = (0..count).map(|_| reader.array().map(Id::from_bytes)).collect();
        let digests = digests?;
        let blind = Secret::new(reader.take(BLIND)?.to_vec());
        let value = Secret::new(reader.take(secret_len.into())?.to_vec());
        reader.end()?;
        if digests.get(usize::from(index) - 1) != Some(&digest(index, &blind, &value)?) {
            return Err(Error::AlteredShare { index });
        }
        Ok(Self { index, common: Common::new(threshold, secret_len, digests)?, blind, value })
    }
}

impl Common {
    fn new(threshold: u8, secret_len: u16, digests: Vec<Id>) -> Result<Self, Error> {
        let all: Vec<u8> = digests.iter().flat_map(|digest| *digest.as_bytes()).collect();
        let set = Id::of("Claviger shares 1", &[&[threshold], &secret_len.to_le_bytes(), &all])?;
        Ok(Self { threshold, secret_len, digests, set })
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({} of {}, set {})", self.index, self.count(), self.set())
    }
}

/// What a set commits to of one share.
fn digest(index: u8, blind: &Secret, value: &Secret) -> Result<Id, Error> {
    Id::of("Claviger share 1", &[&[index], blind.as_bytes(), value.as_bytes()])
}

/// The y coordinates of shares 1 to `count`.
fn points(secret: &Secret, threshold: u8, count: u8) -> Result<Vec<Secret>, Error> {
    if threshold == 1 {
        // A polynomial of degree 0, which the library does not make.
        return Ok((0..count).map(|_| secret.duplicate()).collect());
    }
    let mut source = Source { failed: None };
    let points = Gf256::split_bytes(threshold.into(), count.into(), secret.as_bytes(), &mut source)
        .map(Zeroizing::new)
        .map_err(|_| crypto::Error::Failed("a secret that can be split was not"))?;
    if let Some(error) = source.failed {
        return Err(error.into());
    }
    Ok(points.iter().map(|point| Secret::new(point.get(1..).unwrap_or_default().to_vec())).collect())
}

/// The generator of the HSM, for a library that takes no failure from one: what it drew is thrown away then.
struct Source {
    failed: Option<crypto::Error>,
}

impl TryRng for Source {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        if let Err(error) = random::fill(to) {
            self.failed = Some(error);
        }
        Ok(())
    }
}

impl TryCryptoRng for Source {}
