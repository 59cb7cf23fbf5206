//! Key stores: partitions of their own for some keys of a project, which are disabled all at once.
//!
//! The keys of a store are objects of its partition; what is known of them is kept with all other keys of the project.
//! Disabling a store suspends its keys' objects, so that they are refused through every door; enabling it lets those be
//! used again that are enabled themselves.
//!
//! A keyspace, which access points and key policies belong to, is a key store, or the keys of a project that are in
//! none: the id of that one is the project's own, in the form of a UUID.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use hsm::partition::Partition;
use hsm::service::{Deed, Described, Kind, Write};
use hsm::{Revision, Work};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use super::allow::About;
use super::error::{KmsError, Result};
use super::key::State;
use super::name::check_name;
use super::project::Project;
use super::record::{Kept, creation, decoded};
use super::{KeyId, Kms, Millis, numbered};
use crate::caller::Caller;
use crate::iam::{AccountId, EnterpriseProjectId, ProjectId};

/// The most key stores of a project.
const MAX: usize = 16;
/// The most bytes of what is said of a cluster.
const MAX_CLUSTER: usize = 255;

/// A UUID: of a key store, and of what belongs to a keyspace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// A random one.
    pub(crate) const fn from_random(random: [u8; 16]) -> Self {
        Self(EnterpriseProjectId::from_random(random).0)
    }

    /// The label that the partition of the key store of this id gets.
    fn label(self) -> String {
        self.to_string().split('-').collect()
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&KeyId(self.0), f)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = KmsError;
    fn from_str(text: &str) -> Result<Self, KmsError> {
        // The interface takes capitals in these.
        let id = text.to_ascii_lowercase().parse::<KeyId>();
        id.map(|id| Self(id.0)).map_err(|_| KmsError::Field(format!("{text:?} is no UUID of 36 characters")))
    }
}

/// What kind of store somebody calls it. Here all are partitions of this HSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreKind {
    /// On a cluster of dedicated HSMs.
    Dhsm,
    /// On a cluster of another service.
    Cdms,
    /// Of the KMS itself.
    Default,
}

impl StoreKind {
    const ALL: [Self; 3] = [Self::Dhsm, Self::Cdms, Self::Default];

    /// As the interface writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dhsm => "DHSM",
            Self::Cdms => "CDMS",
            Self::Default => "DEFAULT",
        }
    }

    /// The kind that the interface writes so.
    ///
    /// # Errors
    /// `Field`
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            KmsError::Field(format!("keystore_type {name:?} is unknown: expected DHSM, CDMS or DEFAULT"))
        })
    }
}

/// A key store: a record of the HSM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyStore {
    /// Its id.
    pub id: Uuid,
    /// The project.
    pub project: ProjectId,
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// What it is called.
    pub kind: StoreKind,
    /// Which cluster of HSMs it is said to be on; nothing goes by it.
    pub hsm_cluster: String,
    /// Which cluster it is said to be on; nothing goes by it.
    pub cluster: String,
    /// Whether its keys can be used.
    pub enabled: bool,
    /// When it was made.
    pub created: Millis,
    /// The slot of its partition.
    pub slot: u64,
    /// The serial number of its partition.
    pub serial: String,
}

impl KeyStore {
    fn partition(&self, hsm: &hsm::Hsm) -> Option<Arc<Partition>> {
        numbered(hsm, self.slot, &self.serial)
    }
}

/// A key store that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct NewKeyStore<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is called.
    pub kind: StoreKind,
    /// Which cluster of HSMs it is said to be on.
    pub hsm_cluster: &'a str,
    /// Which cluster it is said to be on.
    pub cluster: &'a str,
}

/// What a restore must know of a record of one.
pub(crate) fn described(record: &[u8]) -> Option<Described> {
    let KeyStore { id, name, serial, .. } = decoded(record).ok()?;
    Some(Described { id: id.0, name, places: Vec::new(), partition: Some(serial) })
}

/// All key stores.
#[derive(Default)]
pub(super) struct Stores {
    by_id: RwLock<HashMap<Uuid, Kept<KeyStore>>>,
}

impl Stores {
    pub(super) fn read(hsm: &hsm::Hsm) -> Result<Self> {
        let stores = Self::default();
        for read in hsm.service_records(Kind::KmsStore)? {
            let mut store: Kept<KeyStore> = Kept::read(read)?;
            // One whose partition is gone cannot be used for anything.
            let Some(partition) = store.partition(hsm) else { continue };
            let slot = partition.slot().0;
            if store.slot != slot {
                store.value = Arc::new(KeyStore { slot, ..(*store).clone() });
            }
            stores.show(store);
        }
        Ok(stores)
    }

    /// Shows those that were read anew.
    pub(super) fn replace(&self, with: Self) {
        *self.by_id.write() = with.by_id.into_inner();
    }

    /// Forgets the one whose partition had this serial number.
    pub(super) fn forget(&self, serial: &str) {
        self.by_id.write().retain(|_, store| store.serial != serial);
    }

    fn show(&self, store: Kept<KeyStore>) {
        self.by_id.write().insert(store.id, store);
    }

