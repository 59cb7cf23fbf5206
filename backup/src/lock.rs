//! The lock: how the file key is got from a passphrase, from shares that UKeys open, or from a cloning domain.

use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use crypto::kdf::{hkdf_expand, hkdf_extract};
use crypto::{Hash, Secret, aead, aes, random};
use ukey::file::Cost;
use ukey::shares::{self, Share};
use ukey::{Holder, Id, MAX_NAME, Public};
use zeroize::{Zeroize, Zeroizing};

use crate::error::hex;
use crate::fields::{Fields, put_text};
use crate::keys::KEY;
use crate::{DIGEST, Error, TAG};

/// The most UKeys that a file is made for.
pub const MAX_HOLDERS: usize = 64;
/// The shortest passphrase that guards a file, in bytes.
pub const MIN_PASSPHRASE: usize = 12;

const PASSPHRASE: u8 = 1;
const UKEYS: u8 = 2;
const DOMAIN: u8 = 3;
const SALT: usize = 16;
const SEALED_KEY: usize = KEY + TAG;
const NONCE: [u8; 12] = [0; 12];

/// Who is to be able to open a file.
pub enum Recipients {
    /// Who knows a passphrase.
    Passphrase(Secret),
    /// Any `threshold` of these UKeys together.
    UKeys {
        /// How many are needed.
        threshold: u8,
        /// The UKeys.
        holders: Vec<Public>,
    },
    /// Every HSM of a cloning domain.
    Domain(DomainSecret),
}

/// What opens a file.
pub enum Opener {
    /// A passphrase.
    Passphrase(Secret),
    /// Shares of the file key that UKeys have opened.
    Shares(Vec<Share>),
    /// The secret of a cloning domain.
    Domain(DomainSecret),
}

/// What the HSMs of a cloning domain share.
pub struct DomainSecret {
    /// The domain's id.
    pub id: [u8; 16],
    /// 32 random bytes.
    pub secret: Secret,
}

/// How the file key is got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lock {
    /// From a passphrase.
    Passphrase {
        /// What trying one costs.
        cost: Cost,
        /// Random.
        salt: [u8; SALT],
        /// The file key.
        sealed: [u8; SEALED_KEY],
    },
    /// From shares.
    UKeys {
        /// How many are needed.
        threshold: u8,
        /// All there are.
        shares: Vec<SealedShare>,
    },
    /// From the secret of a cloning domain.
    Domain {
        /// The domain's id.
        id: [u8; 16],
        /// The file key.
        sealed: [u8; SEALED_KEY],
    },
}

/// A share, sealed to the UKey of its holder.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedShare {
    /// The UKey.
    pub holder: Id,
    /// The UKey's name.
    pub name: String,
    sealed: Vec<u8>,
}

impl fmt::Debug for SealedShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedShare({}, {:?})", self.holder, self.name)
    }
}

impl Recipients {
    /// Locks a file key, and appends the lock to the header.
    pub(crate) fn lock(
        &self,
        file_key: &Secret,
        before_lock: &[u8; DIGEST],
        header: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match self {
            Self::Passphrase(passphrase) => {
                check_passphrase(passphrase)?;
                let cost = Cost::DEFAULT;
                let mut salt = [0; SALT];
                random::fill(&mut salt)?;
                header.push(PASSPHRASE);
                header.extend_from_slice(&cost.memory().to_le_bytes());
                header.extend_from_slice(&cost.passes().to_le_bytes());
                header.push(cost.lanes());
                header.extend_from_slice(&salt);
                let key = from_passphrase(passphrase, &salt, cost)?;
                header.extend(seal_key(&key, before_lock, file_key)?);
            }
            Self::UKeys { threshold, holders } => {
                check_holders(*threshold, holders)?;
                let count = u8::try_from(holders.len()).unwrap_or(u8::MAX);
                header.extend([UKEYS, *threshold, count]);
                for (share, holder) in shares::split(file_key, *threshold, count)?.iter().zip(holders) {
                    let sealed = holder.seal(&context(before_lock), &share.to_bytes())?;
                    header.extend_from_slice(holder.id().as_bytes());
                    put_text(holder.name(), MAX_NAME, header)?;
                    let len =
                        u16::try_from(sealed.len()).map_err(|_| Error::Defect("a share is too long"))?;
                    header.extend_from_slice(&len.to_le_bytes());
                    header.extend(sealed);
                }
            }
            Self::Domain(domain) => {
                header.push(DOMAIN);
                header.extend_from_slice(&domain.id);
                header.extend(seal_key(&domain.key(before_lock)?, before_lock, file_key)?);
            }
        }
        Ok(())
    }
}

