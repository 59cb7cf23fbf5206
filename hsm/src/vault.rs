//! The vault: what sits on a [`Store`] and sees to confidentiality, integrity and roll-back.
//!
//! Whole records are sealed with AES-256-GCM, bound to the store, their id and their version; a version is the
//! number of the commit that wrote the record. Each commit also writes a sealed journal entry that names every
//! record it changed, so that at opening the exact version of each record is known: an old copy, a missing
//! record and a foreign one are all noticed and named. The newest commit that was acknowledged is told to an
//! [`Anchor`] outside the store, so that an old copy of the whole store is noticed as well.
//!
//! Keys: the root key is given from outside. From it comes the key that seals the store key in the header. From
//! the store key come those of the journal, of the anchor and of domain 0, the HSM itself. Every other
//! domain (a partition) has a random key of its own, kept as a record of domain 0: destroying that record
//! destroys the partition. All of them can be replaced while the vault is in use ([`rekey`]).
//!
//! Commits of several threads at once go to the store together ([`group`]): one of the waiting threads takes
//! them all, and all return when they are durable.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crypto::Secret;
use parking_lot::{Mutex, RwLock};

use crate::store::{Store, StoreError};

pub mod anchor;
mod error;
mod group;
mod header;
mod id;
mod journal;
mod keys;
mod ledger;
mod opening;
mod rekey;
mod still;
#[cfg(test)]
mod tests;
mod zeroize;

pub use anchor::{Anchor, AnchorError, AnchorState};
pub use error::{Damage, Fault, VaultError};
pub use id::{RecordId, Version, kind};
pub use keys::RootKey;
pub use ledger::{Kept, Ledger, NotRecorded, Note};
pub use rekey::Progress;
pub use still::{Still, StillError};

use group::Queue;
use header::Lid;
use journal::{Head, Stamp};
use keys::{Ring, SealingKey, StoreId, StoreKeys};
use ledger::Notes;
use rekey::Pass;
use still::Stills;

/// What a record must be for a change to it to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Not there.
    Absent,
    /// Of this version.
    Version(Version),
    /// Anything.
    Any,
}

/// A change to one record.
#[derive(Debug)]
pub struct Change {
    /// The record.
    pub id: RecordId,
    /// What it must be before.
    pub expect: Expect,
    /// Its new content; none deletes it.
    pub value: Option<Secret>,
}

impl Change {
    /// Gives a new record its content.
    #[must_use]
    pub fn create(id: RecordId, value: Secret) -> Self {
        Self { id, expect: Expect::Absent, value: Some(value) }
    }

    /// Gives a record of a known version new content.
    #[must_use]
    pub fn update(id: RecordId, version: Version, value: Secret) -> Self {
        Self { id, expect: Expect::Version(version), value: Some(value) }
    }

    /// Deletes a record of a known version.
    #[must_use]
    pub fn delete(id: RecordId, version: Version) -> Self {
        Self { id, expect: Expect::Version(version), value: None }
    }
}

/// What is committed together: changes, and what is to be recorded of them.
#[derive(Debug, Default)]
pub struct Batch {
    changes: Vec<Change>,
    notes: Vec<Note>,
}

impl Batch {
    /// Changes, and what is to be recorded of them.
    #[must_use]
    pub const fn new(changes: Vec<Change>, notes: Vec<Note>) -> Self {
        Self { changes, notes }
    }
}

/// Changes of which nothing is recorded.
impl From<Vec<Change>> for Batch {
    fn from(changes: Vec<Change>) -> Self {
        Self { changes, notes: Vec::new() }
    }
}

/// What opening takes the anchor for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The store must hold all that the anchor says was acknowledged.
    Anchor,
    /// The store is taken as it is, and the anchor is made to follow: for a store that was put back from a
    /// backup on purpose, or whose anchor is lost. Its records and journal are checked all the same.
    Store,
}

