//! Random numbers.

use crypto::Secret;

use super::Kms;
use super::allow::About;
use super::error::{KmsError, Result};
use crate::caller::Caller;

impl Kms {
    /// So many random bits, from the HSM's generator.
    ///
    /// # Errors
    /// `RandomLength`, `RandomMultiple`; `Forbidden`; what the HSM says.
    pub fn random(&self, caller: &Caller, bits: u64) -> Result<Secret> {
        if !(8..=8192).contains(&bits) {
            return Err(KmsError::RandomLength);
        }
        if !bits.is_multiple_of(8) {
            return Err(KmsError::RandomMultiple);
        }
        self.permitted_in(caller, "CreateRandom", About::NOTHING)?;
        let bytes = usize::try_from(bits / 8).map_err(|_| KmsError::RandomLength)?;
        Ok(self.hsm.random_secret(bytes)?)
    }
}
