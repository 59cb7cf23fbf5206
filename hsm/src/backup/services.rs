//! The services' records in a backup: each comes back beside those that are here, as a partition does, or not at all.

use std::collections::BTreeMap;

use crypto::Secret;

use super::BackupError;
use super::content::{Content, Records};
use super::restore::How;
use crate::hsm::Hsm;
use crate::partition::Confinement;
use crate::service::{COUNTER, Describe, Described, Kind};
use crate::vault::{Change, Expect, RecordId, Version, kind};

/// The next number that a service's counter gives.
fn counter(record: &Secret) -> Option<u64> {
    record.as_bytes().try_into().map(u64::from_le_bytes).ok()
}

/// Whether a record of an instance, or their counter, is one that this release reads.
pub(super) fn reads(number: u64, record: &Secret, services: Describe) -> bool {
    match number {
        COUNTER => counter(record).is_some(),
        _ => services(Kind::Instance, record.as_bytes()).is_some(),
    }
}

/// An instance that is here.
struct Here {
    number: u64,
    version: Version,
    described: Described,
}

impl Hsm {
    /// The changes that bring the instances of a whole HSM's backup back. Those that are here and not in it stay.
    ///
    /// # Errors
    /// `Exists` for one that is here, unless it is to be replaced; `Clash` for one that cannot be beside one that is
    /// here; what the vault says.
    pub(super) fn instances_back(
        &self,
        content: &Content,
        how: How,
        older: &mut Vec<String>,
    ) -> Result<Vec<Change>, BackupError> {
        let facts = &content.header.facts;
        let (here, next) = self.instances_here(how)?;
        let mut changes = Vec::new();
        for ((_, number), record) in content.own.iter().filter(|((kind, _), _)| *kind == kind::INSTANCE) {
            let mut value = record.duplicate();
            if *number == COUNTER {
                let next = counter(record).unwrap_or_default().max(next);
                value = Secret::new(next.to_le_bytes().to_vec());
            } else {
                let Some(new) = (how.services)(Kind::Instance, record.as_bytes()) else { continue };
                let named = format!("instance {:?}", new.name);
                let same = here.iter().find(|other| other.described.id == new.id);
                if same.is_some() && !how.replace {
                    return Err(BackupError::Exists(named));
                }
                let is_newer = |other: &&Here| {
                    facts.hsm != self.vault.store_id() || other.version > Version(facts.commit)
                };
                if same.filter(is_newer).is_some() {
                    older.push(format!(
                        "{named} may have changed since the backup was made at commit {}",
                        facts.commit
                    ));
                }
                if let Some(why) = here.iter().find_map(|other| clash(*number, &new, other)) {
                    return Err(BackupError::Clash(format!("{named} {why}")));
                }
            }
            let id = RecordId { domain: 0, kind: kind::INSTANCE, number: *number };
            changes.push(Change { id, expect: Expect::Any, value: Some(value) });
        }
        Ok(changes)
    }

    /// Refuses a partition of an instance that is neither here nor comes with it: it would come to be of another.
    ///
    /// # Errors
    /// `Clash`; what the vault says.
    pub(super) fn check_instances(&self, content: &Content, how: How) -> Result<(), BackupError> {
        let (here, _) = self.instances_here(how)?;
        let mut names: BTreeMap<_, _> =
            here.into_iter().map(|one| (one.number, one.described.name)).collect();
        for ((kind, number), record) in &content.own {
            if let (kind::INSTANCE, Some(one)) = (*kind, (how.services)(Kind::Instance, record.as_bytes())) {
                names.insert(*number, one.name);
            }
        }
        for facts in &content.header.facts.partitions {
            let records = content.partitions.get(&facts.slot);
            let Some(to) = records.and_then(confinement) else { continue };
            if names.get(&to.instance) != Some(&to.name) {
                return Err(BackupError::Clash(format!(
                    "partition {:?} is of instance {:?}, which is not here: it comes back with the whole HSM",
                    facts.label, to.name
                )));
            }
        }
        Ok(())
    }

    /// The instances that are here, and the number that the next would have.
    fn instances_here(&self, how: How) -> Result<(Vec<Here>, u64), BackupError> {
        let (mut here, mut next) = (Vec::new(), 0);
        for (number, version, record) in self.service_records(Kind::Instance)? {
            if number == COUNTER {
                next = counter(&record).unwrap_or_default();
                continue;
            }
            let described = (how.services)(Kind::Instance, record.as_bytes());
            let described = described
                .ok_or_else(|| BackupError::Clash("the record of an instance here does not decode".into()))?;
            here.push(Here { number, version, described });
        }
        Ok((here, next))
    }
}

/// To what an instance held a partition.
fn confinement(records: &Records) -> Option<Confinement> {
    Confinement::decode(records.get(&(kind::CONFINEMENT, 0))?).ok()
}

/// Why an instance of this number cannot be beside one that is here.
fn clash(number: u64, new: &Described, here: &Here) -> Option<String> {
    let Here { described: other, number: taken, .. } = here;
    if other.id == new.id {
        return (number != *taken).then(|| "has another number here".into());
    }
    if other.name == new.name {
        return Some("cannot come in beside another one of that name, which has to go first".into());
    }
    if number == *taken {
        let name = &other.name;
        return Some(format!(
            "had the number that {name:?} has here: a whole HSM comes back with its numbers or not at all"
        ));
    }
    let place = new.places.iter().find(|place| other.places.contains(place))?;
    Some(format!("has the address {place}, which {:?} has here", other.name))
}
