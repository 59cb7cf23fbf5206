//! Where a call comes by a key: the one way to a key's bytes for whoever uses it.

use std::sync::Arc;

use wire::{Mechanism as Asked, ObjectHandle};

use super::Application;
use crate::error::Error;
use crate::mechanism::Mechanism;
use crate::object::{Attr, Material, Object};
use crate::operation::{Active, Authentication, Slot};
use crate::policy::{Usage, decide};
use crate::session::Session;

/// A key that may be used, for what was asked and for nothing else.
pub(super) struct Permit<'a> {
    /// The mechanism's row.
    pub(super) row: &'a Mechanism,
    /// The key's object.
    pub(super) object: Arc<Object>,
    /// The key, ready.
    pub(super) material: Arc<Material>,
    /// Whether this operation needs the PIN once more.
    pub(super) authentication: Authentication,
}

impl Permit<'_> {
    /// Begins the operation that was permitted.
    pub(super) fn begin<T: ?Sized>(&self, slot: &mut Slot<T>, work: Box<T>) -> Result<(), Error> {
        slot.begin(Active { work, mechanism: self.row.name, authentication: self.authentication })
    }
}

impl Application {
    /// The mechanism's row, if the session's partition offers it for this use.
    pub(super) fn mechanism(
        &self,
        session: &Session,
        usage: Usage,
        asked: &Asked,
    ) -> Result<&Mechanism, Error> {
        let row = self.hsm.mechanisms.find(asked.id)?;
        let offered = session.partition.profile().offers(usage, row);
        if offered { Ok(row) } else { Err(Error::MechanismInvalid(asked.id)) }
    }

    /// Asks the policy for a key and, on its word, hands the key out. The event is recorded either way.
    pub(super) fn permit(
        &self,
        session: &Session,
        usage: Usage,
        asked: &Asked,
        key: ObjectHandle,
    ) -> Result<Permit<'_>, Error> {
        let row = self.mechanism(session, usage, asked)?;
        let object = self.object(session, key).ok_or_else(|| usage.no_key(key))?;
        let decision = self.decide(session, usage, row, &object);
        let rv = decision.as_ref().map_or_else(Error::rv, |_| wire::Rv::OK);
        self.event(session, usage.word(), Some(&object), rv);
        let material = decision?;
        let authentication = if object.flag(Attr::ALWAYS_AUTHENTICATE) {
            Authentication::Missing
        } else {
            Authentication::NotNeeded
        };
        Ok(Permit { row, object, material, authentication })
    }

    fn decide(
        &self,
        session: &Session,
        usage: Usage,
        row: &Mechanism,
        key: &Object,
    ) -> Result<Arc<Material>, Error> {
        decide(usage, row, key)?;
        if let Some(role) = usage.role(key.class()).filter(|_| session.partition.profile().separates_roles())
        {
            session.partition.claim_role(&self.hsm.vault, key, role)?;
        }
        key.material().cloned()
    }
}
