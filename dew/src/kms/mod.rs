//! The KMS: keys of projects, which are objects in a partition of the project's own in the HSM, and what is known of them.
//!
//! A key's record and its objects change in one commit. A key that may not be used is suspended in the HSM itself, so that
//! it is refused through every door. Who may do what, [`allow`] decides, once for each request and key.

use std::collections::HashMap;
use std::sync::Arc;

use hsm::event::Actor;
use hsm::partition::Partition;
use hsm::service::{Deed, Kind, Write};
use hsm::{Desk, Hsm, Work};
use parking_lot::{Mutex, RwLock};

use crate::caller::Caller;
use crate::iam::{AccountId, EnterpriseProjectId, Iam, ProjectId};

mod access_point;
mod agree;
mod alias;
mod allow;
mod capsule;
pub mod cipher;
mod counts;
mod create;
mod data;
mod data_key;
mod due;
mod error;
mod grant;
mod granting;
mod id;
mod import;
mod key;
mod key_policy;
mod leaving;
mod lend;
mod life;
mod list;
mod mac;
mod name;
mod pin;
mod project;
mod random;
mod re_encrypt;
pub(crate) mod record;
mod region;
mod rotate;
mod rsa;
mod signature;
pub mod spec;
mod store;
mod tags;

pub use crate::due::{DAY, Millis};
pub use access_point::{AccessPoint, NewAccessPoint, PointKind};
pub use agree::DataKeyPair;
pub use alias::Alias;
pub use capsule::{Attestation, Capsule, Given, Opened, Under};
pub use counts::{Count, Month};
pub use create::NewKey;
pub use data::{Decrypted, Encrypted, Scheme};
pub use data_key::{DataKey, Length};
pub use due::{Did, Happened, Tell};
pub use error::{KmsError, Result};
pub use grant::{Grant, GrantId, Granted, Grantee};
pub use granting::NewGrant;
pub use id::KeyId;
pub use import::{Arrival, ImportParameters};
pub use key::{Imported, Key, Multi, Origin, Rotation, State, Version};
pub use key_policy::{KeyPolicy, Terms};
pub(crate) use lend::Borrower;
pub use list::{Page, Paged, Quota, Search};
pub use mac::MacAlgorithm;
pub(crate) use project::described as described_home;
pub use re_encrypt::{Place, ReEncrypted};
pub use record::Kept;
pub use region::Replica;
pub use signature::{Algorithm, Message};
pub(crate) use store::described as described_store;
pub use store::{KeyStore, NewKeyStore, StoreKind, Uuid};
pub use tags::{KeyBreach, TagCall};

use counts::Counts;
use project::{Home, Project, Shelf};
use record::creation;
use store::Stores;

/// How much of everything there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Custom keys of a project.
    pub keys: usize,
    /// Grants on a key.
    pub grants: usize,
    /// Aliases of a key.
    pub aliases: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { keys: 100, grants: 100, aliases: 50 }
    }
}

/// Whose keys a partition of the KMS has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Those of a project that are in no key store.
    Project(ProjectId),
    /// Those of a key store.
    KeyStore(Uuid),
}

/// The KMS.
pub struct Kms {
    hsm: Arc<Hsm>,
    iam: Arc<Iam>,
    quotas: Quotas,
    /// Told what it does by itself.
    tell: Tell,
    homes: RwLock<Homes>,
    stores: Stores,
    /// Held while a project gets its partition.
    making: Mutex<()>,
    /// Held by whoever makes happen what is due.
    running: Mutex<()>,
    /// Held while an alias is made.
    aliasing: Mutex<()>,
}

/// Where the keys of projects are.
#[derive(Default)]
struct Homes {
    by_project: HashMap<ProjectId, (u32, Home)>,
    by_number: HashMap<u32, ProjectId>,
    /// Those that have been read.
    read: HashMap<ProjectId, Arc<Project>>,
    /// When the first thing is due in those that have only been looked at.
    looked_at: HashMap<ProjectId, Option<Millis>>,
    /// The grants of those whose grants alone have been read.
    granted: HashMap<ProjectId, Vec<Kept<Grant>>>,
    next: u32,
}

