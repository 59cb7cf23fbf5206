//! The vault's keys, and how one seals.

use std::sync::Arc;

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
}

impl RootKeys {
    pub(super) fn derive(root: &RootKey, store: StoreId) -> Result<Self, VaultError> {
        let prk = hkdf_extract(Hash::Sha256, &store, &root.0)?;
        let derive = |label: &[u8]| hkdf_expand(Hash::Sha256, &prk, label, KEY);
        Ok(Self {
            header: SealingKey::new(&derive(b"claviger header")?)?,
            check: derive(b"claviger root key check")?,
        })
    }
}

/// Keys that are derived from a store key.
#[derive(Clone)]
pub(super) struct StoreKeys {
    /// Authenticates the anchor.
    pub(super) anchor: Arc<Secret>,
    pub(super) journal: SealingKey,
    /// The key of domain 0.
    pub(super) hsm: SealingKey,
}

impl StoreKeys {
    pub(super) fn derive(store: StoreId, store_key: &Secret) -> Result<Self, VaultError> {
        let prk = hkdf_extract(Hash::Sha256, &store, store_key)?;
        let derive = |label: &[u8]| hkdf_expand(Hash::Sha256, &prk, label, KEY);
        Ok(Self {
            anchor: Arc::new(derive(b"claviger anchor")?),
            journal: SealingKey::new(&derive(b"claviger journal")?)?,
            hsm: SealingKey::new(&derive(b"claviger domain 0")?)?,
        })
    }
}

/// The generations of a key: what was sealed at a commit, the generation of that commit opens. There are two
/// while what the older one sealed is sealed anew.
#[derive(Clone, Debug)]
pub(super) struct Ring<K> {
    /// From which commit on it seals, and the key.
    current: (u64, K),
    before: Option<(u64, K)>,
}

impl<K> Ring<K> {
    pub(super) const fn new(from: u64, key: K) -> Self {
        Self { current: (from, key), before: None }
    }

    /// The key that seals.
    pub(super) const fn newest(&self) -> &K {
        &self.current.1
    }

    /// The commit that the newest key came with.
    pub(super) const fn since(&self) -> u64 {
        self.current.0
    }

    /// The key that sealed at a commit; none if it is destroyed.
    pub(super) fn at(&self, commit: u64) -> Option<&K> {
        let before = self.before.as_ref();
        let before = before.filter(|(from, _)| (*from..self.current.0).contains(&commit));
        if commit >= self.current.0 { Some(&self.current.1) } else { before.map(|(_, key)| key) }
    }

    /// Whether an older key is still needed.
    pub(super) const fn turns(&self) -> bool {
        self.before.is_some()
    }

    /// With a new key from commit `from` on. The key before the newest is forgotten.
    pub(super) fn turned(self, from: u64, key: K) -> Self {
        Self { current: (from, key), before: Some(self.current) }
    }

    /// Without the older key.
    pub(super) fn trimmed(self) -> Self {
        Self { before: None, ..self }
    }

    /// What is made of each key.
    pub(super) fn derive<T>(
        &self,
        make: impl Fn(&K) -> Result<T, VaultError>,
    ) -> Result<Ring<T>, VaultError> {
        let each = |(from, key): &(u64, K)| Ok::<_, VaultError>((*from, make(key)?));
        Ok(Ring { current: each(&self.current)?, before: self.before.as_ref().map(each).transpose()? })
    }
}

impl Ring<Secret> {
    /// The keys that seal and open.
    pub(super) fn prepared(&self) -> Result<Arc<Ring<SealingKey>>, VaultError> {
        self.derive(SealingKey::new).map(Arc::new)
    }

    /// Each generation, the newest first: its first commit, big-endian, and its key.
    pub(super) fn encode(&self) -> Secret {
        // With room for all, so that the buffer never moves and leaves a copy behind.
        let mut bytes = Vec::with_capacity(2 * (8 + KEY));
        for (from, key) in [Some(&self.current), self.before.as_ref()].into_iter().flatten() {
            bytes.extend_from_slice(&from.to_be_bytes());
            bytes.extend_from_slice(key.as_bytes());
        }
        Secret::new(bytes)
    }

    /// The ring whose encoding this is.
    pub(super) fn parse(bytes: &Secret) -> Option<Self> {
        let one = |bytes: &[u8]| {
            let (from, key) = bytes.split_first_chunk()?;
            (key.len() == KEY).then(|| (u64::from_be_bytes(*from), Secret::new(key.to_vec())))
        };
        let mut parts = bytes.as_bytes().chunks(8 + KEY).map(one);
        let current = parts.next()??;
        let before = parts.next().map(|before| before.ok_or(())).transpose().ok()?;
        parts.next().is_none().then_some(Self { current, before })
    }
}

/// A key that seals and opens: AES-256-GCM with a random nonce of 96 bits.
#[derive(Clone)]
pub(super) struct SealingKey(Arc<GcmKey>);

impl SealingKey {
    pub(super) fn new(key: &Secret) -> Result<Self, VaultError> {
        Ok(Self(Arc::new(GcmKey::new(&aes::Key::new(key.as_bytes())?)?)))
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