impl DomainSecret {
    /// Its key for one file.
    fn key(&self, before_lock: &[u8; DIGEST]) -> Result<aes::Key, Error> {
        let prk = hkdf_extract(Hash::Sha256, before_lock, &self.secret)?;
        let key = hkdf_expand(Hash::Sha256, &prk, b"claviger cloning domain", KEY)?;
        Ok(aes::Key::new(key.as_bytes())?)
    }
}

impl Opener {
    const fn name(&self) -> &'static str {
        match self {
            Self::Passphrase(_) => "a passphrase",
            Self::Shares(_) => "UKeys",
            Self::Domain(_) => "the secret of a cloning domain",
        }
    }
}

impl Lock {
    pub(crate) fn read(fields: &mut Fields<'_>) -> Result<Self, Error> {
        match fields.byte()? {
            PASSPHRASE => {
                let (memory, passes, lanes) = (fields.u32()?, fields.u32()?, fields.byte()?);
                let cost = Cost::new(memory, passes, lanes)?;
                Ok(Self::Passphrase { cost, salt: fields.array()?, sealed: fields.array()? })
            }
            UKEYS => {
                let (threshold, count) = (fields.byte()?, fields.byte()?);
                if threshold == 0 || threshold > count || usize::from(count) > MAX_HOLDERS {
                    return Err(Error::HeaderMalformed("it opens with a number of UKeys that cannot be"));
                }
                let share = |_| {
                    let holder = Id::from_bytes(fields.array()?);
                    let name = fields.text(MAX_NAME)?;
                    let len = fields.u16()?.into();
                    Ok(SealedShare { holder, name, sealed: fields.take(len)?.to_vec() })
                };
                Ok(Self::UKeys { threshold, shares: (0..count).map(share).collect::<Result<_, Error>>()? })
            }
            DOMAIN => Ok(Self::Domain { id: fields.array()?, sealed: fields.array()? }),
            _ => Err(Error::HeaderMalformed("it opens with nothing that is known")),
        }
    }

    /// What opens it, for people.
    #[must_use]
    pub fn opens_with(&self) -> String {
        match self {
            Self::Passphrase { .. } => "a passphrase".into(),
            Self::UKeys { threshold, shares } => format!("{threshold} of {} UKeys", shares.len()),
            Self::Domain { id, .. } => format!("the secret of cloning domain {}", hex(id)),
        }
    }

    /// The file key.
    pub(crate) fn open(&self, opener: &Opener, before_lock: &[u8; DIGEST]) -> Result<Secret, Error> {
        match (self, opener) {
            (Self::Passphrase { cost, salt, sealed }, Opener::Passphrase(passphrase)) => {
                let key = from_passphrase(passphrase, salt, *cost)?;
                open_key(&key, before_lock, sealed).ok_or(Error::WrongPassphrase)
            }
            (Self::UKeys { .. }, Opener::Shares(shares)) => Ok(shares::combine(shares)?),
            (Self::Domain { id, sealed }, Opener::Domain(domain)) => {
                let foreign = || Error::Domain { domain: hex(id) };
                if *id != domain.id {
                    return Err(foreign());
                }
                open_key(&domain.key(before_lock)?, before_lock, sealed).ok_or_else(foreign)
            }
            (lock, opener) => Err(Error::Lock { with: lock.opens_with(), given: opener.name() }),
        }
    }
}