impl Homes {
    fn read(hsm: &Hsm) -> Result<Self> {
        let mut homes = Homes { next: 1, ..Homes::default() };
        for read in hsm.service_records(Kind::Kms)? {
            let home: Kept<Home> = Kept::read(read)?;
            let number =
                u32::try_from(home.number).map_err(|_| KmsError::Internal("projects are counted"))?;
            homes.next = homes.next.max(number + 1);
            homes.by_number.insert(number, home.project);
            // Of a project whose partition was destroyed, and which got another one, there are both: either may be restored.
            let is_there = numbered(hsm, home.slot, &home.serial).is_some();
            if is_there || !homes.by_project.contains_key(&home.project) {
                homes.by_project.insert(home.project, (number, (*home).clone()));
            }
        }
        Ok(homes)
    }

    /// Forgets what was read of a project whose partition is another now, or none.
    fn forget_what_was_read(&mut self, project: ProjectId) {
        self.read.remove(&project);
        self.looked_at.remove(&project);
        self.granted.remove(&project);
    }
}

impl Kms {
    /// The KMS of an HSM. What it does by itself it tells at once.
    ///
    /// # Errors
    /// What the vault says.
    pub fn open(hsm: Arc<Hsm>, iam: Arc<Iam>, quotas: Quotas, tell: Tell) -> Result<Self> {
        let (homes, stores) = (Homes::read(&hsm)?, Stores::read(&hsm)?);
        Ok(Self {
            hsm,
            iam,
            quotas,
            tell,
            homes: RwLock::new(homes),
            stores,
            making: Mutex::default(),
            running: Mutex::default(),
            aliasing: Mutex::default(),
        })
    }

