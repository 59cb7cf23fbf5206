//! The keys that sign the audit log, in the vault: one for each algorithm that ever did.

use std::sync::Arc;

use audit::{Algorithm, PublicKey, Signer};
use crypto::{Secret, ed25519, mldsa, sm2};
use hsm::vault::{Change, RecordId, Vault, VaultError, kind};

/// A key that signs.
pub(super) type Key = Arc<dyn Signer + Send + Sync>;

/// All keys there are.
pub(super) struct Keys {
    all: Vec<Key>,
    chosen: Key,
}

impl Keys {
    /// The keys of a vault. That of the algorithm that was chosen is made if there is none.
    ///
    /// # Errors
    /// If the vault cannot be read or written, or the library fails.
    pub(super) fn open(vault: &Vault, chosen: Algorithm) -> Result<Self, VaultError> {
        let mut all = Vec::new();
        for algorithm in Algorithm::ALL {
            if let Some((_, secret)) = vault.get(record(algorithm))? {
                all.push(key(algorithm, &secret)?);
            }
        }
        if let Some(key) = all.iter().find(|key| key.public().algorithm() == chosen) {
            return Ok(Self { chosen: Arc::clone(key), all });
        }
        let secret = made(chosen)?;
        let key = key(chosen, &secret)?;
        vault.commit(vec![Change::create(record(chosen), secret)])?;
        all.push(Arc::clone(&key));
        Ok(Self { all, chosen: key })
    }

    /// The key of the algorithm that was chosen.
    pub(super) const fn chosen(&self) -> &Key {
        &self.chosen
    }

    /// The key with this public half, if it is one of ours.
    pub(super) fn of(&self, public: &PublicKey) -> Option<&Key> {
        self.all.iter().find(|key| key.public() == *public)
    }
}

/// Ed25519 was there before one could choose.
fn record(algorithm: Algorithm) -> RecordId {
    let number = match algorithm {
        Algorithm::Ed25519 => 0,
        Algorithm::Sm2 | Algorithm::MlDsa65 => algorithm.code().into(),
    };
    RecordId { domain: 0, kind: kind::AUDIT_KEY, number }
}

/// A seed or a private value.
fn made(algorithm: Algorithm) -> Result<Secret, crypto::Error> {
    Ok(match algorithm {
        Algorithm::Ed25519 => ed25519::PrivateKey::generate()?.seed(),
        Algorithm::Sm2 => sm2::PrivateKey::generate()?.scalar(),
        Algorithm::MlDsa65 => mldsa::PrivateKey::generate()?.seed(),
    })
}

fn key(algorithm: Algorithm, secret: &Secret) -> Result<Key, crypto::Error> {
    let secret = secret.as_bytes();
    Ok(match algorithm {
        Algorithm::Ed25519 => Arc::new(ed25519::PrivateKey::from_seed(secret)?),
        Algorithm::Sm2 => Arc::new(sm2::PrivateKey::from_scalar(secret)?),
        Algorithm::MlDsa65 => Arc::new(mldsa::PrivateKey::from_seed(secret)?),
    })
}
