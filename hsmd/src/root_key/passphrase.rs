//! The root key from a passphrase, by Argon2id.

use std::ops::RangeInclusive;

use argon2::{Algorithm, Argon2, Params};
use crypto::{Secret, random};
use hsm::vault::RootKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::RootKeyError;

/// The shortest passphrase, in bytes.
pub(super) const MIN_PASSPHRASE: usize = 8;
const SALT: usize = 16;
/// What a derivation may cost: what says so is not authenticated before the store is open. Less would make a stolen
/// store cheap to try passphrases on, if somebody chose it before the store was made; more would never end.
const MEMORY: RangeInclusive<u32> = 19 << 10..=4 << 20; // KiB
const PASSES: RangeInclusive<u32> = 2..=64;
const LANES: RangeInclusive<u32> = 1..=64;

/// How a passphrase becomes the root key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Derivation {
    /// KiB of memory.
    memory: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
}

impl Derivation {
    /// One with a new salt, for a passphrase that is chosen now.
    ///
    /// # Errors
    /// `Short`.
    pub(crate) fn new(passphrase: &[u8]) -> Result<Self, RootKeyError> {
        if passphrase.len() < MIN_PASSPHRASE {
            return Err(RootKeyError::Short);
        }
        Ok(Self { memory: 64 << 10, passes: 3, lanes: 1, salt: random::bytes(SALT)? })
    }

    /// The root key of a passphrase.
    ///
    /// # Errors
    /// `Parameters` if it costs too little or too much.
    pub(crate) fn root_key(&self, passphrase: &[u8]) -> Result<RootKey, RootKeyError> {
        if self.salt.len() < SALT {
            return Err(RootKeyError::Parameters(format!("the salt has fewer than {SALT} bytes")));
        }
        for (name, value, range) in
            [("memory", self.memory, MEMORY), ("passes", self.passes, PASSES), ("lanes", self.lanes, LANES)]
        {
            if !range.contains(&value) {
                let what = format!("{name} is {value}, not {} to {}", range.start(), range.end());
                return Err(RootKeyError::Parameters(what));
            }
        }
        let derive = |error: argon2::Error| RootKeyError::Derive(error.to_string());
        let params = Params::new(self.memory, self.passes, self.lanes, Some(RootKey::LEN)).map_err(derive)?;
        let mut key = Zeroizing::new(vec![0; RootKey::LEN]);
        Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, params)
            .hash_password_into(passphrase, &self.salt, &mut key)
            .map_err(derive)?;
        RootKey::new(Secret::new(std::mem::take(&mut *key)))
            .ok_or_else(|| RootKeyError::Derive("a key of a wrong length".into()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hsm::store::memory::MemoryStore;
    use hsm::vault::Vault;
    use hsm::vault::anchor::MemoryAnchor;

    use super::*;

    #[test]
    fn a_passphrase_gives_the_same_key_with_the_same_salt_and_no_other() {
        assert!(matches!(Derivation::new(b"short"), Err(RootKeyError::Short)));
        let (store, anchor) = (Arc::new(MemoryStore::new()), Arc::new(MemoryAnchor::default()));
        let opens = |key: RootKey| Vault::open(store.clone(), anchor.clone(), &key).is_ok();
        let how = Derivation::new(b"correct horse").unwrap();
        assert!(opens(how.root_key(b"correct horse").unwrap()));
        assert!(opens(how.root_key(b"correct horse").unwrap()));
        assert!(!opens(how.root_key(b"wrong horse").unwrap()));
        let other = Derivation::new(b"correct horse").unwrap();
        assert!(!opens(other.root_key(b"correct horse").unwrap()), "another salt is another key");
    }

    #[test]
    fn a_derivation_that_costs_too_little_or_too_much_is_refused() {
        let good = Derivation::new(b"correct horse").unwrap();
        let refused =
            |how: Derivation| matches!(how.root_key(b"correct horse"), Err(RootKeyError::Parameters(_)));
        assert!(refused(Derivation { memory: 8, ..good.clone() }), "tries would cost nothing");
        assert!(refused(Derivation { passes: 1, ..good.clone() }));
        assert!(refused(Derivation { memory: u32::MAX, ..good.clone() }), "it would take all memory");
        assert!(refused(Derivation { passes: u32::MAX, ..good.clone() }), "it would never end");
        assert!(refused(Derivation { lanes: 1 << 20, ..good.clone() }));
        assert!(refused(Derivation { salt: vec![0], ..good.clone() }));
        assert!(!refused(Derivation { passes: 2, ..good }));
    }
}
