//! Things of one kind in memory, with the versions of their records: found by id, by name, and by whose they are.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use hsm::service::{Kind, Write};
use hsm::vault::Version;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::IamError;
use super::record::encoded;

/// What has a record of its own.
pub(super) trait Entity: Serialize + DeserializeOwned {
    /// What tells it from all others of its kind.
    type Id: Copy + Eq + Hash;
    /// Whose it is.
    type Owner: Copy + Eq + Hash;
    /// Its kind of record.
    const KIND: Kind;
    /// What it is called in answers.
    const WHAT: &'static str;

    fn id(&self) -> Self::Id;
    fn owner(&self) -> Self::Owner;
    /// Its name, if it has one, of which its owner has one.
    fn name(&self) -> Option<&str>;
}

/// A thing as it was last committed.
struct Stored<T> {
    number: u64,
    version: Version,
    value: Arc<T>,
}

/// All things of one kind.
pub(super) struct Table<T: Entity> {
    by_id: HashMap<T::Id, Stored<T>>,
    by_name: HashMap<(T::Owner, Box<str>), T::Id>,
    /// In the order in which they were made.
    by_owner: HashMap<T::Owner, BTreeMap<u64, T::Id>>,
    /// The number of the next record.
    next: u64,
}

impl<T: Entity> Default for Table<T> {
    fn default() -> Self {
        Self { by_id: HashMap::new(), by_name: HashMap::new(), by_owner: HashMap::new(), next: 1 }
    }
}

impl<T: Entity> Table<T> {
    pub(super) fn get(&self, id: T::Id) -> Option<&Arc<T>> {
        self.by_id.get(&id).map(|stored| &stored.value)
    }

    pub(super) fn named(&self, owner: T::Owner, name: &str) -> Option<&Arc<T>> {
        self.by_name.get(&(owner, name.into())).and_then(|id| self.get(*id))
    }

    /// What somebody has, in the order in which it was made.
    pub(super) fn of(&self, owner: T::Owner) -> impl Iterator<Item = &Arc<T>> {
        self.by_owner.get(&owner).into_iter().flat_map(BTreeMap::values).filter_map(|id| self.get(*id))
    }

    /// How much of it somebody has.
    pub(super) fn count(&self, owner: T::Owner) -> usize {
        self.by_owner.get(&owner).map_or(0, BTreeMap::len)
    }

    /// Everything, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<T>> {
        self.by_id.values().map(|stored| &stored.value)
    }

    /// The number of the next record; the one after it is free too.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// The write that makes a thing, under this number, or changes the one of its id.
    pub(super) fn write(&self, value: &T, new: u64) -> Result<Write, IamError> {
        let there = self.by_id.get(&value.id());
        Ok(Write {
            kind: T::KIND,
            number: there.map_or(new, |stored| stored.number),
            was: there.map(|stored| stored.version),
            value: Some(encoded(value)?),
        })
    }

    /// The write that deletes a thing.
    pub(super) fn deletion(&self, id: T::Id) -> Option<Write> {
        let stored = self.by_id.get(&id)?;
        Some(Write { kind: T::KIND, number: stored.number, was: Some(stored.version), value: None })
    }

    /// Shows what was committed.
    pub(super) fn show(&mut self, number: u64, version: Version, value: Arc<T>) {
        let (id, owner) = (value.id(), value.owner());
        self.hide(id);
        if let Some(name) = value.name() {
            self.by_name.insert((owner, name.into()), id);
        }
        self.by_owner.entry(owner).or_default().insert(number, id);
        self.next = self.next.max(number.saturating_add(1));
        self.by_id.insert(id, Stored { number, version, value });
    }

    /// Shows no more what was deleted.
    pub(super) fn hide(&mut self, id: T::Id) {
        let Some(Stored { number, value, .. }) = self.by_id.remove(&id) else { return };
        if let Some(name) = value.name() {
            self.by_name.remove(&(value.owner(), name.into()));
        }
        if let Some(owned) = self.by_owner.get_mut(&value.owner()) {
            owned.remove(&number);
            if owned.is_empty() {
                self.by_owner.remove(&value.owner());
            }
        }
    }
}
