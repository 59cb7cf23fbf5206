//! Changing the vault's keys while it is in use.
//!
//! A new root key seals the header anew, in one commit: either the old or the new one opens the store.
//!
//! New keys for the store and all domains come in one commit too. Which key sealed what is told by the number of
//! the commit that did: from that commit on, everything is sealed under the new keys, and what is older is
//! sealed anew in batches, each a commit. So no record of progress is kept, and a vault that is opened in the
//! middle goes on where it was. When nothing is left that an old key sealed, one last commit folds the journal
//! under the new key and destroys the old ones. A record keeps its version when it is sealed anew.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crypto::Secret;

use super::header::{self, HEADER, Lid};
use super::journal::{self, Stamp};
use super::keys::{Ring, RootKey, StoreKeys, Tag, random_key};
use super::zeroize::to_overwrite;
use super::{Damage, Fault, Known, RecordId, Vault, VaultError, Version};

/// How far the change of keys is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records sealed anew, since it began or since the vault was opened.
    pub done: u64,
    /// Those and the ones that are left.
    pub total: u64,
}

/// What a commit does for a change of keys, besides changing records.
#[derive(Default)]
pub(super) struct NewKeys {
    /// Records that are sealed anew and keep their versions.
    pub(super) reseals: BTreeMap<RecordId, (Version, Secret)>,
    /// The new header and its tag.
    pub(super) header: Option<(Vec<u8>, Tag)>,
    /// The store keys from this commit on, its own journal entry included.
    pub(super) keys: Option<Ring<StoreKeys>>,
    /// What seals the header from now on.
    pub(super) lid: Option<Lid>,
    /// Whether the journal must be folded.
    pub(super) fold: bool,
}

impl NewKeys {
    pub(super) fn is_empty(&self) -> bool {
        self.reseals.is_empty() && self.header.is_none()
    }
}

/// A pass over the records that an older key sealed.
#[derive(Default)]
pub(super) struct Pass {
    /// All up to this one are done.
    after: Option<RecordId>,
}

impl Progress {
    /// That of one who begins with all that is left.
    pub(super) fn of(known: &Known) -> Self {
        let turns = known.domains.values().any(|ring| ring.turns());
        let left = known.records.iter().filter(|(id, stamp)| turns && known.is_old(id, stamp)).count();
        Self { done: 0, total: left as u64 }
    }
}

impl Known {
    /// Whether an older key than the newest of its domain sealed a record.
    fn is_old(&self, id: &RecordId, stamp: &Stamp) -> bool {
        *id != RecordId::HEADER
            && self.domains.get(&id.domain).is_some_and(|ring| stamp.sealed < ring.since())
    }
}

impl Vault {
    /// Has the store opened by another root key from now on, and notes who keeps it. Durable when it returns; a
    /// crash before leaves a store that the old one opens. What the old header left in the store is overwritten by
    /// [`Self::finish_zeroizing`].
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn change_root(&self, root: &RootKey, custody: Vec<u8>) -> Result<Version, VaultError> {
        let lid = Lid::new(self.id, root, custody)?;
        self.commit_alone(|staged, writer| {
            let keys = self.store_keys(&writer.lid)?;
            staged.new_keys.header = Some(lid.seal(self.id, &keys)?);
            staged.new_keys.lid = Some(lid);
            staged.records.extend([to_overwrite()]);
            Ok(())
        })
    }

    /// Gives the store and every domain a new key. What the old ones sealed is left to [`Self::rekey_step`].
    ///
    /// # Errors
    /// `RekeyUnderWay` if an earlier change is not done; else as [`Self::commit`].
    pub fn begin_rekey(&self) -> Result<Version, VaultError> {
        let mut pass = self.pass.lock();
        let version = self.commit_alone(|staged, writer| {
            if writer.keys.turns() {
                return Err(VaultError::RekeyUnderWay);
            }
            let commit = staged.commit;
            let keys = self.store_keys(&writer.lid)?.turned(commit, random_key()?);
            let derived = keys.derive(|key| StoreKeys::derive(self.id, key))?;
            staged.new_keys.header = Some(writer.lid.seal(self.id, &keys)?);
            staged.domains.insert(0, Some(Arc::new(derived.derive(|keys| Ok(keys.hsm.clone()))?)));
            staged.new_keys.keys = Some(derived);
            for domain in self.domains() {
                let keys = self.domain_keys(domain)?.turned(commit, random_key()?);
                staged.domains.insert(domain, Some(keys.prepared()?));
                staged.records.insert(RecordId::domain_key(domain), Some(keys.encode()));
            }
            Ok(())
        })?;
        *pass = Pass::default();
        *self.progress.lock() = Progress::of(&self.known.read());
        Ok(version)
    }

