//! Still pictures of the vault: records as of one commit, read while others go on writing.
//!
//! A still is the list of records that were there, with their versions. Whoever changes one of them before it was read
//! keeps what it was, in memory, for as long as the still needs it. So nobody waits for a backup but for as long as
//! the list takes, and a backup that is slow costs memory for what changes meanwhile, up to a bound.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use crypto::Secret;
use parking_lot::Mutex;

use super::{RecordId, Vault, VaultError, Version};

/// The most bytes of records that are kept for one still.
const MOST_KEPT: usize = 256 << 20;

/// Records as of one commit.
pub struct Still<'a> {
    vault: &'a Vault,
    frozen: Arc<Frozen>,
    commit: Version,
}

/// Stills that are being read.
pub(super) type Stills = Mutex<Vec<Weak<Frozen>>>;

/// What a still is of, and what is kept for it.
pub(super) struct Frozen {
    records: BTreeMap<RecordId, Version>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    values: HashMap<RecordId, Secret>,
    bytes: usize,
    /// Up to here, nothing is needed any more.
    past: Option<RecordId>,
    /// Why the still cannot be read any more.
    lost: Option<String>,
}

/// Why a record of a still cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StillError {
    /// What it was, was not kept.
    #[error("{0}")]
    Lost(String),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Vault {
    /// A still of the records that `wanted` picks. Writers wait while the list of them is made.
    pub fn still(&self, wanted: impl Fn(RecordId) -> bool) -> Still<'_> {
        let writer = self.writer.lock();
        let known = self.known.read();
        let records = known.records.iter().filter(|(id, _)| **id != RecordId::HEADER && wanted(**id));
        let records = records.map(|(id, stamp)| (*id, stamp.version)).collect();
        let frozen = Arc::new(Frozen { records, kept: Mutex::default() });
        self.stills.lock().push(Arc::downgrade(&frozen));
        Still { vault: self, frozen, commit: Version(writer.head.sequence) }
    }

    /// The names of all records of a domain, in their order.
    #[must_use]
    pub fn names(&self, domain: u64) -> Vec<RecordId> {
        let known = self.known.read();
        let ids = known.records.range(RecordId::all_in(domain)).map(|(id, _)| *id);
        ids.filter(|id| *id != RecordId::HEADER).collect()
    }

    /// Keeps what records are, before they change, for the stills that need it. Called by whoever writes, with the
    /// domains that are destroyed: what was in these is gone for stills too.
    #[expect(clippy::needless_pass_by_value, reason = "an iterator is handed in as it is made")]
    pub(super) fn keep_for_stills<'i>(
        &self,
        ids: impl Iterator<Item = &'i RecordId> + Clone,
        destroyed: &[u64],
    ) {
        let mut stills = self.stills.lock();
        stills.retain(|still| still.strong_count() > 0);
        for still in stills.iter().filter_map(Weak::upgrade) {
            for id in ids.clone().filter(|id| still.records.contains_key(id)) {
                still.keep(self, *id, destroyed);
            }
        }
    }
}

impl Frozen {
    fn keep(&self, vault: &Vault, id: RecordId, destroyed: &[u64]) {
        let mut kept = self.kept.lock();
        let needed = kept.past.is_none_or(|past| id > past) && kept.lost.is_none();
        if !needed || kept.values.contains_key(&id) {
            return;
        }
        if destroyed.contains(&id.domain) {
            kept.lose(format!("partition {} was destroyed meanwhile", id.domain));
            return;
        }
        // Nobody else writes, so that what is there is what it was.
        match vault.get_once(id) {
            Ok(Some((version, value))) if self.records.get(&id) == Some(&version) => {
                kept.bytes += value.len();
                kept.values.insert(id, value);
            }
            Ok(_) => {}
            Err(error) => kept.lose(error.to_string()),
        }
        if kept.bytes > MOST_KEPT {
            kept.lose(format!("more than {} MiB of records changed meanwhile", MOST_KEPT >> 20));
        }
    }
}

impl Kept {
    fn lose(&mut self, why: String) {
        *self = Self { lost: Some(why), ..Self::default() };
    }
}

impl Still<'_> {
    /// The last commit before it.
    #[must_use]
    pub const fn commit(&self) -> Version {
        self.commit
    }

    /// The records, in the order of their names.
    pub fn names(&self) -> impl Iterator<Item = RecordId> {
        self.frozen.records.keys().copied()
    }

    /// A record as it was.
    ///
    /// # Errors
    /// `Lost` if its partition was destroyed, or more changed than is kept; what the vault says.
    pub fn read(&self, id: RecordId) -> Result<Secret, StillError> {
        if let Some(value) = self.kept(id)? {
            return Ok(value);
        }
        match self.vault.get(id) {
            Ok(Some((version, value))) if self.frozen.records.get(&id) == Some(&version) => Ok(value),
            Err(error) if !matches!(error, VaultError::NoDomain(_)) => Err(error.into()),
            // It has changed since, and whoever changed it has kept it.
            _ => self.kept(id)?.ok_or_else(|| StillError::Lost(format!("{id} was not kept"))),
        }
    }

    /// As [`Self::read`]; what is kept of this record and of all before it is not needed any more.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn take(&self, id: RecordId) -> Result<Secret, StillError> {
        let value = self.read(id)?;
        let mut kept = self.frozen.kept.lock();
        kept.past = Some(id);
        if let Some(gone) = kept.values.remove(&id) {
            kept.bytes -= gone.len();
        }
        Ok(value)
    }

    fn kept(&self, id: RecordId) -> Result<Option<Secret>, StillError> {
        let kept = self.frozen.kept.lock();
        match &kept.lost {
            Some(why) => Err(StillError::Lost(why.clone())),
            None => Ok(kept.values.get(&id).map(Secret::duplicate)),
        }
    }
}
