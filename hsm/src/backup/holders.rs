//! For whom backups are made when whoever makes them does not choose: a backup operator must not be able to name
//! UKeys of their own.

use ::backup::{MAX_HOLDERS, Recipients};
use crypto::Secret;
use ukey::Public;
use wire::{Bytes, List};

use super::BackupError;
use crate::error::Error;
use crate::event::Actor;
use crate::hsm::Hsm;
use crate::vault::{Batch, Change, Expect, RecordId, kind};

const RECORD: RecordId = RecordId { domain: 0, kind: kind::HOLDERS, number: 0 };

/// UKeys of which some together open each backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holders {
    /// How many are needed.
    pub threshold: u8,
    /// All there are.
    pub ukeys: Vec<Public>,
}

impl Holders {
    pub(super) fn from_record(record: &Secret) -> Result<Self, Error> {
        let wrong = Error::Internal("the record of who opens backups decodes");
        let (threshold, ukeys): (u8, List<Bytes, MAX_HOLDERS>) =
            wire::codec::decode(record.as_bytes()).map_err(|_| wrong)?;
        let ukeys = ukeys.iter().map(|ukey| Public::from_bytes(ukey));
        let ukeys =
            ukeys.collect::<Result<_, _>>().map_err(|_| Error::Internal("a UKey's public part decodes"))?;
        Ok(Self { threshold, ukeys })
    }

    fn to_record(&self) -> Result<Secret, Error> {
        let ukeys = self.ukeys.iter().map(|ukey| Bytes::from(ukey.to_bytes())).collect();
        let ukeys = List::<Bytes, MAX_HOLDERS>::new(ukeys);
        let ukeys = ukeys.ok_or(Error::ArgumentsBad("at most 64 UKeys open a backup"))?;
        let mut bytes = Vec::new();
        wire::codec::encode(&(self.threshold, ukeys), &mut bytes)
            .map_err(|_| Error::Internal("who opens backups has an encoding"))?;
        Ok(Secret::new(bytes))
    }

    /// For whom a file is made.
    #[must_use]
    pub fn recipients(self) -> Recipients {
        Recipients::UKeys { threshold: self.threshold, holders: self.ukeys }
    }
}

impl Hsm {
    /// For whom backups are made.
    ///
    /// # Errors
    /// What the vault says.
    pub fn backup_holders(&self) -> Result<Option<Holders>, Error> {
        self.vault.get(RECORD)?.map(|(_, record)| Holders::from_record(&record)).transpose()
    }

    /// Sets for whom backups are made; none leaves it to who makes them.
    ///
    /// # Errors
    /// `Clash` for a threshold that cannot be met, or a UKey that is named twice; what the vault says.
    pub fn set_backup_holders(&self, holders: Option<&Holders>, by: &Actor<'_>) -> Result<(), BackupError> {
        let told = match holders {
            None => "nobody".to_owned(),
            Some(holders) => {
                let count = holders.ukeys.len();
                if holders.threshold == 0 || usize::from(holders.threshold) > count {
                    let needed = holders.threshold;
                    return Err(BackupError::Clash(format!("{needed} of {count} UKeys cannot be needed")));
                }
                let mut ids: Vec<_> = holders.ukeys.iter().map(Public::id).collect();
                ids.sort_unstable();
                ids.dedup();
                if ids.len() != count {
                    return Err(BackupError::Clash("a UKey is named twice".into()));
                }
                super::told(&holders.clone().recipients())
            }
        };
        let details = [("holders", told)];
        let act = self.act(by, None, "set who opens backups", &details);
        let value = holders.map(Holders::to_record).transpose()?;
        let change = Change { id: RECORD, expect: Expect::Any, value };
        let done = self.vault.commit(Batch::new(vec![change], vec![act.note(None)])).map(drop);
        Ok(act.unless_done(None, done.map_err(Error::from))?)
    }
}
