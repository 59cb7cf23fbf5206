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
use crate::partition::{Brought, Partition};
use crate::people::SET_KEY_QUORUM;
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
        let come = self.what_comes(partition, content.partitions.values())?;
        let count = come.len() as u64;
        let details = [("file", content.header.id_text())];
        let act = self.act(by, Some(partition), "clone in", &details);
        let (mut objects, mut quorums, mut guarded) = (Vec::new(), Vec::new(), Vec::new());
        for (object, brought) in come {
            if let Some(brought) = brought {
                guarded.push((Arc::clone(object.roles()), brought.quorum().clone()));
                let details = self.people().told_of(brought.quorum());
                let note = act.with_action(SET_KEY_QUORUM, &details).note(Some(&object));
                quorums.push((brought, note));
            }
            objects.push(object);
        }
        // The key may be in use here already.
        let _changing = (!guarded.is_empty()).then(|| self.changing(partition));
        let limit = self.settings.max_token_objects;
        let added = partition.add_with_quorums(&self.vault, limit, objects, quorums, &act);
        if added.is_ok() {
            for (roles, quorum) in &guarded {
                self.end_operations_without_approval(partition, roles, quorum);
            }
        }
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

/// The quorum that a file brings for the key of an object, if it is to hold from now on and no other object has brought
/// it yet.
///
/// # Errors
/// `Clash` beside another one that is in force, or an object that can leave; `Content` if the file has two for the key.
fn quorum_that_comes(
    partition: &Partition,
    object: &Object,
    brought: Brought,
    come: &[(Object, Option<Brought>)],
) -> Result<Option<Brought>, BackupError> {
    let is_new = partition.admits(object, &brought).map_err(|error| match error {
        Error::ActionProhibited(why) => {
            let id = object.unique_id();
            BackupError::Clash(format!("object {id} of the file is under a quorum: {why}"))
        }
        other => other.into(),
    })?;
    let mut others = come.iter().filter_map(|(_, other)| other.as_ref());
    match others.find(|other| other.is_of_key_of(&brought)) {
        Some(other) if *other != brought => Err(BackupError::Content("it has two quorums of one key".into())),
        Some(_) => Ok(None),
        None => Ok(is_new.then_some(brought)),
    }
}

impl Hsm {
    /// The objects that a file brings, none of them here yet, each with the quorum that its key is to be under from
    /// then on, if another object has not brought it already. Nothing is changed.
    fn what_comes<'r>(
        &self,
        partition: &Partition,
        records: impl Iterator<Item = &'r Records>,
    ) -> Result<Vec<(Object, Option<Brought>)>, BackupError> {
        let here = partition.objects_after(0, usize::MAX);
        let mut come = Vec::<(Object, Option<Brought>)>::new();
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
            let brought = partition.brought_quorum(&mut attributes)?;
            let object = partition.new_object(attributes)?;
            if here.iter().any(|other| other.unique_id() == object.unique_id()) {
                let id = object.unique_id();
                return Err(BackupError::Clash(format!("object {id} is in this partition already")));
            }
            let brought = brought.map(|brought| quorum_that_comes(partition, &object, brought, &come));
            come.push((object, brought.transpose()?.flatten()));
        }
        Ok(come)
    }
}