    /// Reads what is kept anew, after it was restored from a backup.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reload(&self) -> Result<()> {
        let _nobody_gets_a_partition = self.making.lock();
        let homes = Homes::read(&self.hsm)?;
        self.stores.replace(Stores::read(&self.hsm)?);
        *self.homes.write() = homes;
        Ok(())
    }

    /// The directory of accounts that it goes by.
    #[must_use]
    pub fn iam(&self) -> &Arc<Iam> {
        &self.iam
    }

    /// How much of everything there may be.
    #[must_use]
    pub const fn quotas(&self) -> Quotas {
        self.quotas
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.hsm.time_ms()
    }

    /// The name of a key of a project and the enterprise project that it is in, as traces tell them; none if the project
    /// has no key of this id.
    #[must_use]
    pub fn shown_name(&self, project: ProjectId, id: &str) -> Option<(String, EnterpriseProjectId)> {
        let key = self.project(project).ok()??.shelf.read().key(id.parse().ok()?).ok()?;
        Some((key.name.clone(), EnterpriseProjectId(key.enterprise_project)))
    }

    /// The project that a request is made in.
    ///
    /// # Errors
    /// `OtherProject` if it is none of the caller's account, or suspended.
    fn own(&self, caller: &Caller) -> Result<(ProjectId, AccountId)> {
        let project = caller.own_project(&self.iam).filter(|project| !project.suspended);
        project.map(|project| (project.id, project.account)).ok_or(KmsError::OtherProject)
    }

    /// What is kept of a project; none if it never had a key, or its partition was destroyed.
    fn project(&self, id: ProjectId) -> Result<Option<Arc<Project>>> {
        let home = {
            let homes = self.homes.read();
            if let Some(project) = homes.read.get(&id) {
                return Ok(Some(Arc::clone(project)));
            }
            homes.by_project.get(&id).cloned()
        };
        let Some((number, home)) = home else { return Ok(None) };
        let Some(partition) = self.partition_of(&home) else { return Ok(None) };
        let shelf = RwLock::new(Shelf::read(&self.hsm, &self.stores, &partition)?);
        let (id, account) = (home.project, home.account);
        let counts = Mutex::new(Counts::read(&self.hsm, &partition)?);
        let project = Project { number, id, account, partition, turn: Mutex::default(), shelf, counts };
        // Somebody else may have read it meanwhile, and changed something since.
        let mut homes = self.homes.write();
        Ok(Some(Arc::clone(homes.read.entry(id).or_insert_with(|| Arc::new(project)))))
    }

    /// The projects that were asked for since the start.
    fn projects_in_use(&self) -> Vec<Arc<Project>> {
        self.homes.read().read.values().cloned().collect()
    }

    /// The partition of a project.
    fn partition_of(&self, home: &Home) -> Option<Arc<Partition>> {
        numbered(&self.hsm, home.slot, &home.serial)
    }

    /// Whose keys a partition has, if it is one of the KMS.
    #[must_use]
    pub fn owner_of(&self, partition: &Partition) -> Option<Owner> {
        let serial = partition.serial();
        if let Some(store) = self.stores.of_serial(&serial) {
            return Some(Owner::KeyStore(store));
        }
        let homes = self.homes.read();
        let mut homes = homes.by_project.values().map(|(_, home)| home);
        homes.find(|home| home.serial == serial).map(|home| Owner::Project(home.project))
    }

    /// What is kept of a project, which gets its partition now if it has none.
    fn project_or_new(&self, id: ProjectId, account: AccountId) -> Result<Arc<Project>> {
        if let Some(project) = self.project(id)? {
            return Ok(project);
        }
        let _one_at_a_time = self.making.lock();
        if let Some(project) = self.project(id)? {
            return Ok(project);
        }
        if self.iam.project(id).is_none() {
            return Err(KmsError::OtherProject); // gone meanwhile, with its account
        }
        let number = self.homes.read().next;
        let mut made = None;
        let home = |slot: u64, serial: &str| -> Result<Vec<Write>, hsm::Error> {
            let home = Home { project: id, account, slot, serial: serial.to_owned() };
            let write = creation(Kind::Kms, number.into(), &home);
            made = Some(home);
            Ok(vec![write.map_err(|_| hsm::Error::Internal("a project's home has an encoding"))?])
        };
        // A label has 32 bytes, and a project's id 32 digits.
        let deed = Deed { by: Actor::DAEMON, action: "create the partition", details: &[] };
        self.hsm.create_for_service(&id.to_string(), home, deed)?;
        let home = made.ok_or(KmsError::Internal("a partition that was made has a slot"))?;
        let mut homes = self.homes.write();
        homes.next = number + 1;
        homes.by_number.insert(number, id);
        homes.by_project.insert(id, (number, home));
        homes.forget_what_was_read(id);
        drop(homes);
        self.project(id)?.ok_or(KmsError::Internal("a project that was made is there"))
    }

    /// Forgets what was in a partition, by its serial number, which was destroyed: the keys of a project, or a key store.
    pub fn forget_partition(&self, serial: &str) {
        self.stores.forget(serial);
        let mut homes = self.homes.write();
        let is_its = |(_, (_, home)): &(&ProjectId, &(u32, Home))| home.serial == serial;
        if let Some(id) = homes.by_project.iter().find(is_its).map(|(id, _)| *id) {
            homes.forget_what_was_read(id);
        }
    }

    /// A place at the partition of a slot.
    fn desk(&self, slot: u64, caller: &Caller) -> Result<Desk> {
        Ok(self.hsm.desk(slot, caller.guest())?)
    }

    /// Changes a key, in one commit with what becomes of its objects, and shows it.
    fn change_key(
        &self,
        project: &Project,
        key: &Kept<Key>,
        changed: Key,
        caller: &Caller,
        mut work: Work<'_>,
    ) -> Result<Kept<Key>> {
        work.writes.push((project.partition.slot().0, key.update(Kind::KmsKey, &changed)?));
        let version = self.commit_of(project, key, caller, work)?;
        let changed = key.updated(version, changed);
        project.shelf.write().show_key(changed.clone());
        Ok(changed)
    }

    /// Commits what becomes of a key and its objects; of one whose objects went with their partition, what is known of it.
    fn commit_of(
        &self,
        project: &Project,
        key: &Key,
        caller: &Caller,
        mut work: Work<'_>,
    ) -> Result<hsm::vault::Version> {
        let mut slot = key.slot;
        if self.hsm.partition_of_slot(slot).is_none() {
            work.remove.clear();
            work.revise.clear();
            slot = project.partition.slot().0;
        }
        Ok(self.desk(slot, caller)?.commit(work)?)
    }
}

/// The partition of this serial number, which had this slot: a restore may have given it another one.
fn numbered(hsm: &Hsm, slot: u64, serial: &str) -> Option<Arc<Partition>> {
    let is_it = |partition: &Arc<Partition>| partition.serial() == serial;
    hsm.partition_of_slot(slot).filter(is_it).or_else(|| hsm.partitions().into_iter().find(is_it))
}
