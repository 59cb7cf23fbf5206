//! The anchor: what remembers, outside the store, the newest commit that was acknowledged.

use crypto::mac::hmac;
use crypto::{Hash, Secret, equal};
use parking_lot::Mutex;

use super::journal::Head;
use super::keys::{StoreId, Tag};

/// Why the anchor failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// Input or output failed.
    #[error("the anchor failed: {0}")]
    Io(String),
    /// What is there is no anchor.
    #[error("the anchor is damaged: {0}")]
    Corrupt(String),
    /// The store is being destroyed.
    #[error("the store is being zeroized")]
    Zeroizing,
    /// The cryptographic library failed.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
}

/// Remembers one state, where whoever can put back an old store cannot put back an old anchor.
pub trait Anchor: Send + Sync {
    /// The state that was last given to [`Self::advance`]; none if that never happened. A crash within
    /// `advance` leaves either the new state or the one before.
    ///
    /// # Errors
    /// Those of input and output.
    fn read(&self) -> Result<Option<AnchorState>, AnchorError>;

    /// Remembers `state`, durably when it returns.
    ///
    /// # Errors
    /// Those of input and output.
    fn advance(&self, state: &AnchorState) -> Result<(), AnchorError>;

    /// Remembers nothing any more, durably when it returns: the store is destroyed.
    ///
    /// # Errors
    /// Those of input and output.
    fn forget(&self) -> Result<(), AnchorError>;
}

/// What an anchor remembers: which commit of which store, with a MAC of the vault's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorState {
    /// The number of the last commit that was acknowledged: an anchor need only keep the greatest.
    pub sequence: u64,
    pub(super) store: StoreId,
    pub(super) tag: Tag,
    mac: [u8; 32],
}

impl AnchorState {
    /// The length of its encoding in bytes.
    pub const LEN: usize = 16 + 8 + 16 + 32;

    pub(super) fn new(key: &Secret, store: StoreId, head: &Head) -> Result<Self, crypto::Error> {
        let mut state = Self { sequence: head.sequence, store, tag: head.tag, mac: [0; 32] };
        state.mac = state.authenticate(key)?;
        Ok(state)
    }

    /// That a store is being destroyed: greater than any commit. No key authenticates it, since none is left.
    pub(super) const fn zeroizing(store: StoreId) -> Self {
        Self { sequence: u64::MAX, store, tag: [0; 16], mac: [0; 32] }
    }

    /// Whether a store is being destroyed: no other state may follow this one.
    #[must_use]
    pub const fn is_zeroizing(&self) -> bool {
        self.sequence == u64::MAX
    }

    /// Whether the vault whose key this is made it.
    pub(super) fn is_genuine(&self, key: &Secret) -> Result<bool, crypto::Error> {
        Ok(equal(&self.mac, &self.authenticate(key)?))
    }

    fn authenticate(&self, key: &Secret) -> Result<[u8; 32], crypto::Error> {
        let bytes = self.to_bytes();
        let (content, _) = bytes.split_at(Self::LEN - self.mac.len());
        let mac = hmac(Hash::Sha256, key.as_bytes(), content)?;
        mac.try_into().map_err(|_| crypto::Error::Failed("HMAC-SHA-256 of a wrong length"))
    }

    /// The encoding, for an anchor to keep.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let sequence = self.sequence.to_be_bytes();
        let parts = self.store.iter().chain(&sequence).chain(&self.tag).chain(&self.mac);
        let mut bytes = [0; Self::LEN];
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        bytes
    }

    /// The state whose encoding this is. Whether it is genuine, the vault sees.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Option<Self> {
        let (store, rest) = bytes.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (tag, rest) = rest.split_first_chunk()?;
        let mac = rest.first_chunk()?;
        Some(Self { sequence: u64::from_be_bytes(*sequence), store: *store, tag: *tag, mac: *mac })
    }
}

/// An anchor in memory, for tests: it fails when it is told to.
#[derive(Default)]
pub struct MemoryAnchor {
    state: Mutex<Option<AnchorState>>,
    fault: Mutex<Option<AnchorError>>,
}

impl MemoryAnchor {
    /// An anchor that remembers `state`.
    #[must_use]
    pub fn at(state: Option<AnchorState>) -> Self {
        Self { state: Mutex::new(state), fault: Mutex::new(None) }
    }

    /// Makes every later advance fail.
    pub fn fail(&self, error: AnchorError) {
        *self.fault.lock() = Some(error);
    }
}

impl Anchor for MemoryAnchor {
    fn read(&self) -> Result<Option<AnchorState>, AnchorError> {
        Ok(*self.state.lock())
    }

    fn advance(&self, state: &AnchorState) -> Result<(), AnchorError> {
        match &*self.fault.lock() {
            Some(error) => Err(error.clone()),
            None => {
                *self.state.lock() = Some(*state);
                Ok(())
            }
        }
    }

    fn forget(&self) -> Result<(), AnchorError> {
        *self.state.lock() = None;
        Ok(())
    }
}
