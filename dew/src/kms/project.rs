//! What the KMS keeps of one project: read when the project is first asked for, and in memory from then on.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hsm::Hsm;
use hsm::partition::Partition;
use hsm::service::{Described, Kind, Write};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use super::access_point::AccessPoint;
use super::alias::Alias;
use super::counts::Counts;
use super::due::{Agenda, Due};
use super::error::{KmsError, Result};
use super::grant::Grants;
use super::id::KeyId;
use super::import::Ticket;
use super::key::Key;
use super::key_policy::KeyPolicy;
use super::record::{Kept, decoded};
use super::store::{Stores, Uuid};
use crate::iam::{AccountId, ProjectId};

/// No partition's slot.
const NOWHERE: u64 = 0;

/// What the KMS keeps of itself about a project: a record of the HSM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Home {
    /// The project.
    pub(super) project: ProjectId,
    /// Its account.
    pub(super) account: AccountId,
    /// The slot of its partition.
    pub(super) slot: u64,
    /// The serial number of its partition: that stays as it is, wherever it is restored and whatever it is called.
    pub(super) serial: String,
}

/// What a restore must know of a record of one.
pub(crate) fn described(record: &[u8]) -> Option<Described> {
    let Home { project, serial, .. } = decoded(record).ok()?;
    Some(Described { id: project.0, name: project.to_string(), places: Vec::new(), partition: Some(serial) })
}

/// A project that has keys.
pub(crate) struct Project {
    /// Its number, by which ids of keys name it.
    pub(super) number: u32,
    pub(super) id: ProjectId,
    pub(super) account: AccountId,
    /// The partition with its records and, but for those in key stores, its keys.
    pub(super) partition: Arc<Partition>,
    /// Held by whoever changes something, from the first look to when it is shown.
    pub(super) turn: Mutex<()>,
    pub(super) shelf: RwLock<Shelf>,
    /// How often its keys were asked for something. Locked after the shelf, if both are.
    pub(super) counts: Mutex<Counts>,
}

/// Everything of a project.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) keys: BTreeMap<KeyId, Kept<Key>>,
    pub(super) by_name: HashMap<String, KeyId>,
    /// The keys in the order in which they were made.
    pub(super) in_order: BTreeMap<u64, KeyId>,
    /// The number of the next record of a key.
    pub(super) next_key: u64,
    /// What was given out for imports, by the number of its record.
    pub(super) tickets: BTreeMap<u64, Kept<Ticket>>,
    /// The number of the next of those.
    pub(super) next_ticket: u64,
    /// Access points, by the numbers of their records.
    pub(super) points: BTreeMap<u64, Kept<AccessPoint>>,
    /// Key policies, by the numbers of their records.
    pub(super) policies: BTreeMap<u64, Kept<KeyPolicy>>,
    /// The grants on keys.
    pub(super) grants: Grants,
    /// What is due.
    pub(super) agenda: Agenda,
    /// Aliases of keys, by themselves.
    pub(super) aliases: HashMap<String, Kept<Alias>>,
    /// The number of the next record of an alias.
    pub(super) next_alias: u64,
}

impl Kept<Key> {
    /// The key with its objects where they are: in a key store's partition, or in the project's; either may have another
    /// slot since it was restored. Where a store's partition was, another may be.
    fn at_home(mut self, stores: &Stores, own: u64) -> Self {
        let slot = match self.store {
            None => own,
            Some(store) => stores.slot_of(Uuid(store)).unwrap_or(NOWHERE),
        };
        if self.slot != slot {
            self.value = Arc::new(Key { slot, ..(*self.value).clone() });
        }
        self
    }
}

impl Shelf {
    pub(super) fn read(hsm: &Hsm, stores: &Stores, partition: &Partition) -> Result<Self> {
        let grants = Grants::read(hsm, partition)?;
        let mut shelf = Self { next_key: 1, next_ticket: 1, next_alias: 1, grants, ..Self::default() };
        for read in hsm.service_records_in(partition, Kind::KmsKey)? {
            shelf.show_key(Kept::<Key>::read(read)?.at_home(stores, partition.slot().0));
        }
        for read in hsm.service_records_in(partition, Kind::KmsImport)? {
            shelf.show_ticket(Kept::read(read)?);
        }
        for read in hsm.service_records_in(partition, Kind::KmsAlias)? {
            shelf.show_alias(Kept::read(read)?);
        }
        for read in hsm.service_records_in(partition, Kind::KmsAccessPoint)? {
            let point: Kept<AccessPoint> = Kept::read(read)?;
            shelf.points.insert(point.number, point);
        }
        for read in hsm.service_records_in(partition, Kind::KmsPolicy)? {
            let policy: Kept<KeyPolicy> = Kept::read(read)?;
            shelf.policies.insert(policy.number, policy);
        }
        Ok(shelf)
    }

    /// The key of this id.
    pub(super) fn key(&self, id: KeyId) -> Result<Kept<Key>> {
        self.keys.get(&id).cloned().ok_or(KmsError::NoKey)
    }

    /// Shows a key as it was committed, in place of what was there.
    pub(super) fn show_key(&mut self, key: Kept<Key>) {
        self.hide_key(key.id);
        self.next_key = self.next_key.max(key.number + 1);
        self.by_name.insert(key.name.clone(), key.id);
        self.in_order.insert(key.number, key.id);
        self.agenda.extend(key.due().map(|at| (at, Due::Key(key.id))));
        self.keys.insert(key.id, key);
    }

    /// Takes a key away that is gone.
    pub(super) fn hide_key(&mut self, id: KeyId) {
        if let Some(old) = self.keys.remove(&id) {
            self.by_name.remove(&old.name);
            self.in_order.remove(&old.number);
            if let Some(at) = old.due() {
                self.agenda.remove(&(at, Due::Key(id)));
            }
        }
    }

    /// Shows parameters for an import.
    pub(super) fn show_ticket(&mut self, ticket: Kept<Ticket>) {
        self.next_ticket = self.next_ticket.max(ticket.number + 1);
        self.agenda.insert((ticket.expires, Due::Ticket(ticket.number)));
        self.tickets.insert(ticket.number, ticket);
    }

    /// Takes all away that is about a key.
    pub(super) fn hide_belongings(&mut self, key: KeyId) {
        self.aliases.retain(|_, alias| alias.key != key);
        self.grants.hide_of(key);
        let Self { tickets, agenda, .. } = self;
        tickets.retain(|number, ticket| {
            let stays = ticket.key != key;
            if !stays {
                agenda.remove(&(ticket.expires, Due::Ticket(*number)));
            }
            stays
        });
    }

    /// Takes parameters for an import away.
    pub(super) fn hide_ticket(&mut self, number: u64) {
        if let Some(ticket) = self.tickets.remove(&number) {
            self.agenda.remove(&(ticket.expires, Due::Ticket(number)));
        }
    }

    /// What is written when a key goes, with all that is of it alone.
    pub(super) fn belongings(&self, id: KeyId) -> Vec<Write> {
        let tickets = self.tickets.values().filter(|ticket| ticket.key == id);
        let tickets = tickets.map(|ticket| ticket.deletion(Kind::KmsImport));
        let aliases = self.aliases_of(id).map(|alias| alias.deletion(Kind::KmsAlias));
        let grants = self.grants.on(id).map(|grant| grant.deletion(Kind::KmsGrant));
        tickets.chain(aliases).chain(grants).collect()
    }

    /// Custom keys, and default ones.
    pub(super) fn count(&self, default: bool) -> usize {
        self.keys.values().filter(|key| key.default == default).count()
    }
}
