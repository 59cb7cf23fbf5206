//! The quorums of keys: a record for each key that is or was under one, by what the key is and not by what it is
//! called. It outlasts the objects that hold the key, as the key's past does.

use std::collections::HashMap;
use std::sync::Arc;

use crypto::Secret;
use serde::{Deserialize, Serialize};

use super::Partition;
use super::identities::Identity;
use crate::error::Error;
use crate::event::Act;
use crate::object::{Attr, AttributeMap, AttributeValue, Class, Object, identity};
use crate::quorum::KeyQuorum;
use crate::vault::{Batch, Change, Expect, Note, RecordId, Vault, kind};

/// The quorums of a partition's keys.
#[derive(Default)]
pub(super) struct Quorums(HashMap<Identity, Entry>);

struct Entry {
    /// Of its record.
    number: u64,
    quorum: KeyQuorum,
}

/// A quorum that a file of clones brought for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Brought {
    identity: Identity,
    quorum: KeyQuorum,
}

impl Brought {
    /// The quorum.
    pub(crate) const fn quorum(&self) -> &KeyQuorum {
        &self.quorum
    }

    /// Whether both are of one key.
    pub(crate) fn is_of_key_of(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

/// A quorum as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    identity: Identity,
    quorum: KeyQuorum,
}

impl Kept {
    fn decode(record: &Secret) -> Result<Self, Error> {
        decode(record.as_bytes())
    }

    fn encode(identity: Identity, quorum: &KeyQuorum) -> Result<Secret, Error> {
        encode(&Self { identity, quorum: quorum.clone() })
    }
}

fn decode<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, Error> {
    wire::codec::decode(bytes).map_err(|_| Error::Internal("the quorum of a key decodes"))
}

fn encode(value: &impl Serialize) -> Result<Secret, Error> {
    let mut bytes = Vec::new();
    wire::codec::encode(value, &mut bytes)
        .map_err(|_| Error::Internal("the quorum of a key has an encoding"))?;
    Ok(Secret::new(bytes))
}

impl Quorums {
    pub(super) fn load(vault: &Vault, domain: u64) -> Result<Self, Error> {
        let mut quorums = Self::default();
        for (number, _, record) in vault.records(domain, kind::KEY_QUORUM)? {
            let Kept { identity, quorum } = Kept::decode(&record)?;
            quorums.take(identity, number, quorum);
        }
        Ok(quorums)
    }

    /// Whether a record is one that [`Self::load`] reads.
    pub(super) fn reads(record: &Secret) -> bool {
        Kept::decode(record).is_ok()
    }

    /// The quorum of a key; one that was taken away as well.
    pub(super) fn of(&self, identity: &Identity) -> Option<&KeyQuorum> {
        self.0.get(identity).map(|entry| &entry.quorum)
    }

    /// Whether a quorum that a file of clones brought is to come in.
    ///
    /// # Errors
    /// `ActionProhibited` if another is in force.
    fn admits(&self, brought: &Brought) -> Result<bool, Error> {
        match self.of(&brought.identity) {
            None => Ok(true),
            Some(here) if here.is_in_force() && here.asks_the_same_as(&brought.quorum) => Ok(false),
            Some(here) if here.is_in_force() => {
                Err(Error::ActionProhibited("another one is in force for its key here"))
            }
            // What its approvers took away here, they did so knowing of it.
            Some(here) => Ok(here.generation < brought.quorum.generation),
        }
    }

    /// Takes a record in, unless a later one is known.
    fn take(&mut self, identity: Identity, number: u64, quorum: KeyQuorum) {
        if self.of(&identity).is_none_or(|known| known.generation < quorum.generation) {
            self.0.insert(identity, Entry { number, quorum });
        }
    }
}

impl Partition {
    /// The key of an object, by what it is.
    fn identity_of(&self, object: &Object) -> Result<Identity, Error> {
        let identities = self.identities.lock();
        identity(object.attributes(), identities.secret.as_bytes())?
            .ok_or(Error::ActionProhibited("what tells its key from others is not known here"))
    }