    /// Seals at most `limit` more records anew, in one commit; if none is left, destroys the old keys. Gives how
    /// far it is, and none once there is nothing left to do but [`Self::finish_zeroizing`].
    ///
    /// # Errors
    /// As [`Self::commit`]; what was done before stays done.
    pub fn rekey_step(&self, limit: usize) -> Result<Option<Progress>, VaultError> {
        let mut pass = self.pass.lock();
        if self.rekey_progress().is_none() {
            return Ok(None);
        }
        let batch = self.next_batch(pass.after, limit);
        let Some((last, _)) = batch.last() else {
            if self.destroy_old_keys()? {
                return Ok(None);
            }
            *pass = Pass::default();
            let progress = Progress::of(&self.known.read());
            *self.progress.lock() = progress;
            return Ok(Some(progress));
        };
        let (last, count) = (*last, batch.len() as u64);
        let mut contents = Vec::new();
        for (id, stamp) in batch {
            contents.extend(self.content_of(id, stamp)?.map(|content| (id, (stamp, content))));
        }
        self.commit_alone(|staged, _| {
            let known = self.known.read();
            // What was changed meanwhile is under the new key already, or gone.
            let still = contents.into_iter().filter(|(id, (stamp, _))| known.records.get(id) == Some(stamp));
            staged.new_keys.reseals =
                still.map(|(id, (stamp, content))| (id, (stamp.version, content))).collect();
            Ok(())
        })?;
        pass.after = Some(last);
        let mut progress = self.progress.lock();
        progress.done += count;
        progress.total = progress.total.max(progress.done);
        Ok(Some(*progress))
    }

    /// How far the change of keys is; none if there is none under way.
    #[must_use]
    pub fn rekey_progress(&self) -> Option<Progress> {
        let turns = self.known.read().domains.get(&0).is_some_and(|ring| ring.turns());
        turns.then(|| *self.progress.lock())
    }

    /// Whether somebody waits for a commit, so that a step of a change of keys had better wait.
    #[must_use]
    pub fn is_in_demand(&self) -> bool {
        self.is_awaited()
    }

    fn next_batch(&self, after: Option<RecordId>, limit: usize) -> Vec<(RecordId, Stamp)> {
        let known = self.known.read();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let old = known.records.range((from, Bound::Unbounded)).filter(|(id, stamp)| known.is_old(id, stamp));
        old.map(|(id, stamp)| (*id, *stamp)).take(limit).collect()
    }

    /// The content of a record; none if it is another by now.
    fn content_of(&self, id: RecordId, stamp: Stamp) -> Result<Option<Secret>, VaultError> {
        let ring = match self.ring(&self.known.read(), id.domain) {
            Err(VaultError::NoDomain(_)) => return Ok(None),
            ring => ring?,
        };
        let entry = self.store.get(&id.store_key())?;
        let opened = entry
            .ok_or(Damage::record(id, Fault::Missing))
            .and_then(|entry| journal::open_record(&self.id, &ring, id, stamp, &entry.value));
        match opened {
            Ok(content) => Ok(Some(content)),
            Err(damage) => {
                let _nobody_writes = self.writer.lock();
                let same = self.known.read().records.get(&id) == Some(&stamp);
                if same { Err(damage.into()) } else { Ok(None) }
            }
        }
    }

    /// Destroys the old keys, if nothing is left that they sealed.
    fn destroy_old_keys(&self) -> Result<bool, VaultError> {
        let mut done = false;
        self.commit_alone(|staged, writer| {
            let (domains, left) = {
                let known = self.known.read();
                let left = known.records.iter().any(|(id, stamp)| known.is_old(id, stamp));
                let turning = known.domains.iter().filter(|(domain, ring)| **domain != 0 && ring.turns());
                (turning.map(|(domain, _)| *domain).collect::<Vec<_>>(), left)
            };
            if left {
                return Ok(());
            }
            for domain in domains {
                let keys = self.domain_keys(domain)?.trimmed();
                staged.domains.insert(domain, Some(keys.prepared()?));
                staged.records.insert(RecordId::domain_key(domain), Some(keys.encode()));
            }
            let keys = self.store_keys(&writer.lid)?.trimmed();
            staged.new_keys.header = Some(writer.lid.seal(self.id, &keys)?);
            let derived = keys.derive(|key| StoreKeys::derive(self.id, key))?;
            staged.domains.insert(0, Some(Arc::new(derived.derive(|keys| Ok(keys.hsm.clone()))?)));
            staged.new_keys.keys = Some(derived);
            // What the journal holds from before is sealed under the old key.
            staged.new_keys.fold = true;
            staged.records.extend([to_overwrite()]);
            done = true;
            Ok(())
        })?;
        Ok(done)
    }

    /// The generations of the store key, from the header.
    fn store_keys(&self, lid: &Lid) -> Result<Ring<Secret>, VaultError> {
        let header = self.store.get(HEADER)?.ok_or(Damage::HeaderMissing)?;
        header::keys(&header.value, lid, self.id)
    }

    /// The generations of a domain's key, from its record.
    fn domain_keys(&self, domain: u64) -> Result<Ring<Secret>, VaultError> {
        let id = RecordId::domain_key(domain);
        let (_, keys) = self.get_once(id)?.ok_or(VaultError::NoDomain(domain))?;
        Ok(Ring::parse(&keys).ok_or(Damage::record(id, Fault::Forged))?)
    }
}
