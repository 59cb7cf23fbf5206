//! The services' records in a backup: each comes back beside those that are here, as a partition does, or not at all.

use std::collections::BTreeMap;

use ::backup::Facts;
use crypto::Secret;

use super::BackupError;
use super::content::{Content, malformed};
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

/// An instance that a backup brings.
struct Coming<'c> {
    number: u64,
    record: &'c Secret,
    described: Described,
}

/// The instances that are here, and those of a backup.
pub(super) struct Instances<'c> {
    here: Vec<Here>,
    come: Vec<Coming<'c>>,
    /// The number that the next has here, and would have had there, if instances are counted there.
    next: (u64, Option<u64>),
}

impl Hsm {
    /// Reads the instances that are here and those of a backup.
    ///
    /// # Errors
    /// `Clash` if one here does not decode, `Content` if one of the backup does not; what the vault says.
    pub(super) fn instances<'c>(
        &self,
        content: &'c Content,
        services: Describe,
    ) -> Result<Instances<'c>, BackupError> {
        let mut all = Instances { here: Vec::new(), come: Vec::new(), next: (0, None) };
        for (number, version, record) in self.service_records(Kind::Instance)? {
            if number == COUNTER {
                all.next.0 = counter(&record).unwrap_or_default();
                continue;
            }
            let described = services(Kind::Instance, record.as_bytes());
            let described = described
                .ok_or_else(|| BackupError::Clash("the record of an instance here does not decode".into()))?;
            all.here.push(Here { number, version, described });
        }
        let malformed = || malformed("the HSM", kind::INSTANCE);
        for ((_, number), record) in content.own.iter().filter(|((kind, _), _)| *kind == kind::INSTANCE) {
            if *number == COUNTER {
                all.next.1 = Some(counter(record).ok_or_else(malformed)?);
                continue;
            }
            let described = services(Kind::Instance, record.as_bytes()).ok_or_else(malformed)?;
            all.come.push(Coming { number: *number, record, described });
        }
        Ok(all)
    }

    /// The changes that bring the instances of a whole HSM's backup back. Those that are here and not in it stay.
    ///
    /// # Errors
    /// `Exists` for one that is here, unless it is to be replaced; `Clash` for one that cannot be beside one that is
    /// here.
    pub(super) fn instances_back(
        &self,
        instances: &Instances<'_>,
        facts: &Facts,
        replace: bool,
        older: &mut Vec<String>,
    ) -> Result<Vec<Change>, BackupError> {
        let Instances { here, come, next } = instances;
        let id = |number| RecordId { domain: 0, kind: kind::INSTANCE, number };
        let mut changes = Vec::new();
        if let (here, Some(there)) = *next {
            let value = Some(Secret::new(there.max(here).to_le_bytes().to_vec()));
            changes.push(Change { id: id(COUNTER), expect: Expect::Any, value });
        }
        for Coming { number, record, described: new } in come {
            let named = format!("instance {:?}", new.name);
            let same = here.iter().find(|other| other.described.id == new.id);
            if same.is_some() && !replace {
                return Err(BackupError::Exists(named));
            }
            let is_newer =
                |other: &&Here| facts.hsm != self.vault.store_id() || other.version > Version(facts.commit);
            if same.filter(is_newer).is_some() {
                let commit = facts.commit;
                older.push(format!("{named} may have changed since the backup was made at commit {commit}"));
            }
            if let Some(why) = here.iter().find_map(|other| clash(*number, new, other)) {
                return Err(BackupError::Clash(format!("{named} {why}")));
            }
            changes.push(Change { id: id(*number), expect: Expect::Any, value: Some(record.duplicate()) });
        }
        Ok(changes)
    }
}

impl Instances<'_> {
    /// Refuses a partition of an instance that is neither here nor comes with it: it would come to be of another.
    ///
    /// # Errors
    /// `Clash`; `Content` if what holds one of the backup's partitions to its instance does not decode.
    pub(super) fn check(&self, content: &Content) -> Result<(), BackupError> {
        let here = self.here.iter().map(|one| (one.number, &one.described.name));
        let come = self.come.iter().map(|one| (one.number, &one.described.name));
        let names: BTreeMap<_, _> = here.chain(come).collect();
        for facts in &content.header.facts.partitions {
            let records = content.partitions.get(&facts.slot);
            let Some(record) = records.and_then(|records| records.get(&(kind::CONFINEMENT, 0))) else {
                continue;
            };
            let to = Confinement::decode(record).map_err(|_| malformed(&facts.serial, kind::CONFINEMENT))?;
            if names.get(&to.instance).is_none_or(|name| **name != to.name) {
                return Err(BackupError::Clash(format!(
                    "partition {:?} is of instance {:?}, which is not here: it comes back with the whole HSM",
                    facts.label, to.name
                )));
            }
        }
        Ok(())
    }
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
