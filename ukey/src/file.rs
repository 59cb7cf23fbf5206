//! UKey files: both private keys of a UKey, sealed by its PIN.
//!
//! A file is, in bytes, with numbers in little-endian order:
//!
//! | offset | length | is |
//! |---:|---:|---|
//! | 0 | 7 | `UKEYSEC` |
//! | 7 | 1 | format version, 1 |
//! | 8 | 1 | how the PIN becomes a key: 1, Argon2id of version 0x13 (RFC 9106) |
//! | 9 | 4 | its memory in KiB, 8 × lanes to 1,048,576 |
//! | 13 | 4 | its passes over the memory, 1 to 64; passes × memory is at most 8 GiB |
//! | 17 | 1 | its lanes, 1 to 16 |
//! | 18 | 16 | its salt, random |
//! | 34 | 12 | nonce of AES-256-GCM, random |
//! | 46 | 2 | p, the length of the public part |
//! | 48 | p | the public part, as [`Public`] is written |
//! | 48 + p | 64 | ciphertext: the signing key (an Ed25519 seed, or a private value of P-256 or SM2), then the sealing key (X25519, P-256 or SM2), 32 bytes each |
//! | 112 + p | 16 | tag of AES-256-GCM |
//!
//! The key of AES-256-GCM is the 32 bytes that Argon2id makes of PIN and salt. All bytes before the ciphertext are
//! its additional data, so that none can be changed: neither what the PIN costs, nor the name, nor the public keys.
//! A new PIN comes with a new salt and a new nonce.

use argon2::{Algorithm as Kind, Argon2, Block, Params, Version};
use crypto::{aead, aes, random};
use zeroize::{Zeroize, Zeroizing};

pub use crate::holder::FileKey;
use crate::holder::Pair;
use crate::reader::Reader;
use crate::{Algorithm, Error, Public, Secret};

/// The fewest bytes of a PIN.
pub const MIN_PIN: usize = 6;
/// The most bytes of a PIN.
pub const MAX_PIN: usize = 255;
/// The most bytes of a UKey file.
pub const MAX_LEN: usize = 48 + Public::MAX_LEN + Pair::LEN + TAG;

const WHAT: &str = "a UKey file";
const MAGIC: &[u8] = b"UKEYSEC";
const VERSION: u8 = 1;
const ARGON2ID: u8 = 1;
const SALT: usize = 16;
const NONCE: usize = 12;
const TAG: usize = 16;
const KEY: usize = 32;

/// What trying one PIN costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory: u32,
    passes: u32,
    lanes: u8,
}

impl Cost {
    /// 128 MiB and three passes: less than a second for the holder, and for each guess at a lost file.
    pub const DEFAULT: Self = Self { memory: 128 * 1024, passes: 3, lanes: 1 };

    const MAX_MEMORY: u32 = 1 << 20;
    const MAX_PASSES: u32 = 64;
    const MAX_LANES: u8 = 16;
    /// KiB that are written in all passes: what takes some ten seconds.
    const MAX_WORK: u64 = 8 << 20;

    /// Of `memory` KiB, `passes` over it, and `lanes` that could be computed at once.
    ///
    /// # Errors
    /// `Cost` if one of them, or all together, is out of the range that the format allows.
    pub fn new(memory: u32, passes: u32, lanes: u8) -> Result<Self, Error> {
        let refuse = |what: String| Err(Error::Cost(what));
        if !(1..=Self::MAX_LANES).contains(&lanes) {
            return refuse(format!("{lanes} lanes, where 1 to {} are allowed", Self::MAX_LANES));
        }
        let least = 8 * u32::from(lanes);
        if !(least..=Self::MAX_MEMORY).contains(&memory) {
            return refuse(format!(
                "{memory} KiB of memory, where {least} to {} are allowed",
                Self::MAX_MEMORY
            ));
        }
        if !(1..=Self::MAX_PASSES).contains(&passes) {
            return refuse(format!("{passes} passes, where 1 to {} are allowed", Self::MAX_PASSES));
        }
        let work = u64::from(memory) * u64::from(passes);
        if work > Self::MAX_WORK {
            return refuse(format!("{passes} passes over {memory} KiB are more than 8 GiB in all"));
        }
        Ok(Self { memory, passes, lanes })
    }

    /// Memory in KiB.
    #[must_use]
    pub const fn memory(self) -> u32 {
        self.memory
    }

    /// Passes over the memory.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes.
    #[must_use]
    pub const fn lanes(self) -> u8 {
        self.lanes
    }
}

/// Makes a UKey: its file, and its public half.
///
/// # Errors
/// `Name`, `PinLength`; `Crypto` if the cryptographic library fails.
pub fn create(name: &str, algorithm: Algorithm, pin: &[u8], cost: Cost) -> Result<(Vec<u8>, Public), Error> {
    check_pin(pin)?;
    let pair = Pair::generate(algorithm)?;
    let public = pair.public(name)?;
    Ok((seal(&pair, &public, pin, cost)?, public))
}

