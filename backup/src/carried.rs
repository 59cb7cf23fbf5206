//! A share that comes from another machine: opened by its holder there, and sealed at once to the UKey of the one
//! who restores.
//!
//! | offset | length | is |
//! |---:|---:|---|
//! | 0 | 8 | `CLAVSHAR` |
//! | 8 | 1 | format version, 1 |
//! | 9 | 16 | the id of the backup |
//! | 25 | 32 | the UKey that it is sealed to |
//! | 57 | … | the share, sealed to it for the context `claviger carried share 1`, a zero byte, and SHA-256 of the backup's header up to its lock |

use ukey::shares::Share;
use ukey::{Holder, Id, Public};

use crate::error::hex;
use crate::{DIGEST, Error, Header};

const MAGIC: &[u8; 8] = b"CLAVSHAR";
const VERSION: u8 = 1;

/// A share on its way.
pub struct CarriedShare {
    backup: [u8; 16],
    to: Id,
    sealed: Vec<u8>,
}

impl CarriedShare {
    /// The most bytes of one.
    pub const MAX_LEN: usize = 1 << 16;

    /// Seals a share of a backup to the UKey of the one who restores.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub fn seal(header: &Header, share: &Share, to: &Public) -> Result<Self, Error> {
        let sealed = to.seal(&context(&header.before_lock), &share.to_bytes())?;
        Ok(Self { backup: header.id, to: to.id(), sealed })
    }

    /// As the table above says.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&MAGIC[..], &[VERSION], &self.backup, self.to.as_bytes(), &self.sealed].concat()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// `Recipients` if it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let foreign = || Error::Recipients("this is not a share of a backup".into());
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(foreign)?;
        let (version, rest) = rest.split_first().ok_or_else(foreign)?;
        if *version != VERSION {
            return Err(Error::Newer { version: *version, known: VERSION });
        }
        let (backup, rest) = rest.split_first_chunk().ok_or_else(foreign)?;
        let (to, sealed) = rest.split_first_chunk().ok_or_else(foreign)?;
        Ok(Self { backup: *backup, to: Id::from_bytes(*to), sealed: sealed.to_vec() })
    }

    /// The UKey that it is sealed to.
    #[must_use]
    pub const fn to(&self) -> Id {
        self.to
    }

    /// The share, opened by the one it was sealed to.
    ///
    /// # Errors
    /// `OtherBackup`; `UKey` if it does not open.
    pub fn open(&self, header: &Header, holder: &dyn Holder) -> Result<Share, Error> {
        if self.backup != header.id {
            return Err(Error::OtherBackup(hex(&self.backup)));
        }
        let bytes = holder.open(&context(&header.before_lock), &self.sealed)?;
        Ok(Share::from_bytes(bytes.as_bytes())?)
    }
}

fn context(before_lock: &[u8; DIGEST]) -> Vec<u8> {
    [b"claviger carried share 1\0", &before_lock[..]].concat()
}
