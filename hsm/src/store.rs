//! What a store is: an ordered map of keys to values with atomic, durable commits.
//!
//! A store is trusted with nothing: [`vault`](crate::vault) seals what goes in and checks what comes out. A new
//! store is one file that passes [`contract::check`].

use std::time::Duration;

pub mod contract;
pub mod feed;
pub mod memory;

/// Counts the commits of a store: each successful commit has a greater one than all before.
pub type Revision = u64;

/// A key's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The bytes that were put.
    pub value: Vec<u8>,
    /// The commit that put them.
    pub revision: Revision,
}

/// What must hold for a commit to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The key has no value.
    Absent(Vec<u8>),
    /// The key's value was put by this commit.
    At(Vec<u8>, Revision),
}

/// One part of a commit. A key stands in at most one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Gives the key this value.
    Put {
        /// The key.
        key: Vec<u8>,
        /// The value.
        value: Vec<u8>,
    },
    /// Takes the key's value away; there need be none.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
}

impl Change {
    /// The key that changes.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Put { key, .. } | Self::Delete { key } => key,
        }
    }
}

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A precondition does not hold; nothing was changed.
    #[error("another writer was first")]
    Conflict,
    /// There is no room for the commit; nothing was changed.
    #[error("the store is full: {0}")]
    Full(String),
    /// The store cannot be written; nothing was changed.
    #[error("the store is read-only: {0}")]
    ReadOnly(String),
    /// Somebody else has the store open.
    #[error("{0}")]
    Busy(String),
    /// What the store holds is not what a store writes.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// A watch began before the oldest change that is still known.
    #[error("the changes before revision {oldest} are gone")]
    Compacted {
        /// The oldest that a watch can begin with.
        oldest: Revision,
    },
    /// Input or output failed; whether a commit happened is not known.
    #[error("storage failed: {0}")]
    Io(String),
}

impl StoreError {
    /// Whether a commit that failed so has certainly changed nothing.
    #[must_use]
    pub const fn nothing_changed(&self) -> bool {
        matches!(self, Self::Conflict | Self::Full(_) | Self::ReadOnly(_) | Self::Busy(_))
    }
}

/// An ordered map of keys to values.
pub trait Store: Send + Sync {
    /// The value of a key.
    ///
    /// # Errors
    /// Those of input and output.
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError>;

    /// At most `limit` entries whose key begins with `prefix` and comes after `after`, in the order of keys.
    ///
    /// # Errors
    /// Those of input and output.
    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Entry)>, StoreError>;

    /// Makes all the changes or none, if all the preconditions hold; they are durable when it returns.
    ///
    /// # Errors
    /// `Conflict` if a precondition does not hold; else those of input and output.
    /// [`StoreError::nothing_changed`] tells whether the commit may have happened all the same.
    fn commit(&self, preconditions: &[Precondition], changes: &[Change]) -> Result<Revision, StoreError>;

    /// Overwrites what was deleted or replaced, as far as this kind of store can; durable when it returns. A disk
    /// that writes elsewhere instead of over, as most with flash do, may keep it all the same.
    ///
    /// # Errors
    /// Those of input and output.
    fn overwrite_freed(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The changes to keys that begin with `prefix`, from those of revision `from` on.
    ///
    /// # Errors
    /// `Compacted` if the store no longer knows what changed at `from`: read everything, and watch from there.
    fn watch(&self, prefix: &[u8], from: Revision) -> Result<Box<dyn Watch>, StoreError>;
}

/// A change that a watch reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The commit that made it.
    pub revision: Revision,
    /// What changed.
    pub change: Change,
}

/// Changes as they happen.
pub trait Watch: Send {
    /// The next change in the order of commits; none if there is none within `wait`.
    ///
    /// # Errors
    /// `Compacted` if the watcher fell too far behind; else those of input and output.
    fn next(&mut self, wait: Duration) -> Result<Option<Notice>, StoreError>;
}