/// The public half, which needs no PIN. What it says is as sure as where the file comes from: only
/// [`open`] finds out whether it was altered.
///
/// # Errors
/// `Foreign`, `Newer`, `Truncated`, `Trailing`, `Malformed`, `Cost` or `Name`, each with what is wrong.
pub fn read_public(file: &[u8]) -> Result<Public, Error> {
    Parts::read(file).map(|parts| parts.public)
}

/// What a try at the PIN costs.
///
/// # Errors
/// As [`read_public`].
pub fn read_cost(file: &[u8]) -> Result<Cost, Error> {
    Parts::read(file).map(|parts| parts.cost)
}

/// Opens a UKey with its PIN. It takes the time and the memory that the file says.
///
/// # Errors
/// `WrongPin`, which may as well be a file that was altered; else as [`read_public`].
pub fn open(file: &[u8], pin: &[u8]) -> Result<FileKey, Error> {
    let parts = Parts::read(file)?;
    check_pin(pin)?;
    let key = derive(pin, parts.salt, parts.cost)?;
    let pair = aead::gcm_open(&key, parts.nonce, parts.before, TAG, parts.sealed)
        .map_err(|_| Error::WrongPin)
        .map(Secret::new)?;
    let pair = Pair::from_bytes(parts.public.algorithm(), &pair)?;
    // Whoever made the file could have put another's public part into it.
    if pair.public(parts.public.name())? != parts.public {
        return Err(Error::Malformed {
            what: WHAT,
            why: "its private keys are not those of its public part",
        });
    }
    Ok(FileKey { pair, public: parts.public })
}

/// The file with another PIN: the same UKey at the same cost.
///
/// # Errors
/// `PinLength` for the new PIN; else as [`open`].
pub fn change_pin(file: &[u8], old: &[u8], new: &[u8]) -> Result<Vec<u8>, Error> {
    check_pin(new)?;
    let key = open(file, old)?;
    seal(&key.pair, &key.public, new, read_cost(file)?)
}

/// A file taken apart.
struct Parts<'a> {
    cost: Cost,
    salt: &'a [u8],
    nonce: &'a [u8],
    public: Public,
    /// All that stands before the ciphertext.
    before: &'a [u8],
    /// Ciphertext and tag.
    sealed: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(file: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::begin(WHAT, file, MAGIC, VERSION)?;
        if reader.byte()? != ARGON2ID {
            return Err(reader.malformed("its PIN is checked in an unknown way"));
        }
        let (memory, passes, lanes) = (reader.u32()?, reader.u32()?, reader.byte()?);
        let cost = Cost::new(memory, passes, lanes)?;
        let (salt, nonce) = (reader.take(SALT)?, reader.take(NONCE)?);
        let public_len = usize::from(reader.u16()?);
        if public_len > Public::MAX_LEN {
            return Err(reader.malformed("its public part is too long"));
        }
        let public = reader.take(public_len)?;
        let before = reader.so_far();
        let sealed = reader.take(Pair::LEN + TAG)?;
        reader.end()?;
        Ok(Self { cost, salt, nonce, public: Public::from_bytes(public)?, before, sealed })
    }
}

fn seal(pair: &Pair, public: &Public, pin: &[u8], cost: Cost) -> Result<Vec<u8>, Error> {
    let (salt, nonce, public) = (random::bytes(SALT)?, random::bytes(NONCE)?, public.to_bytes());
    let public_len = u16::try_from(public.len()).map_err(|_| crypto::Error::TooLong)?;
    let mut file = Vec::with_capacity(MAX_LEN);
    for field in [
        MAGIC,
        &[VERSION, ARGON2ID],
        &cost.memory.to_le_bytes(),
        &cost.passes.to_le_bytes(),
        &[cost.lanes],
        &salt,
        &nonce,
        &public_len.to_le_bytes(),
        &public,
    ] {
        file.extend_from_slice(field);
    }
    let key = derive(pin, &salt, cost)?;
    let sealed = aead::gcm_seal(&key, &nonce, &file, TAG, pair.to_bytes()?.as_bytes())?;
    file.extend(sealed);
    Ok(file)
}

fn check_pin(pin: &[u8]) -> Result<(), Error> {
    match pin.len() {
        MIN_PIN..=MAX_PIN => Ok(()),
        len => Err(Error::PinLength { len, min: MIN_PIN, max: MAX_PIN }),
    }
}

fn derive(pin: &[u8], salt: &[u8], cost: Cost) -> Result<aes::Key, Error> {
    let refuse = |error: argon2::Error| Error::Cost(error.to_string());
    let params = Params::new(cost.memory, cost.passes, cost.lanes.into(), Some(KEY)).map_err(refuse)?;
    let mut blocks = Vec::new();
    blocks
        .try_reserve_exact(params.block_count())
        .map_err(|_| Error::Cost(format!("there are no {} KiB of memory for it", cost.memory)))?;
    blocks.resize(params.block_count(), Block::default());
    let mut key = Zeroizing::new([0; KEY]);
    let derived = Argon2::new(Kind::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        pin,
        salt,
        key.as_mut(),
        &mut blocks,
    );
    // The memory holds what the PIN can be told from, at no cost; the library does not wipe it.
    blocks.iter_mut().for_each(Zeroize::zeroize);
    derived.map_err(refuse)?;
    Ok(aes::Key::new(key.as_ref())?)
}
