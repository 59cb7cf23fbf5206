//! What an instance makes of its partitions: which mechanisms they offer, how much they hold, and until when they
//! may be used. It is a record of the partition's own, so that it holds whoever opens the partition.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use crypto::Secret;
use serde::{Deserialize, Serialize};
use wire::MechanismId;

use super::Partition;
use crate::error::Error;
use crate::mechanism::{Mechanism, Mechanisms};
use crate::ports::Clock;
use crate::vault::{Change, Expect, RecordId, Vault, kind};

/// To what an instance holds a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// The instance's number.
    pub instance: u64,
    /// The instance's name.
    pub name: String,
    /// The mechanisms on offer, in order; none means all.
    pub mechanisms: Option<Vec<u64>>,
    /// When its term ends, in seconds since 1970: from then on it is frozen.
    pub until: u64,
    /// The most sessions that are open at once, of all applications.
    pub sessions: u64,
    /// The most token objects.
    pub objects: u64,
}

/// A [`Confinement`] whose end can move.
pub(super) struct Confined {
    terms: Confinement,
    until: AtomicU64,
}

const fn id(domain: u64) -> RecordId {
    RecordId { domain, kind: kind::CONFINEMENT, number: 0 }
}

impl Confinement {
    /// The change that writes it.
    ///
    /// # Errors
    /// `Internal` if it has no encoding.
    pub(crate) fn change(&self, domain: u64) -> Result<Change, Error> {
        let mut bytes = Vec::new();
        wire::codec::encode(self, &mut bytes)
            .map_err(|_| Error::Internal("a confinement has an encoding"))?;
        Ok(Change { id: id(domain), expect: Expect::Any, value: Some(Secret::new(bytes)) })
    }

    /// The confinement whose record this is.
    pub(crate) fn decode(record: &Secret) -> Result<Self, Error> {
        wire::codec::decode(record.as_bytes()).map_err(|_| Error::Internal("a confinement's record decodes"))
    }
}

impl Confined {
    pub(super) const fn new(terms: Confinement) -> Self {
        Self { until: AtomicU64::new(terms.until), terms }
    }

    pub(super) fn load(vault: &Vault, domain: u64) -> Result<Option<Self>, Error> {
        vault.get(id(domain))?.map(|(_, record)| Confinement::decode(&record).map(Self::new)).transpose()
    }
}

impl Partition {
    /// The same, which is new, held to this.
    pub(crate) fn confined_to(self, to: Confinement) -> Self {
        Self { confined: Some(Confined::new(to)), ..self }
    }

    /// To what an instance holds it; none if it is of no instance.
    #[must_use]
    pub fn confinement(&self) -> Option<Confinement> {
        let confined = self.confined.as_ref()?;
        Some(Confinement { until: confined.until.load(Ordering::Acquire), ..confined.terms.clone() })
    }

    /// The number of the instance it is of.
    pub(crate) fn instance(&self) -> Option<u64> {
        self.confined.as_ref().map(|confined| confined.terms.instance)
    }

    /// Refuses the use of a partition whose instance has expired.
    ///
    /// # Errors
    /// `Frozen`.
    pub(crate) fn check_in_force(&self, clock: &dyn Clock) -> Result<(), Error> {
        let Some(confined) = &self.confined else { return Ok(()) };
        let now = clock.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if now < confined.until.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(Error::Frozen(confined.terms.name.clone()))
    }

    /// Refuses what an instance does with its own commands.
    ///
    /// # Errors
    /// `OfInstance`.
    pub(crate) fn check_is_of_no_instance(&self) -> Result<(), Error> {
        match &self.confined {
            None => Ok(()),
            Some(confined) => Err(Error::OfInstance(confined.terms.name.clone())),
        }
    }

    /// Whether the partition has this mechanism at all.
    pub(crate) fn offers(&self, mechanism: MechanismId) -> bool {
        let confined = self.confined.as_ref();
        let allowed = confined.and_then(|confined| confined.terms.mechanisms.as_ref());
        allowed.is_none_or(|allowed| allowed.binary_search(&mechanism.0).is_ok())
    }

    /// The row of a mechanism that the partition has.
    ///
    /// # Errors
    /// `MechanismInvalid`.
    pub(crate) fn mechanism<'a>(
        &self,
        mechanisms: &'a Mechanisms,
        id: MechanismId,
    ) -> Result<&'a Mechanism, Error> {
        let row = mechanisms.find(id)?;
        if self.offers(id) { Ok(row) } else { Err(Error::MechanismInvalid(id)) }
    }

    /// The most sessions that may be open on it.
    pub(super) fn most_sessions(&self) -> u64 {
        self.confined.as_ref().map_or(u64::MAX, |confined| confined.terms.sessions)
    }

    /// The most token objects that may be in it, of so many that may be in any.
    pub(super) fn most_objects(&self, any: u64) -> u64 {
        self.confined.as_ref().map_or(any, |confined| any.min(confined.terms.objects))
    }

    /// Its term ends then, once that is durable.
    pub(crate) fn ends(&self, until: u64) {
        if let Some(confined) = &self.confined {
            confined.until.store(until, Ordering::Release);
        }
    }
}