/// Sealed records with versions, on a store that is trusted with nothing.
pub struct Vault {
    store: Arc<dyn Store>,
    anchor: Arc<dyn Anchor>,
    id: StoreId,
    known: RwLock<Known>,
    writer: Mutex<Writer>,
    queue: Queue,
    stills: Stills,
    /// Held by whoever seals records anew.
    pass: Mutex<Pass>,
    /// How far that is: apart, since whoever asks does not wait for a commit.
    progress: Mutex<Progress>,
}

/// What is known of the records that are there.
struct Known {
    records: BTreeMap<RecordId, Stamp>,
    /// The keys of all domains, with domain 0.
    domains: HashMap<u64, Arc<Ring<SealingKey>>>,
}

/// Where the journal stands. Whoever holds it writes.
struct Writer {
    head: Head,
    /// The commit of the snapshot that the journal goes on from, and its pages; 0 and 0 if there is none.
    snapshot: (u64, u32),
    /// Why nothing can be written any more.
    broken: Option<String>,
    /// What is to be recorded of changes.
    notes: Notes,
    keys: Ring<StoreKeys>,
    /// What seals the header.
    lid: Lid,
}

impl Vault {
    /// Opens the vault on a store, and makes one if both store and anchor are empty. Every record is checked.
    ///
    /// # Errors
    /// `WrongRootKey` if the store was made with another; `Damaged` with the name of the record, journal entry
    /// or part that is not what was last acknowledged; else what store and anchor say.
    pub fn open(store: Arc<dyn Store>, anchor: Arc<dyn Anchor>, root: &RootKey) -> Result<Self, VaultError> {
        opening::open(store, anchor, root, Trust::Anchor, b"")
    }

