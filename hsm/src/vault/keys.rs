//! The vault's keys, and how one seals.

use crypto::aead::GcmKey;
use crypto::kdf::{hkdf_expand, hkdf_extract};
use crypto::{Hash, Secret, aes, random};

use super::VaultError;

/// The length of a key in bytes.
pub(super) const KEY: usize = 32;
const NONCE: usize = 12;
const TAG: usize = 16;
/// A sealed message is so many bytes longer than its content.
pub(super) const OVERHEAD: usize = NONCE + TAG;

/// A tag of AES-GCM, which stands for all that was sealed.
pub(super) type Tag = [u8; TAG];

/// What a store is told from others by: random, made with it.
pub(super) type StoreId = [u8; 16];

/// The key that everything else hangs on: 256 bits from outside.
#[derive(Debug)]
pub struct RootKey(Secret);

impl RootKey {
    /// The length of a root key in bytes.
    pub const LEN: usize = KEY;

    /// The root key of these bytes; none unless there are [`Self::LEN`].
    #[must_use]
    pub fn new(bytes: Secret) -> Option<Self> {
        (bytes.len() == Self::LEN).then_some(Self(bytes))
    }
}

/// Keys that are derived from the root key and a store's id.
pub(super) struct RootKeys {
    /// Seals the store key in the header.
    pub(super) header: SealingKey,
    /// Says whether a root key is the right one, and nothing else about it.
    pub(super) check: Secret,
    /// Authenticates the anchor.
    pub(super) anchor: Secret,
}

impl RootKeys {
    pub(super) fn derive(root: &RootKey, store: StoreId) -> Result<Self, VaultError> {
        let prk = hkdf_extract(Hash::Sha256, &store, &root.0)?;
        let derive = |label: &[u8]| hkdf_expand(Hash::Sha256, &prk, label, KEY);
        Ok(Self {
            header: SealingKey::new(&derive(b"claviger header")?)?,
            check: derive(b"claviger root key check")?,
            anchor: derive(b"claviger anchor")?,
        })
    }
}

/// The keys of an open vault.
pub(super) struct StoreKeys {
    pub(super) store: StoreId,
    pub(super) anchor: Secret,
    pub(super) journal: SealingKey,
    /// The key of domain 0.
    pub(super) hsm: std::sync::Arc<SealingKey>,
}

impl StoreKeys {
    pub(super) fn derive(store: StoreId, store_key: &Secret, anchor: Secret) -> Result<Self, VaultError> {
        let prk = hkdf_extract(Hash::Sha256, &store, store_key)?;
        let derive = |label: &[u8]| hkdf_expand(Hash::Sha256, &prk, label, KEY);
        Ok(Self {
            store,
            anchor,
            journal: SealingKey::new(&derive(b"claviger journal")?)?,
            hsm: SealingKey::new(&derive(b"claviger domain 0")?)?.into(),
        })
    }
}

/// A key that seals and opens: AES-256-GCM with a random nonce of 96 bits.
pub(super) struct SealingKey(GcmKey);

impl SealingKey {
    pub(super) fn new(key: &Secret) -> Result<Self, VaultError> {
        Ok(Self(GcmKey::new(&aes::Key::new(key.as_bytes())?)?))
    }

    /// Appends nonce, ciphertext and tag to `to`, and gives the tag.
    pub(super) fn seal(&self, aad: &[u8], content: &[u8], to: &mut Vec<u8>) -> Result<Tag, VaultError> {
        let mut nonce = [0; NONCE];
        random::fill(&mut nonce)?;
        to.extend_from_slice(&nonce);
        to.extend(self.0.seal(&nonce, aad, TAG, content)?);
        Ok(tag(to).unwrap_or_default())
    }

    /// The content of what [`Self::seal`] appended; none if it does not authenticate.
    pub(super) fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Secret> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        self.0.open(nonce, aad, TAG, sealed).ok().map(Secret::new)
    }
}

/// The tag at the end of a sealed message.
pub(super) fn tag(sealed: &[u8]) -> Option<Tag> {
    sealed.last_chunk().copied()
}

/// A new random key.
pub(super) fn random_key() -> Result<Secret, VaultError> {
    Ok(Secret::new(random::bytes(KEY)?))
}