    /// The store of this id, if it is the project's.
    pub(super) fn of(&self, project: ProjectId, id: Uuid) -> Result<Kept<KeyStore>> {
        let store = self.by_id.read().get(&id).cloned();
        store.filter(|store| store.project == project).ok_or(KmsError::NoKeyStore)
    }

    /// The slot of the partition of the store of this id, if it is there.
    pub(super) fn slot_of(&self, id: Uuid) -> Option<u64> {
        self.by_id.read().get(&id).map(|store| store.slot)
    }

    /// The store whose partition has this serial number.
    pub(super) fn of_serial(&self, serial: &str) -> Option<Uuid> {
        self.by_id.read().values().find(|store| store.serial == serial).map(|store| store.id)
    }

    /// Those of a project, in the order in which they were made.
    pub(super) fn all_of(&self, project: ProjectId) -> Vec<Kept<KeyStore>> {
        let all = self.by_id.read();
        let mut stores: Vec<_> = all.values().filter(|store| store.project == project).cloned().collect();
        stores.sort_unstable_by_key(|store| store.number);
        stores
    }

    /// Refuses what cannot be done with keys of a store that is disabled.
    pub(super) fn check_enabled(&self, id: Option<[u8; 16]>) -> Result<()> {
        let Some(id) = id else { return Ok(()) };
        match self.by_id.read().get(&Uuid(id)) {
            Some(store) if store.enabled => Ok(()),
            _ => Err(KmsError::StoreDisabled),
        }
    }
}

impl Kms {
    /// Makes a key store: a partition with nothing in it.
    ///
    /// # Errors
    /// `BadName`, `Field`, `StoreNameTaken`, `Quota`; `Forbidden`; what the HSM says.
    pub fn create_key_store(&self, caller: &Caller, new: NewKeyStore<'_>) -> Result<Kept<KeyStore>> {
        check_name("keystore_alias", new.name)?;
        if [new.hsm_cluster, new.cluster].iter().any(|cluster| cluster.len() > MAX_CLUSTER) {
            return Err(KmsError::Field(format!("the id of a cluster has at most {MAX_CLUSTER} characters")));
        }
        let (project, account) = self.permitted_in(caller, "CreateKeyStore", About::NOTHING)?;
        let project = self.project_or_new(project, account)?;
        let _turn = project.turn.lock();
        let there = self.stores.all_of(project.id);
        if there.iter().any(|store| store.name == new.name) {
            return Err(KmsError::StoreNameTaken);
        }
        if there.len() >= MAX {
            return Err(KmsError::Quota(format!(
                "the project has {MAX} key stores, and more there cannot be"
            )));
        }
        let id = Uuid::from_random(self.hsm.random()?);
        let store = KeyStore {
            id,
            project: project.id,
            account,
            name: new.name.to_owned(),
            kind: new.kind,
            hsm_cluster: new.hsm_cluster.to_owned(),
            cluster: new.cluster.to_owned(),
            enabled: true,
            created: self.now(),
            slot: 0,
            serial: String::new(),
        };
        let (guest, details) = (caller.guest(), about(&store, caller));
        let deed = Deed { by: guest.actor(), action: "create a key store", details: &details };
        let _one_at_a_time = self.making.lock();
        if self.iam.project(project.id).is_none() {
            return Err(KmsError::OtherProject); // gone meanwhile, with its account
        }
        let number = self.hsm.service_records(Kind::KmsStore)?.last().map_or(1, |(number, ..)| number + 1);
        let record = |slot: u64, serial: &str| -> Result<Vec<Write>, hsm::Error> {
            let store = KeyStore { slot, serial: serial.to_owned(), ..store };
            let write = creation(Kind::KmsStore, number, &store);
            Ok(vec![write.map_err(|_| hsm::Error::Internal("a key store has an encoding"))?])
        };
        self.hsm.create_for_service(&id.label(), record, deed)?;
        // As it was committed.
        let made = self.hsm.service_records(Kind::KmsStore)?.into_iter().find(|(other, ..)| *other == number);
        let made = Kept::read(made.ok_or(KmsError::Internal("a key store that was made is there"))?)?;
        self.stores.show(Kept::clone(&made));
        Ok(made)
    }

