//! Restore: all that a file holds, in one commit, or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use ::backup::{Header, Opener, Sealed, What};
use crypto::Secret;

use super::content::{Content, FileHash, Records};
use super::{BackupError, hex, reader};
use crate::error::Error;
use crate::event::Actor;
use crate::hsm::{Hsm, SlotTurn};
use crate::partition::Partition;
use crate::service::{Describe, Kind};
use crate::vault::{Batch, Change, Expect, RecordId, Version, kind};

/// How a restore is meant.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// What is there already is overwritten.
    pub replace: bool,
    /// It is taken back to an earlier state, or to one of which nothing tells whether it is.
    pub older: bool,
    /// The longest content, in bytes.
    pub limit: u64,
    /// Which file is meant.
    pub file: FileHash,
    /// Reads the records of services.
    pub services: Describe,
}

/// What a restore brought.
pub struct Restored {
    /// What the file says of itself.
    pub header: Header,
    /// The partitions, as they are here now.
    pub partitions: Vec<RestoredPartition>,
    /// What came back that is older than what it replaced: why that was so.
    pub older: Vec<String>,
}

/// A partition that was brought back.
pub struct RestoredPartition {
    /// The partition.
    pub partition: Arc<Partition>,
    /// The slot number that it had in the backup.
    pub slot_then: u64,
    /// Whether there was one of the serial number.
    pub replaced: bool,
}

/// Where a partition comes from and where it goes.
struct Place<'a> {
    facts: &'a ::backup::Partition,
    slot: u64,
    replaces: Option<Arc<Partition>>,
}

/// From which backup a partition was restored; kept in the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lineage {
    hsm: [u8; 16],
    commit: u64,
    /// How many objects it brought.
    objects: u64,
}

impl Lineage {
    fn to_bytes(self) -> Vec<u8> {
        [&self.hsm[..], &self.commit.to_le_bytes(), &self.objects.to_le_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (hsm, rest) = bytes.split_first_chunk()?;
        let (commit, rest) = rest.split_first_chunk()?;
        let objects = u64::from_le_bytes(rest.try_into().ok()?);
        Some(Self { hsm: *hsm, commit: u64::from_le_bytes(*commit), objects })
    }
}

impl Hsm {
    /// Reads a file to its end and checks everything in it. Nothing is changed.
    ///
    /// # Errors
    /// `File` and `Content` for what is wrong with it; `TooLong`.
    pub fn verify_backup(
        &self,
        from: impl Read,
        opener: &Opener,
        limit: u64,
        services: Describe,
    ) -> Result<Header, BackupError> {
        let content = Content::read(Sealed::read(from)?.open(opener)?, limit, None)?;
        match content.header.facts.what {
            What::Partition | What::Hsm => content.check(services)?,
            What::Keys | What::Domain => {}
        }
        Ok(content.header)
    }

    /// Brings back what a file holds: a partition, or the whole HSM.
    ///
    /// # Errors
    /// `File` and `Content` for what is wrong with it; `Exists`, `Older` if it would overwrite something and is not
    /// meant to; `Clash` if it does not fit; `SessionExists` if one that it replaces is in use; what the vault says.
    /// Then nothing was changed.
    pub fn restore(
        &self,
        from: impl Read,
        opener: &Opener,
        how: How,
        by: &Actor<'_>,
    ) -> Result<Restored, BackupError> {
        let sealed = Sealed::read(from)?;
        let instead = match sealed.header().facts.what {
            What::Partition | What::Hsm => None,
            What::Keys => Some("`clone import` takes it"),
            What::Domain => Some("`clone domain import` takes it"),
        };
        if let Some(instead) = instead {
            return Err(BackupError::Other { what: sealed.header().facts.what.name(), instead });
        }
        let content = Content::read(sealed.open(opener)?, how.limit, how.file)?;
        content.check(how.services)?;
        let mut turn = self.slot_turn();
        self.put_back(&content, how, &mut turn, by)
    }

