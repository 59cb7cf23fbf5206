//! What a file brought, all of it, checked before anything is done with it.

use std::collections::BTreeMap;
use std::io::Read;

use ::backup::{Header, Reader};
use crypto::Secret;

use super::{BackupError, policy_code, reader};
use crate::object::encode;
use crate::partition::{Partition, TokenRecord};
use crate::service::Describe;
use crate::vault::kind;

/// A record's kind and number.
pub(super) type Key = (u8, u64);
/// The records of a partition, or of the HSM itself.
pub(super) type Records = BTreeMap<Key, Secret>;

/// The content hash of the file that is meant; none means any.
pub type FileHash = Option<[u8; 32]>;

/// The whole content of a file.
pub(super) struct Content {
    pub(super) header: Header,
    /// Of the HSM itself.
    pub(super) own: Records,
    /// By slot number.
    pub(super) partitions: BTreeMap<u64, Records>,
}

impl Content {
    /// Reads a file to its end: the one of this content hash, if one is given.
    ///
    /// # Errors
    /// `TooLong` before anything is read; `File` for a file that is not good to its last byte.
    pub(super) fn read<R: Read>(
        mut reader: Reader<R>,
        limit: u64,
        file: FileHash,
    ) -> Result<Self, BackupError> {
        let header = reader.header().clone();
        let len = header.facts.content_len;
        if len > limit {
            return Err(BackupError::TooLong { len, limit });
        }
        let (mut own, mut partitions) = (Records::new(), BTreeMap::<u64, Records>::new());
        while let Some((name, bytes)) = reader.next()? {
            let records = match name.domain {
                0 => &mut own,
                slot => partitions.entry(slot).or_default(),
            };
            records.insert((name.kind, name.number), bytes);
        }
        if file.is_some_and(|file| reader.hash() != Some(file)) {
            return Err(BackupError::Content("it is not the file that was named".into()));
        }
        Ok(Self { header, own, partitions })
    }

    /// Checks that each record is one that this release reads, and that each partition has what one needs.
    pub(super) fn check(&self, services: Describe) -> Result<(), BackupError> {
        for ((kind, number), record) in &self.own {
            let reads = reader(*kind).ok_or_else(|| foreign(*kind))?;
            if !reads(*number, record, services) {
                return Err(malformed("the HSM", *kind));
            }
        }
        for facts in &self.header.facts.partitions {
            let records = self.partitions.get(&facts.slot);
            check_partition(facts, records.unwrap_or(&Records::new()))?;
        }
        Ok(())
    }
}

fn check_partition(facts: &::backup::Partition, records: &Records) -> Result<(), BackupError> {
    let wrong = |what: &str| BackupError::Content(format!("partition {}: {what}", facts.serial));
    let token = records.get(&(kind::TOKEN, 0)).ok_or_else(|| wrong("it has no token record"))?;
    let token = TokenRecord::decode(token).map_err(|_| malformed(&facts.serial, kind::TOKEN))?;
    let told = (&facts.serial, &facts.label, facts.policy);
    if told != (&token.serial, &token.label, policy_code(token.profile())) {
        return Err(wrong("it is not the one that the header tells of"));
    }
    for needed in [(kind::PINS, 0), (kind::SETTINGS, 0)] {
        if !records.contains_key(&needed) {
            return Err(wrong(&format!("it has no {}", kind::name(needed.0).unwrap_or_default())));
        }
    }
    let mut objects = 0;
    for ((kind, number), record) in records {
        let good = match *kind {
            kind::OBJECT => {
                objects += 1;
                encode::decode(record).is_ok()
            }
            kind::DOMAIN_KEY | kind::RESTORED | kind::GRANT => return Err(foreign(*kind)),
            kind if kind::name(kind).is_none() => return Err(foreign(kind)),
            kind => Partition::reads(kind, *number, record),
        };
        if !good {
            return Err(malformed(&facts.serial, *kind));
        }
    }
    if objects != facts.objects {
        return Err(wrong("it has not as many objects as the header says"));
    }
    Ok(())
}

fn foreign(kind: u8) -> BackupError {
    BackupError::Content(format!("it has records of kind {kind}, which this release does not know"))
}

pub(super) fn malformed(of: &str, kind: u8) -> BackupError {
    let what = kind::name(kind).unwrap_or("unknown");
    BackupError::Content(format!("a record of {of} ({what}) does not decode"))
}