    /// The key stores of the project.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn list_key_stores(&self, caller: &Caller) -> Result<Vec<Kept<KeyStore>>> {
        let (project, _) = self.permitted_in(caller, "ListKeyStores", About::NOTHING)?;
        Ok(self.stores.all_of(project))
    }

    /// A key store.
    ///
    /// # Errors
    /// `NoKeyStore`, `Field`; `Forbidden`.
    pub fn show_key_store(&self, caller: &Caller, id: &str) -> Result<Kept<KeyStore>> {
        let (project, _) = self.permitted_in(caller, "ShowKeyStore", About::NOTHING)?;
        self.stores.of(project, id.parse()?)
    }

    /// Lets the keys of a store be used, or not.
    ///
    /// # Errors
    /// `NoKeyStore`, `Field`; `Forbidden`; what the HSM says.
    pub fn enable_key_store(&self, caller: &Caller, id: &str, enabled: bool) -> Result<Kept<KeyStore>> {
        let operation = if enabled { "EnableKeyStore" } else { "DisableKeyStore" };
        let (project, account) = self.permitted_in(caller, operation, About::NOTHING)?;
        let id: Uuid = id.parse()?;
        self.stores.of(project, id)?;
        let project = self.project_or_new(project, account)?;
        let _turn = project.turn.lock();
        let store = self.stores.of(project.id, id)?;
        let changed = KeyStore { enabled, ..(*store).clone() };
        let details = about(&changed, caller);
        let action = if enabled { "enable a key store" } else { "disable a key store" };
        let mut work = Work { action, details: &details, ..Work::default() };
        for key in project.shelf.read().keys.values().filter(|key| key.store == Some(id.0)) {
            let suspended = !enabled || key.state != State::Enabled;
            work.revise
                .extend(key.objects().into_iter().map(|object| (object, Revision::Suspended(suspended))));
        }
        work.writes.push((0, store.update(Kind::KmsStore, &changed)?));
        let version = self.desk(store.slot, caller)?.commit(work)?;
        let store = store.updated(version, changed);
        self.stores.show(store.clone());
        Ok(store)
    }

    /// Takes a key store away that has no keys, with its partition, its access points and its key policies.
    ///
    /// # Errors
    /// `NoKeyStore`, `StoreHasKeys`, `Field`; `Forbidden`; `Busy` if somebody works on it; what the HSM says.
    pub fn delete_key_store(&self, caller: &Caller, id: &str) -> Result<()> {
        let (project, account) = self.permitted_in(caller, "DeleteKeyStore", About::NOTHING)?;
        let id: Uuid = id.parse()?;
        self.stores.of(project, id)?;
        let project = self.project_or_new(project, account)?;
        let _turn = project.turn.lock();
        let store = self.stores.of(project.id, id)?;
        if has_keys(&project, id) {
            return Err(KmsError::StoreHasKeys);
        }
        let (own, guest, details) = (project.partition.slot().0, caller.guest(), about(&store, caller));
        let mut writes = vec![(0, store.deletion(Kind::KmsStore))];
        {
            // With a keyspace goes what belongs to it.
            let shelf = project.shelf.read();
            let points = shelf.points.values().filter(|point| point.keyspace == id);
            let policies = shelf.policies.values().filter(|policy| policy.keyspace == id);
            writes.extend(points.map(|point| (own, point.deletion(Kind::KmsAccessPoint))));
            writes.extend(policies.map(|policy| (own, policy.deletion(Kind::KmsPolicy))));
        }
        let deed = Deed { by: guest.actor(), action: "delete a key store", details: &details };
        let partition = store.partition(&self.hsm).ok_or(KmsError::NoKeyStore)?;
        self.hsm.delete_for_service(&partition, writes, deed).map_err(|error| match error {
            hsm::Error::SessionExists(_) => KmsError::Busy,
            error => error.into(),
        })?;
        {
            let mut shelf = project.shelf.write();
            shelf.points.retain(|_, point| point.keyspace != id);
            shelf.policies.retain(|_, policy| policy.keyspace != id);
        }
        self.stores.by_id.write().remove(&id);
        Ok(())
    }

    /// Where the objects of a new key are to be: the slot, and the store. `0` and nothing mean no store.
    pub(super) fn place_of(&self, project: &Project, store: Option<&str>) -> Result<(u64, Option<[u8; 16]>)> {
        Ok(match self.store_of(project.id, store)? {
            None => (project.partition.slot().0, None),
            Some(store) => (store.slot, Some(store.id.0)),
        })
    }

    /// The store of a project in which a new key is to be; `0` and nothing mean none.
    pub(super) fn store_of(&self, project: ProjectId, store: Option<&str>) -> Result<Option<Kept<KeyStore>>> {
        let Some(id) = store.filter(|id| *id != "0" && !id.is_empty()) else { return Ok(None) };
        let id: Uuid = id.parse()?;
        if id == keyspace(project) {
            return Ok(None);
        }
        let store = self.stores.of(project, id)?;
        if store.enabled { Ok(Some(store)) } else { Err(KmsError::StoreDisabled) }
    }

    /// A keyspace of a project: one of its key stores, or its keys that are in none.
    pub(super) fn keyspace(&self, project: ProjectId, id: Uuid) -> Result<Uuid> {
        if id != keyspace(project) {
            self.stores.of(project, id)?;
        }
        Ok(id)
    }
}

/// The keyspace of the keys of a project that are in no store.
pub(super) const fn keyspace(project: ProjectId) -> Uuid {
    Uuid(project.0)
}

fn has_keys(project: &Project, store: Uuid) -> bool {
    project.shelf.read().keys.values().any(|key| key.store == Some(store.0))
}

/// What records say of a key store.
fn about(store: &KeyStore, caller: &Caller) -> [(&'static str, String); 4] {
    let state = if store.enabled { "enabled" } else { "disabled" };
    [
        ("key store", store.id.to_string()),
        ("name", store.name.clone()),
        ("state", state.to_owned()),
        ("request", caller.request.to_string()),
    ]
}