    fn put_back(
        &self,
        content: &Content,
        how: How,
        turn: &mut SlotTurn<'_>,
        by: &Actor<'_>,
    ) -> Result<Restored, BackupError> {
        let header = &content.header;
        let places = self.places(header, how, turn)?;
        let mut older = Vec::new();
        for place in &places {
            if let Some(here) = &place.replaces {
                let records = content.partitions.get(&place.facts.slot);
                older.extend(self.older_partition(here, header, records.unwrap_or(&Records::new()))?);
            }
        }
        let stay = self.records_that_stay(content, how)?;
        let mut changes = self.own_changes(content, how, &stay, &mut older)?;
        let instances = self.instances(content, how.services)?;
        changes.extend(self.instances_back(&instances, &header.facts, how.replace, &mut older)?);
        instances.check(content)?;
        if let Some(why) = older.first().filter(|_| !how.older) {
            return Err(BackupError::Older(why.clone()));
        }
        let made: Vec<u64> =
            places.iter().filter(|place| place.replaces.is_none()).map(|place| place.slot).collect();
        changes.extend(turn.counting(&self.vault, made.iter().copied().max()));
        let details = details(header, &places, &older);
        let act = self.act(by, None, "restore a backup", &details);
        let replaced: Vec<_> = places.iter().filter_map(|place| place.replaces.clone()).collect();
        let parting: Vec<_> = replaced.iter().map(|partition| &**partition).collect();
        Partition::let_part(&parting, &*self.ports.clock);
        let version = Partition::replacing(&replaced, &mut || {
            let mut changes = std::mem::take(&mut changes);
            for place in &places {
                let records = content.partitions.get(&place.facts.slot);
                changes.extend(self.changes(place, records.unwrap_or(&Records::new()), header)?);
            }
            let batch = Batch::new(changes, vec![act.note(None)]);
            let committed = self.vault.create_domains(made.clone(), batch).map_err(Error::from);
            act.unless_done(None, committed)
        });
        version?;
        turn.counted();
        let mut partitions = Vec::new();
        for Place { facts, slot, replaces } in places {
            let partition = Arc::new(Partition::load(&self.vault, slot)?);
            self.show_partition(Arc::clone(&partition));
            partitions.push(RestoredPartition {
                partition,
                slot_then: facts.slot,
                replaced: replaces.is_some(),
            });
        }
        self.people().reload().map_err(|error| BackupError::Content(error.to_string()))?;
        Ok(Restored { header: header.clone(), partitions, older })
    }

