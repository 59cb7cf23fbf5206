//! Zeroizing: destroying for good, and going on with it after a crash. What a change of keys replaced is overwritten in
//! the same way.
//!
//! Of a partition: its key and its records go in one commit, with a mark that what they left behind in the store
//! is still to be overwritten. Of the whole vault: first the anchor, which is outside the store, is told what is
//! about to happen; then the header goes, which holds the only copy of the store key; then everything else. From
//! the first of these steps on there is no way back: whoever opens the store next finishes it.

use super::header::{self, HEADER};
use super::{Anchor, AnchorState, Batch, Change, Damage, Expect, RecordId, Vault, VaultError, Version, kind};
use crate::store::{self, Store};
use crypto::Secret;

/// In domain 0, of kind `SETTINGS`: that what was destroyed or replaced is still to be overwritten.
const TO_OVERWRITE: RecordId = RecordId { domain: 0, kind: kind::SETTINGS, number: 2 };
/// Entries destroyed in one commit.
const AT_ONCE: usize = 1024;

/// The note, for the commit that destroys or replaces something, that it is still to be overwritten.
pub(super) fn to_overwrite() -> (RecordId, Option<Secret>) {
    (TO_OVERWRITE, Some(Secret::new(vec![0])))
}

impl Vault {
    /// Destroys a domain for good: its key and records in one commit, then what they left behind.
    ///
    /// # Errors
    /// As [`Self::destroy_domain`]; once the domain is gone, what the store says of the overwriting, which is
    /// made up for by [`Self::finish_zeroizing`].
    pub fn zeroize_domain(&self, domain: u64, with: impl Into<Batch>) -> Result<Version, VaultError> {
        let mut batch = with.into();
        let (id, value) = to_overwrite();
        batch.changes.push(Change { id, expect: Expect::Any, value });
        let version = self.destroy_domain(domain, batch)?;
        self.finish_zeroizing()?;
        Ok(version)
    }

    /// Overwrites what was destroyed or replaced and has not been overwritten yet. Tells whether there was anything.
    ///
    /// # Errors
    /// What the store says.
    pub fn finish_zeroizing(&self) -> Result<bool, VaultError> {
        if self.version(TO_OVERWRITE).is_none() {
            return Ok(false);
        }
        self.store.overwrite_freed()?;
        self.commit(vec![Change { id: TO_OVERWRITE, expect: Expect::Any, value: None }])?;
        Ok(true)
    }

    /// Destroys a whole vault, which nobody has open. Nothing opens it again, whatever becomes of the rest.
    ///
    /// # Errors
    /// What store and anchor say. If the first step was done, [`Self::finish_zeroizing_all`] goes on.
    pub fn zeroize(store: &dyn Store, anchor: &dyn Anchor) -> Result<(), VaultError> {
        Self::begin_zeroizing_all(store, anchor)?;
        destroy(store, anchor)
    }

    /// The first step of [`Self::zeroize`] alone, for as long as somebody has the vault open still: from here on there is
    /// no way back.
    ///
    /// # Errors
    /// What store and anchor say.
    pub fn begin_zeroizing_all(store: &dyn Store, anchor: &dyn Anchor) -> Result<(), VaultError> {
        let header = store.get(HEADER)?.ok_or(Damage::HeaderMissing)?;
        Ok(anchor.advance(&AnchorState::zeroizing(header::store_id(&header.value)?))?)
    }

    /// Goes on with what [`Self::zeroize`] began, if a crash cut it short. Tells whether it had.
    ///
    /// # Errors
    /// `AnchorForeign` if the anchor tells of another store; else as [`Self::zeroize`].
    pub fn finish_zeroizing_all(store: &dyn Store, anchor: &dyn Anchor) -> Result<bool, VaultError> {
        let Ok(Some(state)) = anchor.read() else { return Ok(false) };
        if !state.is_zeroizing() {
            return Ok(false);
        }
        // One that was overwritten cannot tell any more.
        if let Some(header) = store.get(HEADER)?.filter(|header| header.value.iter().any(|byte| *byte != 0))
            && header::store_id(&header.value)? != state.store
        {
            return Err(Damage::AnchorForeign.into());
        }
        destroy(store, anchor)?;
        Ok(true)
    }
}

fn destroy(store: &dyn Store, anchor: &dyn Anchor) -> Result<(), VaultError> {
    // The key that seals all others first. Over it goes what has its length, before it is deleted.
    if let Some(header) = store.get(HEADER)? {
        let value = vec![0; header.value.len()];
        let over = store::Change::Put { key: HEADER.to_vec(), value };
        store.commit(&[], &[over])?;
        store.commit(&[], &[store::Change::Delete { key: HEADER.to_vec() }])?;
        store.overwrite_freed()?;
    }
    loop {
        let some = store.scan(b"", None, AT_ONCE)?;
        if some.is_empty() {
            break;
        }
        let gone = some.into_iter().map(|(key, _)| store::Change::Delete { key });
        store.commit(&[], &gone.collect::<Vec<_>>())?;
    }
    store.overwrite_freed()?;
    anchor.forget()?;
    Ok(())
}
