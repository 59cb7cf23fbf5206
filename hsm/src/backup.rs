//! Backup, restore and cloning: what goes into a file of the crate [`backup`](::backup), and what comes of one.
//!
//! A backup holds whole records, as of one commit, while everything goes on; whoever has it made sees ciphertext only.
//! A restore is read to its end, and all of it checked, before the first record is written; then everything is
//! written in one commit. What would be lost by it must be said: another partition of the serial number
//! ([`How::replace`]), and what has changed since the backup was made ([`How::older`]).

use std::io::Write;
use std::time::UNIX_EPOCH;

use ::backup::{Facts, Header, Name, Recipients, What, Writer, record_len};
use crypto::Secret;

use crate::error::Error;
use crate::event::Actor;
use crate::hsm::Hsm;
use crate::partition::{Partition, TokenRecord};
use crate::people;
use crate::policy::Profile;
use crate::service::{self, Describe};
use crate::vault::{RecordId, Still, StillError, VaultError, kind};

mod cloning;
mod content;
mod domain;
mod holders;
mod restore;
mod services;

pub use content::FileHash;
pub use holders::Holders;
pub use restore::{How, Restored, RestoredPartition};

/// Whether this release reads a record of this number, if it is one of the services handed in.
type Reads = fn(u64, &Secret, Describe) -> bool;

/// The kinds of record of the HSM itself that make sense on another machine, with what reads each before it is taken
/// in: people, what they must approve, for whom backups are made, the cloning domain, the directory of accounts,
/// instances, trackers, and what the KMS keeps beside its projects' partitions. Not its counters, its audit log's key, or what is
/// under way.
const TRAVELS: &[(u8, Reads)] = &[
    (kind::PERSON, |_, record, _| people::reads(kind::PERSON, record)),
    (kind::QUORUM, |_, record, _| people::reads(kind::QUORUM, record)),
    (kind::HOLDERS, |_, record, _| Holders::from_record(record).is_ok()),
    (kind::CLONING, |_, record, _| domain::from_record(record).is_some()),
    (kind::INSTANCE, services::reads),
    (kind::ACCOUNT, of_service),
    (kind::PROJECT, of_service),
    (kind::ENTERPRISE_PROJECT, of_service),
    (kind::ACCOUNT_USER, of_service),
    (kind::GROUP, of_service),
    (kind::ROLE, of_service),
    (kind::ASSIGNMENT, of_service),
    (kind::AGENCY, of_service),
    (kind::ACCESS_KEY, of_service),
    (kind::DIRECTORY_KEY, of_service),
    (kind::UNIT, of_service),
    (kind::MEMBER, of_service),
    (kind::TAG_POLICY, of_service),
    (kind::TAG_POLICY_ATTACHED, of_service),
    (kind::TAG_POLICY_SWITCH, of_service),
    (kind::PREDEFINED_TAGS, of_service),
    (kind::ENTERPRISE_SWITCH, of_service),
    (kind::TRACE_ADMINISTRATOR, of_service),
    (kind::KMS, of_service),
    (kind::KMS_STORE, of_service),
    (kind::CTS_TRACKER, of_service),
    (kind::CTS_NOTIFICATION, of_service),
    (kind::TOPIC, of_service),
];

fn of_service(_: u64, record: &Secret, _: Describe) -> bool {
    service::reads(record)
}

/// What reads a record of the HSM itself of this kind; none of one that does not travel.
fn reader(kind: u8) -> Option<Reads> {
    TRAVELS.iter().find(|(travels, _)| *travels == kind).map(|(_, reads)| *reads)
}

/// Whether records of this kind in a partition are in a backup: not where it came from, nor what could be used once more.
const fn stays(kind: u8) -> bool {
    matches!(kind, kind::RESTORED | kind::GRANT)
}