    /// Where each partition goes.
    fn places<'h>(
        &self,
        header: &'h Header,
        how: How,
        turn: &mut SlotTurn<'_>,
    ) -> Result<Vec<Place<'h>>, BackupError> {
        let here = self.partitions();
        let mut places = Vec::new();
        for facts in &header.facts.partitions {
            let same = here.iter().find(|partition| partition.serial() == facts.serial).cloned();
            let named = format!("partition {:?} with serial number {}", facts.label, facts.serial);
            if same.is_some() && !how.replace {
                return Err(BackupError::Exists(named));
            }
            let other = |partition: &&Arc<Partition>| partition.serial() != facts.serial;
            if let Some(other) = here.iter().filter(other).find(|other| other.label() == facts.label) {
                let serial = other.serial();
                return Err(BackupError::Clash(format!(
                    "{named} cannot come in beside partition {serial}, which has the same label: rename that first"
                )));
            }
            let taken = here.iter().any(|partition| partition.slot().0 == facts.slot);
            let slot = match &same {
                Some(same) => same.slot().0,
                None if !taken && facts.slot <= SlotTurn::HIGHEST => facts.slot,
                None if header.facts.what == What::Hsm => {
                    return Err(BackupError::Clash(format!(
                        "{named} had slot {}, which another partition has here: a whole HSM comes back with its slot \
                         numbers or not at all",
                        facts.slot
                    )));
                }
                None => turn.next(),
            };
            places.push(Place { facts, slot, replaces: same });
        }
        Ok(places)
    }

    /// Why what is in a partition here is not simply what the backup goes on from; none if nothing is lost.
    fn older_partition(
        &self,
        here: &Partition,
        header: &Header,
        records: &Records,
    ) -> Result<Option<String>, BackupError> {
        let named = format!("partition {:?} with serial number {}", here.label(), here.serial());
        let facts = &header.facts;
        if facts.hsm == self.vault.store_id() {
            let names = self.vault.names(here.domain);
            // What was deleted leaves no record with a version, but is missing.
            let deleted = |(kind, number): &(u8, u64)| {
                !names.contains(&RecordId { domain: here.domain, kind: *kind, number: *number })
            };
            let changed = self.has_changed(here, Version(facts.commit), records)?;
            let why = format!("{named} has changed since the backup was made at commit {}", facts.commit);
            return Ok((changed || records.keys().any(deleted)).then_some(why));
        }
        Ok(match self.lineage(here)? {
            Some((lineage, _)) if lineage.hsm == facts.hsm && lineage.commit > facts.commit => Some(format!(
                "{named} was restored from a backup of commit {}, and this one is of commit {}",
                lineage.commit, facts.commit
            )),
            Some((lineage, since)) if lineage.hsm == facts.hsm => {
                let deleted = here.object_count() < lineage.objects;
                let changed = deleted || self.has_changed(here, since, records)?;
                changed.then(|| format!("{named} has changed here since it was restored"))
            }
            _ => Some(format!(
                "{named} is not from the HSM that made the backup, so that nothing tells which is newer"
            )),
        })
    }

    /// Whether something was written in a partition since a commit that the backup does not have just so: a PIN's
    /// count that went up and down again is no change.
    fn has_changed(&self, here: &Partition, since: Version, records: &Records) -> Result<bool, BackupError> {
        for id in self.vault.names(here.domain) {
            if super::stays(id.kind) || self.vault.version(id).is_none_or(|version| version <= since) {
                continue;
            }
            let now = self.vault.get(id)?.map(|(_, record)| record);
            if now.as_ref() != records.get(&(id.kind, id.number)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn lineage(&self, here: &Partition) -> Result<Option<(Lineage, Version)>, BackupError> {
        let Some((version, record)) = self.vault.get(lineage_id(here.domain))? else { return Ok(None) };
        Ok(Lineage::from_bytes(record.as_bytes()).map(|lineage| (lineage, version)))
    }

    /// What services keep of partitions that are here and not in the backup: as they stay, so does that.
    ///
    /// # Errors
    /// `Clash` if the backup has something else under its number.
    fn records_that_stay(&self, content: &Content, how: How) -> Result<BTreeSet<RecordId>, BackupError> {
        let coming = &content.header.facts.partitions;
        let here: BTreeSet<_> = self.partitions().iter().map(|partition| partition.serial()).collect();
        let stays =
            |serial: &String| here.contains(serial) && !coming.iter().any(|facts| facts.serial == *serial);
        let mut stay = BTreeSet::new();
        for (service, kind) in [(Kind::Kms, kind::KMS), (Kind::KmsStore, kind::KMS_STORE)] {
            for (number, _, record) in self.service_records(service)? {
                let described = (how.services)(service, record.as_bytes());
                let serial = described.and_then(|described| described.partition).filter(&stays);
                let Some(serial) = serial else { continue };
                if content.own.contains_key(&(kind, number)) {
                    return Err(BackupError::Clash(format!(
                        "the KMS had for another partition the number that it has for partition {serial} here, which \
                         stays: a whole HSM comes back with its numbers or not at all"
                    )));
                }
                stay.insert(RecordId { domain: 0, kind, number });
            }
        }
        Ok(stay)
    }

    /// The changes to the HSM's own records.
    fn own_changes(
        &self,
        content: &Content,
        how: How,
        stay: &BTreeSet<RecordId>,
        older: &mut Vec<String>,
    ) -> Result<Vec<Change>, BackupError> {
        let facts = &content.header.facts;
        if facts.what != What::Hsm {
            return Ok(Vec::new());
        }
        let names = self.vault.names(0);
        let is_setting = |kind: u8| reader(kind).is_some() && kind != kind::INSTANCE;
        let here: Vec<_> = names.into_iter().filter(|id| is_setting(id.kind)).collect();
        let newest = here.iter().filter_map(|id| self.vault.version(*id)).max();
        if newest.is_some() {
            let what = "the HSM's own settings (people, quorum, who opens backups, cloning domain, accounts)";
            if !how.replace {
                return Err(BackupError::Exists(what.into()));
            }
            if facts.hsm != self.vault.store_id() || newest > Some(Version(facts.commit)) {
                older.push(format!(
                    "{what} have changed since the backup was made at commit {}",
                    facts.commit
                ));
            }
        }
        let gone = here.into_iter().filter(|id| !stay.contains(id));
        let mut changes: BTreeMap<RecordId, Option<Secret>> = gone.map(|id| (id, None)).collect();
        for ((kind, number), record) in content.own.iter().filter(|((kind, _), _)| is_setting(*kind)) {
            changes.insert(RecordId { domain: 0, kind: *kind, number: *number }, Some(record.duplicate()));
        }
        Ok(any(changes))
    }

    /// The changes that bring a partition back.
    fn changes(&self, place: &Place<'_>, records: &Records, header: &Header) -> Result<Vec<Change>, Error> {
        let id = |kind, number| RecordId { domain: place.slot, kind, number };
        let mut changes: BTreeMap<RecordId, Option<Secret>> = BTreeMap::new();
        let mut more = Vec::new();
        if let Some(here) = &place.replaces {
            let names = self.vault.names(place.slot);
            // What keys were once used for, and how they left, is not forgotten.
            let past = |id: &RecordId| id.kind == kind::SETTINGS && id.number != 0;
            changes.extend(names.into_iter().filter(|id| !past(id)).map(|id| (id, None)));
            more = here.past_to_keep()?;
        }
        for ((kind, number), record) in records {
            let record = match (&place.replaces, *kind) {
                (Some(here), kind::PINS) => Partition::pins_with_tries(record, here.tries())?,
                (Some(here), kind::USER) => here.user_with_tries(record)?,
                _ => record.duplicate(),
            };
            changes.insert(id(*kind, *number), Some(record));
        }
        if let Some(here) = &place.replaces {
            changes.retain(|id, value| id.kind != kind::KEY_QUORUM || value.is_none());
            let backup = records.iter().filter(|((kind, _), _)| *kind == kind::KEY_QUORUM);
            for (number, record) in
                here.quorums_after(backup.map(|((_, number), record)| (*number, record)))?
            {
                changes.insert(id(kind::KEY_QUORUM, number), Some(record));
            }
        }
        let (hsm, commit) = (header.facts.hsm, header.facts.commit);
        let lineage = Lineage { hsm, commit, objects: place.facts.objects };
        changes.insert(lineage_id(place.slot), Some(Secret::new(lineage.to_bytes())));
        Ok(any(changes).into_iter().chain(more).collect())
    }
}

const fn lineage_id(domain: u64) -> RecordId {
    RecordId { domain, kind: kind::RESTORED, number: 0 }
}

fn any(changes: BTreeMap<RecordId, Option<Secret>>) -> Vec<Change> {
    changes.into_iter().map(|(id, value)| Change { id, expect: Expect::Any, value }).collect()
}

/// What is recorded of a restore.
fn details(header: &Header, places: &[Place<'_>], older: &[String]) -> Vec<(&'static str, String)> {
    let (facts, mut details) = (&header.facts, vec![("file", header.id_text())]);
    details.push(("from", hex(&facts.hsm)));
    details.push(("commit", facts.commit.to_string()));
    for place in places {
        let how = if place.replaces.is_some() { "replaced" } else { "made" };
        details.push((how, format!("{} in slot {}", place.facts.serial, place.slot)));
    }
    details.extend(older.iter().map(|why| ("older", why.clone())));
    details
}
