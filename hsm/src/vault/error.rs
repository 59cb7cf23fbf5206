//! Why the vault did not do what it was asked; what is damaged is named precisely.

use wire::Rv;

use super::{AnchorError, NotRecorded, RecordId, Version};
use crate::store::StoreError;

/// Why the vault did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The store was made with another root key.
    #[error("the root key is not the one that this store was made with")]
    WrongRootKey,
    /// The store or the anchor is not what was last acknowledged.
    #[error("{0}")]
    Damaged(#[from] Damage),
    /// A record is not what a change expects; nothing was changed.
    #[error("{id} was changed by another")]
    Conflict {
        /// The record.
        id: RecordId,
        /// Its version; none if it is not there.
        found: Option<Version>,
    },
    /// There is no such domain.
    #[error("partition {0} does not exist")]
    NoDomain(u64),
    /// There is such a domain already.
    #[error("partition {0} exists already")]
    DomainExists(u64),
    /// What was to be noted of the root key's custody is too long.
    #[error("{0} bytes of notes on who keeps the root key are more than the header holds")]
    CustodyTooLong(usize),
    /// The keys are being changed already.
    #[error("the keys of the store are being changed already")]
    RekeyUnderWay,
    /// An earlier failure left the outcome of a commit unknown.
    #[error("nothing can be written until the daemon starts again: {0}")]
    Broken(String),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
    /// The anchor failed.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// What the change would be recorded as cannot be; nothing was changed.
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
    /// The cryptographic library failed.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
}

impl VaultError {
    /// What a caller of PKCS#11 sees of it.
    #[must_use]
    pub const fn rv(&self) -> Rv {
        match self {
            Self::Store(StoreError::Full(_)) => Rv::DEVICE_MEMORY,
            Self::Store(StoreError::ReadOnly(_)) => Rv::TOKEN_WRITE_PROTECTED,
            Self::NotRecorded(why) => why.rv(),
            Self::NoDomain(_) => Rv::DEVICE_REMOVED,
            Self::Conflict { .. }
            | Self::DomainExists(_)
            | Self::CustodyTooLong(_)
            | Self::RekeyUnderWay
            | Self::Crypto(_) => Rv::FUNCTION_FAILED,
            Self::WrongRootKey | Self::Damaged(_) | Self::Broken(_) | Self::Store(_) | Self::Anchor(_) => {
                Rv::DEVICE_ERROR
            }
        }
    }
}

impl NotRecorded {
    /// What a caller of PKCS#11 sees of it.
    #[must_use]
    pub const fn rv(&self) -> Rv {
        match self {
            Self::Full(_) => Rv::DEVICE_MEMORY,
            Self::ReadOnly(_) => Rv::TOKEN_WRITE_PROTECTED,
            Self::Failed(_) => Rv::DEVICE_ERROR,
        }
    }
}

/// What is not as it was last acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A record.
    #[error("record {id}: {fault}")]
    Record {
        /// Which.
        id: RecordId,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A journal entry is not there, though a later one or the anchor tells of it.
    #[error("journal entry {0} is missing")]
    EntryMissing(u64),
    /// A journal entry was changed.
    #[error("journal entry {0} does not authenticate")]
    EntryForged(u64),
    /// A journal entry is genuine, but of a history that was given up.
    #[error("journal entry {0} does not follow the one before it: another copy of it was put back")]
    EntryForeign(u64),
    /// A page of the snapshot is not there.
    #[error("page {page} of the snapshot of commit {commit} is missing")]
    PageMissing {
        /// The snapshot's commit.
        commit: u64,
        /// From 0.
        page: u32,
    },
    /// A page of the snapshot was changed.
    #[error("page {page} of the snapshot of commit {commit} does not authenticate")]
    PageForged {
        /// The snapshot's commit.
        commit: u64,
        /// From 0.
        page: u32,
    },
    /// Snapshots of two commits are there, and one must have been put back.
    #[error("there are snapshots of commits {0} and {1}: an older one was put back")]
    TwoSnapshots(u64, u64),
    /// The header is not there, though records are.
    #[error("the store's header is missing")]
    HeaderMissing,
    /// The header was changed.
    #[error("the store's header does not authenticate")]
    HeaderForged,
    /// The header is genuine, but not the newest one.
    #[error("the store's header is not the newest one: an older copy was put back")]
    HeaderStale,
    /// The store is of a later release.
    #[error("the store has format {0}, which this release does not know")]
    Format(u8),
    /// Something is in the store that the vault did not put there.
    #[error("the store holds a key that is none of ours: {0}")]
    ForeignKey(String),
    /// The store is older than what was acknowledged.
    #[error(
        "the store ends at commit {store} but commit {acknowledged} was acknowledged: an older copy of the \
         store was put back"
    )]
    RolledBack {
        /// The store's last commit.
        store: u64,
        /// The anchor's.
        acknowledged: u64,
    },
    /// The store's last commit is not the one that was acknowledged under its number.
    #[error("commit {0} in the store is not the commit {0} that was acknowledged: another copy was put back")]
    Diverged(u64),
    /// The anchor is older than a crash can explain.
    #[error(
        "the store ends at commit {store} but the anchor at {anchor}: an older copy of the anchor was put back"
    )]
    AnchorBehind {
        /// The store's last commit.
        store: u64,
        /// The anchor's.
        anchor: u64,
    },
    /// There is no anchor for a store that is not empty.
    #[error(
        "the anchor is missing, so that an older copy of the store could not be told: put the anchor back, or \
         start once with --trust-store to take the store as it is"
    )]
    AnchorMissing,
    /// The anchor was changed.
    #[error("the anchor does not authenticate")]
    AnchorForged,
    /// The anchor is that of another store.
    #[error("the anchor belongs to another store")]
    AnchorForeign,
}

impl Damage {
    pub(super) const fn record(id: RecordId, fault: Fault) -> Self {
        Self::Record { id, fault }
    }
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It was changed, or is another record.
    #[error("does not authenticate")]
    Forged,
    /// It is genuine, but not its newest version.
    #[error("is version {found} but the journal says {expected}: an older copy was put back")]
    Stale {
        /// The version that is there.
        found: Version,
        /// The version that should be.
        expected: Version,
    },
    /// It is genuine and of its newest version, but was sealed anew since.
    #[error("is sealed under a key that was replaced: an older copy was put back")]
    Resealed,
    /// It is genuine and claims the right version, but that commit was given up.
    #[error("is of a commit that was never acknowledged: another copy was put back")]
    Foreign,
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It is there, but no commit wrote it, or one deleted it.
    #[error("is unknown to the journal")]
    Unknown,
}
