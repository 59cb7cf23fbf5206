//! Cloning of single keys between two HSMs of one cloning domain.
//!
//! A clone is the whole object, with what its key has been used for. Two copies that are used apart from each other must
//! not together do what one may not: so a key whose attributes grant roles in conflict is cloned only once its
//! use has decided between them, and a clone comes only into a partition of the same key policy.

use std::io::{Read, Write};
use std::sync::Arc;

use ::backup::{Facts, Header, Name, Opener, Recipients, Sealed, What, Writer, record_len};

use super::content::{Content, FileHash, Records};
use super::{BackupError, policy_code};
use crate::error::Error;
use crate::event::Actor;
use crate::hsm::Hsm;
use crate::object::{Attr, Object, Origin, Role, encode};
use crate::partition::Partition;
use crate::policy::Profile;
use crate::vault::kind;

/// The longest content of a file of single keys, in bytes.
const LONGEST: u64 = 64 << 20;

impl Hsm {
    /// Writes objects of a partition to a file that the HSMs of the cloning domain open. Each is named by number,
    /// unique id or label; a label names all that have it.
    ///
    /// # Errors
    /// `Clash` if there is no such object, or it may not be cloned, or the HSM is in no domain; what the file is
    /// written to says; `NotRecorded`.
    pub fn export_keys(
        &self,
        partition: &Partition,
        named: &[String],
        to: impl Write,
        by: &Actor<'_>,
    ) -> Result<Header, BackupError> {
        let recipients = Recipients::Domain(self.own_cloning_domain()?);
        let mut objects: Vec<Arc<Object>> = Vec::new();
        for name in named {
            objects.extend(named_objects(partition, name)?);
        }
        objects.sort_by_key(|object| object.number);
        objects.dedup_by_key(|object| object.number);
        let mut records = Vec::new();
        for object in &objects {
            check_may_be_cloned(object, partition.profile())?;
            let name = Name { domain: partition.domain, kind: kind::OBJECT, number: object.number };
            records.push((name, encode::encode(&partition.attributes_to_clone(object)?)?));
        }
        let count = records.len() as u64;
        let facts = Facts {
            what: What::Keys,
            hsm: self.vault.store_id(),
            made_at: self.now(),
            commit: self.vault.last_commit().0,
            content_len: records.iter().map(|(_, record)| record_len(record.len())).sum(),
            own_records: 0,
            partitions: vec![::backup::Partition {
                slot: partition.domain,
                objects: count,
                records: count,
                serial: partition.serial(),
                policy: policy_code(partition.profile()),
                label: partition.label(),
            }],
        };
        let details = [("for", super::told(&recipients))];
        let act = self.act(by, Some(partition), "clone out", &details);
        for object in &objects {
            act.done(Some(object))?;
        }
        let mut writer = Writer::begin(to, &facts, &recipients)?;
        for (name, record) in &records {
            writer.record(*name, record)?;
        }
        Ok(writer.finish()?)
    }

    /// Brings the keys of a file into a partition. Gives how many.
    ///
    /// # Errors
    /// `File` and `Content` for what is wrong with the file; `Other` for one that holds something else; `Clash` for a
    /// partition of another policy, or a key that is there or has been with fewer rights; what the vault says. Then
    /// none came.
    pub fn import_keys(
        &self,
        partition: &Partition,
        from: impl Read,
        file: FileHash,
        by: &Actor<'_>,
    ) -> Result<(Header, u64), BackupError> {
        let sealed = Sealed::read(from)?;
        let what = sealed.header().facts.what;
        if what != What::Keys {
            return Err(BackupError::Other { what: what.name(), instead: "no keys to clone" });
        }
        let content =
            Content::read(sealed.open(&Opener::Domain(self.own_cloning_domain()?))?, LONGEST, file)?;
        let source = content.header.facts.partitions.first();
        let policy = source.map_or(u8::MAX, |source| source.policy);
        if policy != policy_code(partition.profile()) {
            return Err(BackupError::Clash(format!(
                "the keys come from a partition with the {} policy, and are cloned into such a one only",
                ["strict", "standard", "legacy"].get(usize::from(policy)).unwrap_or(&"unknown")
            )));
        }
        if !partition.is_initialized() {
            return Err(Error::TokenNotInitialized(partition.domain).into());
        }
        let objects = self.new_objects(partition, content.partitions.values())?;
        let count = objects.len() as u64;
        let details = [("file", content.header.id_text())];
        let act = self.act(by, Some(partition), "clone in", &details);
        let added = partition.add(&self.vault, self.settings.max_token_objects, objects, &act);
        act.unless_done(None, added)?;
        Ok((content.header, count))
    }
}

fn named_objects(partition: &Partition, name: &str) -> Result<Vec<Arc<Object>>, BackupError> {
    let label = |object: &Object| {
        object.attributes().plain(Attr::LABEL).is_some_and(|label| label == name.as_bytes())
    };
    let mut found = partition.objects_after(0, usize::MAX);
    found.retain(|object| object.number.to_string() == name || object.unique_id() == name || label(object));
    if found.is_empty() {
        let there = partition.label();
        return Err(BackupError::Clash(format!("there is no object {name:?} in partition {there:?}")));
    }
    Ok(found)
}

fn check_may_be_cloned(object: &Object, profile: Profile) -> Result<(), BackupError> {
    let refuse =
        |why: &str| Err(BackupError::Clash(format!("object {} is not cloned: {why}", object.number)));
    if !object.flag(Attr::COPYABLE) {
        return refuse("its CKA_COPYABLE is false");
    }
    if profile != Profile::Legacy && is_undecided(object) {
        return refuse(
            "its attributes grant roles in conflict, and no use has decided between them: two copies could each take one",
        );
    }
    Ok(())
}

/// Whether two roles in conflict are open to a key.
fn is_undecided(object: &Object) -> bool {
    let roles = object.roles();
    let granted = |role: &Role| object.flag(role.attribute());
    Role::of_class(object.class()).filter(granted).any(|role| {
        let open = |other: &&Role| granted(other) && !roles.has(**other) && !roles.has(role);
        role.conflicts().iter().filter(open).count() > 0
    })
}

impl Hsm {
    fn new_objects<'r>(
        &self,
        partition: &Partition,
        records: impl Iterator<Item = &'r Records>,
    ) -> Result<Vec<Object>, BackupError> {
        let here = partition.objects_after(0, usize::MAX);
        let mut objects = Vec::new();
        for ((kind, _), record) in records.flatten() {
            let bad = || BackupError::Content("a record of a key does not decode".into());
            if *kind != kind::OBJECT {
                return Err(bad());
            }
            let mut attributes = encode::decode(record).map_err(|_| bad())?;
            if let Some(origin) = partition.origin_of(&attributes)?
                && Origin::of(&attributes).meet(origin) != Origin::of(&attributes)
            {
                return Err(BackupError::Clash(
                    "a key of the file has been in this partition with fewer rights".into(),
                ));
            }
            partition.adopt_quorum(&self.vault, &mut attributes)?;
            let object = partition.new_object(attributes)?;
            if here.iter().any(|other| other.unique_id() == object.unique_id()) {
                let id = object.unique_id();
                return Err(BackupError::Clash(format!("object {id} is in this partition already")));
            }
            objects.push(object);
        }
        Ok(objects)
    }
}
