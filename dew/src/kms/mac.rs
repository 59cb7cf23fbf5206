//! MACs.

use wire::{Mechanism, MechanismId, Params};

use super::allow::Found;
use super::data::usable;
use super::error::{KmsError, Result};
use super::spec::{Spec, Usage};
use super::{Key, KeyId, Kms};
use crate::caller::Caller;

/// The most bytes of a message.
const MAX_MESSAGE: usize = 4096;

/// A MAC algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacAlgorithm {
    name: &'static str,
    spec: Spec,
    mechanism: u64,
}

/// Every algorithm, with its key and its mechanism.
static ALGORITHMS: &[MacAlgorithm] = &[
    MacAlgorithm { name: "HMAC_SHA_256", spec: Spec::Hmac256, mechanism: 0x251 },
    MacAlgorithm { name: "HMAC_SHA_384", spec: Spec::Hmac384, mechanism: 0x261 },
    MacAlgorithm { name: "HMAC_SHA_512", spec: Spec::Hmac512, mechanism: 0x271 },
    MacAlgorithm { name: "HMAC_SM3", spec: Spec::HmacSm3, mechanism: 0xc34c_5612 },
];

impl MacAlgorithm {
    /// The algorithm that the interface writes so.
    ///
    /// # Errors
    /// `Algorithm`
    pub fn named(name: &str) -> Result<Self> {
        ALGORITHMS.iter().copied().find(|algorithm| algorithm.name == name).ok_or_else(|| {
            let names: Vec<_> = ALGORITHMS.iter().map(|algorithm| algorithm.name).collect();
            KmsError::Algorithm(format!("mac_algorithm {name:?} is unknown: expected {}", names.join(", ")))
        })
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    fn key<'a>(self, found: &'a Found, message: &[u8]) -> Result<&'a Key> {
        if message.is_empty() || message.len() > MAX_MESSAGE {
            return Err(KmsError::Field(format!("message has 1 to {MAX_MESSAGE} bytes")));
        }
        let key = usable(found, Usage::Mac)?;
        if key.spec != self.spec {
            let text = format!("{} is no algorithm of keys of type {}", self.name, key.spec.name());
            return Err(KmsError::Algorithm(text));
        }
        Ok(key)
    }

    const fn mechanism(self) -> Mechanism {
        Mechanism { id: MechanismId(self.mechanism), params: Params::None }
    }
}

impl Kms {
    /// Makes the MAC of a message.
    ///
    /// # Errors
    /// What [`MacAlgorithm`] does not fit, `Field`; how the key stands; `NoKey`, `Forbidden`.
    pub fn generate_mac(
        &self,
        caller: &Caller,
        key: &str,
        algorithm: MacAlgorithm,
        message: &[u8],
    ) -> Result<(KeyId, Vec<u8>)> {
        let found = self.permitted(caller, "GenerateMac", key)?;
        let key = algorithm.key(&found, message)?;
        let desk = self.desk(key.slot, caller)?;
        Ok((key.id, desk.sign(key.current()?.closed, algorithm.mechanism(), message)?))
    }

    /// Whether a MAC is right.
    ///
    /// # Errors
    /// As [`Self::generate_mac`].
    pub fn verify_mac(
        &self,
        caller: &Caller,
        key: &str,
        algorithm: MacAlgorithm,
        message: &[u8],
        mac: &[u8],
    ) -> Result<(KeyId, bool)> {
        let found = self.permitted(caller, "VerifyMac", key)?;
        let key = algorithm.key(&found, message)?;
        let desk = self.desk(key.slot, caller)?;
        Ok((key.id, desk.verify(key.current()?.closed, algorithm.mechanism(), message, mac)?))
    }
}