impl crate::Header {
    /// The share of a UKey's holder, opened.
    ///
    /// # Errors
    /// `Recipients` if the file was not made for this UKey; `UKey` if it does not open.
    pub fn open_share(&self, holder: &dyn Holder) -> Result<Share, Error> {
        let Lock::UKeys { shares, .. } = &self.lock else {
            return Err(Error::Lock { with: self.lock.opens_with(), given: "UKeys" });
        };
        let id = holder.public().id();
        let share = shares.iter().find(|share| share.holder == id);
        let share = share.ok_or_else(|| {
            Error::Recipients(format!("the backup was not made for UKey {id} ({})", holder.public().name()))
        })?;
        let bytes = holder.open(&context(&self.before_lock), &share.sealed)?;
        Ok(Share::from_bytes(bytes.as_bytes())?)
    }
}

/// What a share is sealed for: this file and what its header says.
fn context(before_lock: &[u8; DIGEST]) -> Vec<u8> {
    [b"claviger backup share 1\0", &before_lock[..]].concat()
}

fn seal_key(key: &aes::Key, before_lock: &[u8; DIGEST], file_key: &Secret) -> Result<Vec<u8>, Error> {
    Ok(aead::gcm_seal(key, &NONCE, before_lock, TAG, file_key.as_bytes())?)
}

fn open_key(key: &aes::Key, before_lock: &[u8; DIGEST], sealed: &[u8]) -> Option<Secret> {
    aead::gcm_open(key, &NONCE, before_lock, TAG, sealed).ok().map(Secret::new)
}

fn check_passphrase(passphrase: &Secret) -> Result<(), Error> {
    match passphrase.len() {
        len if len < MIN_PASSPHRASE => Err(Error::PassphraseLength { len, min: MIN_PASSPHRASE }),
        _ => Ok(()),
    }
}

fn check_holders(threshold: u8, holders: &[Public]) -> Result<(), Error> {
    let refuse = |why: String| Err(Error::Recipients(why));
    if holders.len() > MAX_HOLDERS {
        return refuse(format!("a backup is made for at most {MAX_HOLDERS} UKeys"));
    }
    if threshold == 0 || usize::from(threshold) > holders.len() {
        let count = holders.len();
        return refuse(format!(
            "{threshold} of {count} UKeys cannot be needed: a threshold is 1 to their number"
        ));
    }
    for (at, holder) in holders.iter().enumerate() {
        if holders.iter().take(at).any(|other| other.id() == holder.id()) {
            return refuse(format!("UKey {} ({}) is named twice", holder.id(), holder.name()));
        }
    }
    Ok(())
}

/// Argon2id (RFC 9106) of a passphrase.
fn from_passphrase(passphrase: &Secret, salt: &[u8], cost: Cost) -> Result<aes::Key, Error> {
    let refuse = |error: argon2::Error| ukey::Error::Cost(error.to_string());
    let params = Params::new(cost.memory(), cost.passes(), cost.lanes().into(), Some(KEY)).map_err(refuse)?;
    let mut blocks = Vec::new();
    blocks
        .try_reserve_exact(params.block_count())
        .map_err(|_| ukey::Error::Cost(format!("there are no {} KiB of memory for it", cost.memory())))?;
    blocks.resize(params.block_count(), Block::default());
    let mut key = Zeroizing::new([0; KEY]);
    let derived = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        passphrase.as_bytes(),
        salt,
        key.as_mut(),
        &mut blocks,
    );
    // The memory holds what the passphrase can be told from, at no cost; the library does not wipe it.
    blocks.iter_mut().for_each(Zeroize::zeroize);
    derived.map_err(refuse)?;
    Ok(aes::Key::new(key.as_ref())?)
}