    /// As [`Self::open`], taking the anchor for what `trust` says; a vault that is made now notes `custody`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_trusting(
        store: Arc<dyn Store>,
        anchor: Arc<dyn Anchor>,
        root: &RootKey,
        trust: Trust,
        custody: &[u8],
    ) -> Result<Self, VaultError> {
        opening::open(store, anchor, root, trust, custody)
    }

    /// What whoever keeps the root key has noted beside the header; none if the store holds no vault. Until the
    /// vault is open nobody has authenticated it.
    ///
    /// # Errors
    /// `Damaged` if there is no telling; what the store says.
    pub fn custody(store: &dyn Store) -> Result<Option<Vec<u8>>, VaultError> {
        let header = store.get(header::HEADER)?;
        Ok(header.map(|header| header::custody(&header.value)).transpose()?)
    }

    /// Whether a store holds a vault already.
    ///
    /// # Errors
    /// What the store says.
    pub fn is_made(store: &dyn Store) -> Result<bool, StoreError> {
        Ok(store.get(header::HEADER)?.is_some())
    }

    /// A record's content and version; none if it is not there.
    ///
    /// # Errors
    /// `Damaged` if what the store has is not what was last acknowledged.
    pub fn get(&self, id: RecordId) -> Result<Option<(Version, Secret)>, VaultError> {
        match self.get_once(id) {
            // A commit may have changed the record between the look at the map and that into the store.
            Err(VaultError::Damaged(_)) => {
                let _nobody_writes = self.writer.lock();
                self.get_once(id)
            }
            result => result,
        }
    }

    fn get_once(&self, id: RecordId) -> Result<Option<(Version, Secret)>, VaultError> {
        let (stamp, key) = {
            let known = self.known.read();
            match known.records.get(&id) {
                None => return Ok(None),
                Some(stamp) => (*stamp, self.ring(&known, id.domain)?),
            }
        };
        let entry = self.store.get(&id.store_key())?;
        let sealed = entry.ok_or(Damage::record(id, Fault::Missing))?.value;
        let value = journal::open_record(&self.id, &key, id, stamp, &sealed)?;
        Ok(Some((stamp.version, value)))
    }

    /// The records of one kind in a domain, in the order of their numbers.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn records(&self, domain: u64, kind: u8) -> Result<Vec<(u64, Version, Secret)>, VaultError> {
        const PAGE: usize = 1024;
        let _nobody_writes = self.writer.lock();
        let known = self.known.read();
        let wanted = known.records.range(RecordId::all_of(domain, kind));
        let mut found = Vec::new();
        let mut page = Vec::new().into_iter();
        let mut after: Option<Vec<u8>> = None;
        let prefix = RecordId::store_prefix(domain, kind);
        for (id, stamp) in wanted {
            let key = self.ring(&known, domain)?;
            let next = match page.next() {
                Some(entry) => Some(entry),
                None => {
                    page = self.store.scan(&prefix, after.as_deref(), PAGE)?.into_iter();
                    page.next()
                }
            };
            let (store_key, entry) = next.ok_or(Damage::record(*id, Fault::Missing))?;
            if store_key != id.store_key() {
                return Err(Damage::record(*id, Fault::Missing).into());
            }
            let value = journal::open_record(&self.id, &key, *id, *stamp, &entry.value)?;
            found.push((id.number, stamp.version, value));
            after = Some(store_key);
        }
        Ok(found)
    }

    /// The version of a record; none if it is not there.
    #[must_use]
    pub fn version(&self, id: RecordId) -> Option<Version> {
        self.known.read().records.get(&id).map(|stamp| stamp.version)
    }

    /// The domains there are, without domain 0.
    #[must_use]
    pub fn domains(&self) -> Vec<u64> {
        let known = self.known.read();
        known.records.range(RecordId::all_of(0, kind::DOMAIN_KEY)).map(|(id, _)| id.number).collect()
    }

    /// Makes all the changes or none. They are durable, and the anchor knows of them, when it returns.
    ///
    /// # Errors
    /// `Conflict` if a record is not what a change expects; `NoDomain` if it has none to be in; `NotRecorded` if
    /// there are notes and the ledger takes none; `Broken` if an earlier commit failed in a way that leaves its
    /// outcome unknown; else what store and anchor say.
    pub fn commit(&self, batch: impl Into<Batch>) -> Result<Version, VaultError> {
        self.submit(group::Request::new(group::DomainChange::None, batch.into()))
    }

    /// Makes a domain with a new random key, and in the same commit makes the changes.
    ///
    /// # Errors
    /// `DomainExists`; else as [`Self::commit`].
    pub fn create_domain(&self, domain: u64, with: impl Into<Batch>) -> Result<Version, VaultError> {
        self.submit(group::Request::new(group::DomainChange::Create(vec![domain]), with.into()))
    }

    /// Makes several domains, or none, with a new random key each, and in the same commit makes the changes.
    ///
    /// # Errors
    /// As [`Self::create_domain`].
    pub fn create_domains(&self, domains: Vec<u64>, with: impl Into<Batch>) -> Result<Version, VaultError> {
        self.submit(group::Request::new(group::DomainChange::Create(domains), with.into()))
    }

    /// Destroys a domain: its key and all its records; and in the same commit makes the changes.
    ///
    /// # Errors
    /// `NoDomain`; else as [`Self::commit`].
    pub fn destroy_domain(&self, domain: u64, with: impl Into<Batch>) -> Result<Version, VaultError> {
        self.submit(group::Request::new(group::DomainChange::Destroy(domain), with.into()))
    }

    /// What the store is told from others by: random, made with it.
    #[must_use]
    pub const fn store_id(&self) -> [u8; 16] {
        self.id
    }

    /// The number of the last commit.
    #[must_use]
    pub fn last_commit(&self) -> Version {
        Version(self.writer.lock().head.sequence)
    }

    fn ring(&self, known: &Known, domain: u64) -> Result<Arc<Ring<SealingKey>>, VaultError> {
        known.domains.get(&domain).map(Arc::clone).ok_or(VaultError::NoDomain(domain))
    }

    /// Tells the anchor how far the journal is.
    fn advance_anchor(&self, keys: &Ring<StoreKeys>, head: &Head) -> Result<(), AnchorError> {
        let state = AnchorState::new(&keys.newest().anchor, self.id, head)?;
        self.anchor.advance(&state)
    }
}

impl From<StoreError> for VaultError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
