//! Dedicated HSM instances: groups of partitions with their own security officers, doors, certificates and limits,
//! and a life cycle: ordered, allocated, activated, made, initialised, used, renewed, deleted.
//!
//! What an instance is stands in a record of the HSM's own domain; what it makes of its partitions stands in theirs,
//! where the HSM's policy heeds it. Whoever may do something here is decided before: by the console's roles. Only the
//! initialisation asks for itself who is there, since nothing but a UKey does for that.

use hsm::event::Actor;
use hsm::service::{COUNTER, Confining, Deed, Kind, Write};
use hsm::vault::Version;
use hsm::{Error, Hsm, vault};

mod access;
mod error;
mod kind;
mod life;
mod network;
mod order;
mod record;
mod state;

pub use access::MAX_CLIENTS;
pub use error::InstanceError;
pub use kind::{Edition, Type};
pub use life::{Activating, Addresses};
pub use network::{Cidr, MAX_ALLOWED, NoCidr};
pub use order::{MAX_INSTANCES, Order};
pub(crate) use record::described;
pub use record::{Access, Activation, Id, Instance, Issued, Limits, months_after};
pub use state::{Next, OutOfOrder, Status, Step, after};

/// The instances of an HSM, as somebody sees and changes them.
#[derive(Clone, Copy)]
pub struct Instances<'a> {
    hsm: &'a Hsm,
    by: Actor<'a>,
}

/// An instance, and which version of its record it was read from.
#[derive(Clone, Debug)]
struct Stored {
    instance: Instance,
    version: Version,
}

impl<'a> Instances<'a> {
    /// The instances of an HSM. What changes is recorded as done by this actor.
    #[must_use]
    pub const fn new(hsm: &'a Hsm, by: Actor<'a>) -> Self {
        Self { hsm, by }
    }

    /// Every instance, in the order in which they were ordered.
    ///
    /// # Errors
    /// What the vault says.
    pub fn all(self) -> Result<Vec<Instance>, InstanceError> {
        Ok(self.stored()?.into_iter().map(|stored| stored.instance).collect())
    }

    /// The instance of this name or id.
    ///
    /// # Errors
    /// `Unknown`; what the vault says.
    pub fn named(self, name: &str) -> Result<Instance, InstanceError> {
        Ok(self.find(name)?.instance)
    }

    /// The time, in seconds since 1970.
    #[must_use]
    pub fn now(self) -> u64 {
        self.hsm.time()
    }

    /// Adds a tag to an instance.
    ///
    /// # Errors
    /// `Unknown`, `Tag`; what the vault says.
    pub fn add_tag(self, name: &str, key: &str, value: &str) -> Result<Instance, InstanceError> {
        let details = [("key", key.to_owned()), ("value", value.to_owned())];
        self.change(name, "add a tag to an instance", &details, |instance| {
            Ok(instance.tags.add(key, value)?)
        })
    }

    /// Gives a tag of an instance another value.
    ///
    /// # Errors
    /// `Unknown`, `Tag`; what the vault says.
    pub fn set_tag(self, name: &str, key: &str, value: &str) -> Result<Instance, InstanceError> {
        let details = [("key", key.to_owned()), ("value", value.to_owned())];
        self.change(name, "change a tag of an instance", &details, |instance| {
            Ok(instance.tags.set(key, value)?)
        })
    }

    /// Takes a tag from an instance.
    ///
    /// # Errors
    /// `Unknown`, `Tag`; what the vault says.
    pub fn remove_tag(self, name: &str, key: &str) -> Result<Instance, InstanceError> {
        let details = [("key", key.to_owned())];
        self.change(name, "take a tag from an instance", &details, |instance| {
            Ok(instance.tags.remove(key)?)
        })
    }

    /// All instances with their records' versions, and the version of the counter if there is one.
    fn stored(self) -> Result<Vec<Stored>, InstanceError> {
        let records = self.hsm.service_records(Kind::Instance)?;
        let records = records.into_iter().filter(|(number, ..)| *number != COUNTER);
        records
            .map(|(_, version, bytes)| {
                let instance =
                    postcard::from_bytes(bytes.as_bytes()).map_err(|_| InstanceError::Malformed)?;
                Ok(Stored { instance, version })
            })
            .collect()
    }

    fn find(self, name: &str) -> Result<Stored, InstanceError> {
        let is_it = |stored: &Stored| stored.instance.name == name || stored.instance.id.to_string() == name;
        self.stored()?.into_iter().find(is_it).ok_or_else(|| InstanceError::Unknown(name.to_owned()))
    }

    /// An instance that a step can be taken with now.
    fn ready(self, name: &str, step: Step) -> Result<Stored, InstanceError> {
        let stored = self.find(name)?;
        self.check(&stored.instance, step)?;
        Ok(stored)
    }

    fn check(self, instance: &Instance, step: Step) -> Result<Option<Status>, InstanceError> {
        after(instance.status(self.now()), step)
            .map_err(|why| InstanceError::OutOfOrder { name: instance.name.clone(), why })
    }

    /// Takes a step with an instance, and changes it, durably and recorded.
    fn step(
        self,
        name: &str,
        step: Step,
        action: &'static str,
        details: &[(&str, String)],
        change: impl FnOnce(&mut Instance) -> Result<(), InstanceError>,
    ) -> Result<Instance, InstanceError> {
        let mut to = None;
        let stored = self.ready(name, step)?;
        to.clone_from(&self.check(&stored.instance, step)?);
        self.save(stored, action, details, &[], |instance| {
            instance.stage = to.unwrap_or(instance.stage);
            change(instance)
        })
    }

    /// Changes an instance wherever it stands.
    fn change(
        self,
        name: &str,
        action: &'static str,
        details: &[(&str, String)],
        change: impl FnOnce(&mut Instance) -> Result<(), InstanceError>,
    ) -> Result<Instance, InstanceError> {
        self.save(self.find(name)?, action, details, &[], change)
    }

    fn save(
        self,
        stored: Stored,
        action: &'static str,
        details: &[(&str, String)],
        confining: &[Confining],
        change: impl FnOnce(&mut Instance) -> Result<(), InstanceError>,
    ) -> Result<Instance, InstanceError> {
        let Stored { mut instance, version } = stored;
        change(&mut instance)?;
        let details = [&[("instance", instance.name.clone())], details].concat();
        let deed = Deed { by: self.by, action, details: &details };
        let write = Write {
            kind: Kind::Instance,
            number: instance.number,
            was: Some(version),
            value: Some(encoded(&instance)?),
        };
        self.hsm.service_commit(vec![write], confining, &[deed]).map_err(changed_meanwhile)?;
        Ok(instance)
    }
}

/// An instance as it is kept.
fn encoded(instance: &Instance) -> Result<Vec<u8>, InstanceError> {
    postcard::to_allocvec(instance).map_err(|_| InstanceError::Malformed)
}

/// Somebody else was faster.
fn changed_meanwhile(error: Error) -> InstanceError {
    match error {
        Error::Vault(vault::VaultError::Conflict { .. }) => InstanceError::ChangedMeanwhile,
        error => error.into(),
    }
}
