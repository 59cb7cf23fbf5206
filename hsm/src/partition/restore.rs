//! A partition that a backup brings back: what is kept of the one that was there.

use std::collections::BTreeSet;
use std::sync::Arc;

use crypto::Secret;

use super::confinement::Confinement;
use super::identities::{Identities, Past};
use super::pins::Pins;
use super::quorums::Quorums;
use super::users::Users;
use super::{Door, Partition};
use crate::error::Error;
use crate::object::identity;
use crate::pin::Tries;
use crate::vault::{Change, kind};

impl Partition {
    /// Does what puts others in the place of these partitions, which nobody may be using: they are gone then.
    ///
    /// # Errors
    /// `SessionExists` if a session is open on one of them; what `replace` says.
    pub(crate) fn replacing<T>(
        partitions: &[Arc<Self>],
        replace: &mut dyn FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some((first, rest)) = partitions.split_first() else { return replace() };
        first.alone(|door| {
            let done = Self::replacing(rest, replace)?;
            *door = Door::Gone;
            Ok(done)
        })
    }

    /// Whether this release reads a record of a partition that is no object.
    pub(crate) fn reads(kind: u8, number: u64, record: &Secret) -> bool {
        match kind {
            kind::PINS => Pins::with_tries(record, Tries::default()).is_ok(),
            kind::USER => Users::reads(record),
            kind::KEY_QUORUM => Quorums::reads(record),
            kind::SETTINGS => Identities::reads(number, record),
            kind::CONFINEMENT => Confinement::decode(record).is_ok(),
            kind::KMS_KEY..=kind::KMS_COUNT | kind::CSMS_SECRET..=kind::CSMS_SETTINGS => {
                crate::service::reads(record)
            }
            _ => true,
        }
    }

    /// A record of PINs with no fewer tries than these: what a backup brings back must not forget wrong ones.
    pub(crate) fn pins_with_tries(record: &Secret, tries: Tries) -> Result<Secret, Error> {
        Pins::with_tries(record, tries)
    }

    /// The changes that keep what the keys here were used for, whatever a backup says of them.
    pub(crate) fn past_to_keep(&self) -> Result<Vec<Change>, Error> {
        let secret = self.identities.lock().secret.duplicate();
        let (mut seen, mut changes) = (BTreeSet::new(), Vec::new());
        for object in self.objects.read().iter() {
            let used = object.roles().used();
            let Some(identity) = identity(object.attributes(), secret.as_bytes())?.filter(|_| used != 0)
            else {
                continue;
            };
            if seen.insert(identity) {
                changes.push(self.remembering(identity, Past { left: None, roles: used })?);
            }
        }
        Ok(changes)
    }
}