    /// The key of an object, and the quorum that it is under.
    ///
    /// # Errors
    /// If the library fails.
    pub(super) fn key_quorum_of(&self, object: &Object) -> Result<Option<(Identity, KeyQuorum)>, Error> {
        let identities = self.identities.lock();
        let Some(identity) = identity(object.attributes(), identities.secret.as_bytes())? else {
            return Ok(None);
        };
        let quorum = identities.quorums.of(&identity).filter(|quorum| quorum.is_in_force());
        Ok(quorum.map(|quorum| (identity, quorum.clone())))
    }

    /// The quorum that the key of an object is under.
    ///
    /// # Errors
    /// If the library fails.
    pub fn key_quorum(&self, object: &Object) -> Result<Option<KeyQuorum>, Error> {
        Ok(self.key_quorum_of(object)?.map(|(_, quorum)| quorum))
    }

    /// Puts a key under a quorum, changes that or takes it away, durably and recorded; `was` is the generation of the
    /// quorum that it is under. To be made while a `Changing` lasts.
    ///
    /// # Errors
    /// `ActionProhibited` for a key that can leave, or whose quorum is not that one any more; what the vault says.
    pub(crate) fn set_key_quorum(
        &self,
        vault: &Vault,
        object: &Object,
        was: Option<u64>,
        quorum: KeyQuorum,
        act: &Act<'_>,
    ) -> Result<KeyQuorum, Error> {
        let _one_at_a_time = self.changes.lock();
        let identity = self.identity_of(object)?;
        self.check_stays(object)?;
        let identities = self.identities.lock();
        let known = identities.quorums.of(&identity);
        let is = known.filter(|known| known.is_in_force()).map(|known| known.generation);
        if is != was {
            return Err(Error::ActionProhibited("its quorum has been changed meanwhile"));
        }
        let generation = known.map_or(0, |known| known.generation) + 1;
        drop(identities);
        let quorum = KeyQuorum { generation, ..quorum };
        self.keep_quorum(vault, identity, &quorum, vec![act.note(Some(object))])?;
        Ok(quorum)
    }

    /// A key that leaves could be used elsewhere without anybody's approval.
    fn check_stays(&self, object: &Object) -> Result<(), Error> {
        let all = self.with_key_of(object)?;
        let leaves = |one: &Object| {
            one.class() != Class::PUBLIC_KEY && (!one.flag(Attr::SENSITIVE) || one.flag(Attr::EXTRACTABLE))
        };
        if leaves(object) || all.iter().any(|one| leaves(one)) {
            return Err(Error::ActionProhibited(
                "a key under a quorum must be sensitive and not extractable, in all objects that hold it",
            ));
        }
        Ok(())
    }

    /// Writes a quorum, and has it hold.
    fn keep_quorum(
        &self,
        vault: &Vault,
        identity: Identity,
        quorum: &KeyQuorum,
        notes: Vec<Note>,
    ) -> Result<(), Error> {
        let brought = Brought { identity, quorum: quorum.clone() };
        let (number, change) = self.keeping(&self.identities.lock().quorums, &brought)?;
        vault.commit(Batch::new(vec![change], notes))?;
        self.adopt(number, brought);
        Ok(())
    }

    /// The token object of this `CKA_UNIQUE_ID`, if it is a key that can be under a quorum.
    pub(crate) fn guardable(&self, id: &str) -> Option<Arc<Object>> {
        let found = self.objects.read().iter().find(|object| object.unique_id() == id).cloned();
        found.filter(|object| matches!(object.class(), Class::PRIVATE_KEY | Class::SECRET_KEY))
    }

    /// The token objects with a secret whose keys are under a quorum, with that.
    ///
    /// # Errors
    /// If the library fails.
    pub fn key_quorums(&self) -> Result<Vec<(Arc<Object>, KeyQuorum)>, Error> {
        let objects: Vec<_> = self.objects.read().iter().cloned().collect();
        let mut found = Vec::new();
        for object in objects {
            if object.class() != Class::PUBLIC_KEY
                && object.roles().is_guarded()
                && let Some(quorum) = self.key_quorum(&object)?
            {
                found.push((object, quorum));
            }
        }
        Ok(found)
    }

    /// An object's attributes for a file of clones: with the quorum of its key.
    ///
    /// # Errors
    /// If it has no encoding.
    pub(crate) fn attributes_to_clone(&self, object: &Object) -> Result<AttributeMap, Error> {
        let mut attributes = object.attributes_to_store();
        if let Some(quorum) = self.key_quorum(object)? {
            attributes.set_plain(Attr::KEY_QUORUM, encode(&quorum)?.as_bytes());
        }
        Ok(attributes)
    }

