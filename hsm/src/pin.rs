//! PINs: what is kept of one, and how it is checked.

mod memory;

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::settings::Settings;

const SALT: usize = 16;
const HASH: usize = 32;

/// What is kept of a PIN: enough to check it, at a cost (Argon2id, RFC 9106).
#[derive(Clone, Serialize, Deserialize)]
pub struct Verifier {
    salt: [u8; SALT],
    hash: [u8; HASH],
    memory: u32,
    passes: u32,
}

impl Verifier {
    /// Keeps a PIN.
    ///
    /// # Errors
    /// `PinLenRange` if it is too short or too long.
    pub fn new(pin: &[u8], settings: &Settings) -> Result<Self, Error> {
        check_len(pin, settings)?;
        Self::of(pin, settings)
    }

    /// Keeps a secret whose length others have checked.
    pub(crate) fn of(pin: &[u8], settings: &Settings) -> Result<Self, Error> {
        let mut salt = [0; SALT];
        crypto::random::fill(&mut salt)?;
        let (memory, passes) = (settings.pin_memory, settings.pin_passes);
        Ok(Self { salt, hash: hash(pin, &salt, memory, passes)?, memory, passes })
    }

    /// Whether this is the PIN.
    ///
    /// # Errors
    /// `Internal` if the stored cost cannot be met.
    pub fn matches(&self, pin: &[u8]) -> Result<bool, Error> {
        let hash = hash(pin, &self.salt, self.memory, self.passes)?;
        Ok(crypto::equal(&hash, &self.hash))
    }
}

/// Refuses a PIN that cannot be one, by its length.
///
/// # Errors
/// `PinLenRange`
pub fn check_len(pin: &[u8], settings: &Settings) -> Result<(), Error> {
    let (min, max, len) = (settings.min_pin_len, settings.max_pin_len, pin.len());
    if (min..=max).contains(&len) { Ok(()) } else { Err(Error::PinLenRange { len, min, max }) }
}

fn hash(pin: &[u8], salt: &[u8], memory: u32, passes: u32) -> Result<[u8; HASH], Error> {
    let fail = |_| Error::Internal("the cost of a PIN cannot be met");
    let params = Params::new(memory, passes, 1, Some(HASH)).map_err(fail)?;
    let mut hash = [0; HASH];
    memory::with_blocks(params.block_count(), |blocks| {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into_with_memory(pin, salt, &mut hash, blocks).map_err(fail)
    })?;
    Ok(hash)
}

/// Wrong tries since the last right one, of each PIN. They are counted before a PIN is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// Of the security officer's PIN.
    pub so: u8,
    /// Of the user's PIN.
    pub user: u8,
}

/// Which PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The security officer's.
    So,
    /// The user's.
    User,
}

impl Which {
    /// The name that records use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::So => "so",
            Self::User => "user",
        }
    }
}

impl Tries {
    /// Wrong tries of this PIN.
    #[must_use]
    pub const fn of(self, which: Which) -> u8 {
        match which {
            Which::So => self.so,
            Which::User => self.user,
        }
    }

    /// The same with another count for this PIN.
    #[must_use]
    pub const fn with(self, which: Which, count: u8) -> Self {
        match which {
            Which::So => Self { so: count, ..self },
            Which::User => Self { user: count, ..self },
        }
    }
}
