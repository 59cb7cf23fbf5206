//! How a partition's uses of keys are recorded: a setting in a record of its own.

use std::sync::atomic::Ordering;

use crypto::Secret;

use super::Partition;
use crate::error::Error;
use crate::event::{Act, Uses};
use crate::vault::{Batch, Change, Expect, RecordId, Vault, kind};

const fn id(domain: u64) -> RecordId {
    RecordId { domain, kind: kind::NOTE, number: 0 }
}

/// The setting as it is stored; [`Uses::default`] if it never was.
pub(super) fn load(vault: &Vault, domain: u64) -> Result<Uses, Error> {
    let Some((_, bytes)) = vault.get(id(domain))? else { return Ok(Uses::default()) };
    match bytes.as_bytes() {
        [code] => Ok(Uses::of_code(*code)),
        _ => Err(Error::Internal("the setting of what is recorded has one byte")),
    }
}

impl Partition {
    /// How uses of its keys are recorded.
    #[must_use]
    pub fn uses(&self) -> Uses {
        Uses::of_code(self.uses.load(Ordering::Relaxed))
    }

    /// Sets how uses of its keys are recorded, durably and recorded itself.
    ///
    /// # Errors
    /// What the vault says.
    pub(crate) fn record_uses(&self, vault: &Vault, uses: Uses, act: &Act<'_>) -> Result<(), Error> {
        let value = Some(Secret::new(vec![uses.code()]));
        let change = Change { id: id(self.domain), expect: Expect::Any, value };
        vault.commit(Batch::new(vec![change], vec![act.note(None)]))?;
        self.uses.store(uses.code(), Ordering::Relaxed);
        Ok(())
    }
}