    /// Takes the quorum out of the attributes that a file of clones brought. Nothing is changed here.
    ///
    /// # Errors
    /// `Internal` if it does not decode.
    pub(crate) fn brought_quorum(&self, attributes: &mut AttributeMap) -> Result<Option<Brought>, Error> {
        let quorum: KeyQuorum = match attributes.remove(Attr::KEY_QUORUM) {
            None => return Ok(None),
            Some(AttributeValue::Plain(bytes)) => decode(&bytes)?,
            Some(_) => return Err(Error::Internal("the quorum of a key decodes")),
        };
        let identities = self.identities.lock();
        let identity = identity(attributes, identities.secret.as_bytes())?
            .ok_or(Error::Internal("a key with a quorum is known again"))?;
        Ok(Some(Brought { identity, quorum }))
    }

    /// Whether a quorum that a file of clones brought for the key of an object is to hold from now on; if not, what
    /// holds here is the same, or its own approvers took it away here later.
    ///
    /// # Errors
    /// `ActionProhibited` if another is in force here, or an object here of the key can leave.
    pub(crate) fn admits(&self, object: &Object, brought: &Brought) -> Result<bool, Error> {
        let is_new = self.identities.lock().quorums.admits(brought)?;
        if is_new {
            self.check_stays(object)?;
        }
        Ok(is_new)
    }

    /// The changes that bring quorums in. To be committed while `changes` is held, and then [`Self::adopt`]ed.
    ///
    /// # Errors
    /// `ActionProhibited` if another came into force here meanwhile.
    pub(super) fn adoptions(&self, brought: &[Brought]) -> Result<Vec<(u64, Change)>, Error> {
        let quorums = &self.identities.lock().quorums;
        let adoption = |brought| match quorums.admits(brought)? {
            true => self.keeping(quorums, brought),
            false => Err(Error::ActionProhibited("its quorum has been changed meanwhile")),
        };
        brought.iter().map(adoption).collect()
    }

    /// The number of the record of a key's quorum, and the change that writes it.
    fn keeping(
        &self,
        known: &Quorums,
        Brought { identity, quorum }: &Brought,
    ) -> Result<(u64, Change), Error> {
        let number = known.0.get(identity).map(|known| known.number).map_or_else(random_number, Ok)?;
        let id = RecordId { domain: self.domain, kind: kind::KEY_QUORUM, number };
        let value = Some(Kept::encode(*identity, quorum)?);
        Ok((number, Change { id, expect: Expect::Any, value }))
    }

    /// Has a quorum hold whose record, of this number, is durable.
    pub(super) fn adopt(&self, number: u64, Brought { identity, quorum }: Brought) {
        let mut identities = self.identities.lock();
        if let Some(roles) = identities.held.get(&identity).and_then(|held| held.roles.upgrade()) {
            roles.guard(quorum.guarded());
        }
        identities.quorums.0.insert(identity, Entry { number, quorum });
    }

    /// The records of quorums once a backup with these has come in: of two for one key, the later one.
    ///
    /// # Errors
    /// `Internal` if one does not decode.
    pub(crate) fn quorums_after<'r>(
        &self,
        backup: impl Iterator<Item = (u64, &'r Secret)>,
    ) -> Result<Vec<(u64, Secret)>, Error> {
        let mut after = Quorums::default();
        for (number, record) in backup {
            let Kept { identity, quorum } = Kept::decode(record)?;
            after.take(identity, number, quorum);
        }
        for (identity, Entry { number, quorum }) in &self.identities.lock().quorums.0 {
            // What here was set with the approval of the key's own quorum does not go back.
            if after.of(identity).is_none_or(|other| other.generation <= quorum.generation) {
                after.0.insert(*identity, Entry { number: *number, quorum: quorum.clone() });
            }
        }
        let record = |(identity, entry): (&Identity, &Entry)| {
            Ok((entry.number, Kept::encode(*identity, &entry.quorum)?))
        };
        after.0.iter().map(record).collect()
    }
}

/// The number of a new record: what two partitions make apart from each other has two.
pub(super) fn random_number() -> Result<u64, Error> {
    let mut number = [0; 8];
    crypto::random::fill(&mut number)?;
    Ok(u64::from_le_bytes(number))
}