/// Why there is no backup, or why one is refused; then nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file.
    #[error(transparent)]
    File(#[from] ::backup::Error),
    /// The HSM.
    #[error(transparent)]
    Hsm(#[from] Error),
    /// What was read.
    #[error("the backup failed: {0}")]
    Still(#[from] StillError),
    /// The records in the file do not fit together.
    #[error("the backup's content cannot be used: {0}")]
    Content(String),
    /// The file is for another command.
    #[error("the file holds {what}: {instead}")]
    Other {
        /// What it holds.
        what: &'static str,
        /// What takes it.
        instead: &'static str,
    },
    /// The content is longer than there is room for.
    #[error("the backup holds {len} bytes, and the store takes {limit} at the most")]
    TooLong {
        /// Its length in bytes.
        len: u64,
        /// The most.
        limit: u64,
    },
    /// It would overwrite something.
    #[error("{0} is there already, and would be overwritten: --replace says that it is meant")]
    Exists(String),
    /// It would take something back to an earlier state.
    #[error("{0}: what came since would be lost; --older says that it is meant")]
    Older(String),
    /// It cannot come in beside what is there.
    #[error("{0}")]
    Clash(String),
}

impl From<VaultError> for BackupError {
    fn from(error: VaultError) -> Self {
        Self::Hsm(error.into())
    }
}

impl Hsm {
    /// Writes a backup of a partition, or of the whole HSM.
    ///
    /// # Errors
    /// What the file is written to says; `Still` if the partition is destroyed meanwhile, or too much changes;
    /// `NotRecorded`.
    pub fn back_up(
        &self,
        partition: Option<&Partition>,
        recipients: &Recipients,
        to: impl Write,
        by: &Actor<'_>,
    ) -> Result<Header, BackupError> {
        let (what, name) = match partition {
            Some(partition) => (What::Partition, partition.serial()),
            None => (What::Hsm, "all".to_owned()),
        };
        let still = self.vault.still(|id| match partition {
            Some(partition) => id.domain == partition.domain && !stays(id.kind),
            None if id.domain == 0 => reader(id.kind).is_some(),
            None => !stays(id.kind),
        });
        let facts = self.facts(&still, what)?;
        let details = [("partition", name), ("for", told(recipients)), ("commit", facts.commit.to_string())];
        self.act(by, partition, "back up", &details).done(None)?;
        let mut writer = Writer::begin(to, &facts, recipients)?;
        for id in still.names() {
            writer.record(file_name(id), &still.take(id)?)?;
        }
        Ok(writer.finish()?)
    }

    fn facts(&self, still: &Still<'_>, what: What) -> Result<Facts, BackupError> {
        let mut facts = Facts {
            what,
            hsm: self.vault.store_id(),
            made_at: self.now(),
            commit: still.commit().0,
            content_len: 0,
            own_records: 0,
            partitions: Vec::new(),
        };
        for id in still.names() {
            facts.content_len += record_len(still.read(id)?.len());
            if id.domain == 0 {
                facts.own_records += 1;
                continue;
            }
            if facts.partitions.last().is_none_or(|last| last.slot != id.domain) {
                facts.partitions.push(described(still, id.domain)?);
            }
            if let Some(last) = facts.partitions.last_mut() {
                last.records += 1;
                last.objects += u64::from(id.kind == kind::OBJECT);
            }
        }
        Ok(facts)
    }

    fn now(&self) -> u64 {
        self.ports.clock.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

/// A partition as a header tells of it, without its counts.
fn described(still: &Still<'_>, slot: u64) -> Result<::backup::Partition, BackupError> {
    let record = still.read(RecordId { domain: slot, kind: kind::TOKEN, number: 0 })?;
    let token = TokenRecord::decode(&record)?;
    let policy = policy_code(token.profile());
    Ok(::backup::Partition { slot, objects: 0, records: 0, serial: token.serial, policy, label: token.label })
}

const fn policy_code(profile: Profile) -> u8 {
    match profile {
        Profile::Strict => 0,
        Profile::Standard => 1,
        Profile::Legacy => 2,
    }
}

const fn file_name(id: RecordId) -> Name {
    Name { domain: id.domain, kind: id.kind, number: id.number }
}

/// For whom a file is made, for the record.
fn told(recipients: &Recipients) -> String {
    match recipients {
        Recipients::Passphrase(_) => "a passphrase".into(),
        Recipients::UKeys { threshold, holders } => {
            let ids: Vec<_> = holders.iter().map(|holder| holder.id().to_string()).collect();
            format!("{threshold} of {}", ids.join(" "))
        }
        Recipients::Domain(domain) => format!("cloning domain {}", hex(&domain.id)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
