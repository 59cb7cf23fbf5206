//! Where a call comes by a key: the one way to a key's bytes for whoever uses it.

use std::sync::Arc;

use wire::{Mechanism as Asked, ObjectHandle, Repeat};

use super::Application;
use crate::error::Error;
use crate::event::{Act, Class};
use crate::mechanism::Mechanism;
use crate::object::{Material, Object};
use crate::operation::{Active, Authentication, Slot};
use crate::policy::{Usage, authentication, decide};
use crate::session::Session;
use crate::user::rights::{self, Deed};

/// A key that may be used, for what was asked and for nothing else.
pub(super) struct Permit<'a> {
    application: &'a Application,
    session: &'a Session,
    usage: Usage,
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
    /// For how long it holds: what is decided here depends on nothing that changes without a
    /// [`super::changing::Changing`]. A key that asks for its PIN each time must be asked for each time.
    pub(super) const fn repeat(&self) -> Repeat {
        match (self.authentication, self.row.any_bytes) {
            (Authentication::Missing | Authentication::Given, _) => Repeat::Ask,
            (Authentication::NotNeeded, true) => Repeat::SameLengths,
            (Authentication::NotNeeded, false) => Repeat::Same,
        }
    }

    /// Begins the operation that was permitted: the key's first use in a role.
    pub(super) fn begin<T: ?Sized>(&self, slot: &mut Slot<T>, work: Box<T>) -> Result<(), Error> {
        self.claim()?;
        let (id, mechanism) = (self.row.id, self.row.name);
        slot.begin(Active { work, id, mechanism, authentication: self.authentication })
    }

    /// Takes the role that this use of the key is, before any of its outcome is seen. What fails before changes
    /// nothing for the key.
    ///
    /// # Errors
    /// `KeyFunctionNotPermitted` if the key was used in a conflicting role meanwhile; what the vault says.
    pub(super) fn claim(&self) -> Result<(), Error> {
        let Self { application, session, usage, object, .. } = self;
        let partition = &session.partition;
        let role = usage.role(object.class()).filter(|_| partition.profile().separates_roles());
        let Some(role) = role else { return Ok(()) };
        let hsm = &application.hsm;
        let _changing = (!object.roles().has(role)).then(|| hsm.changing(partition));
        let claimed = partition.claim_role(&hsm.vault, object, role);
        // The use is counted and recorded already, as permitted.
        claimed.inspect_err(|error| application.use_of(session, *usage, self.row).failed(Some(object), error))
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
        let row = session.partition.mechanism(&self.hsm.mechanisms, asked.id)?;
        let offered = session.partition.profile().offers(usage, row);
        if offered { Ok(row) } else { Err(Error::MechanismInvalid(asked.id)) }
    }

    /// A use of a key, as it is recorded.
    pub(super) fn use_of<'a>(&'a self, session: &'a Session, usage: Usage, row: &'a Mechanism) -> Act<'a> {
        let act = self.act(session, Class::Use(session.partition.uses()), usage.word());
        Act { mechanism: Some(row.name), ..act }
    }

    /// Asks the policy for a key and, on its word, hands the key out, once that is recorded. This is the one
    /// event of the use: what is kept of an `Init` by the module comes here for each operation all the same.
    pub(super) fn permit<'a>(
        &'a self,
        session: &'a Session,
        usage: Usage,
        asked: &Asked,
        key: ObjectHandle,
    ) -> Result<Permit<'a>, Error> {
        let row = self.mechanism(session, usage, asked)?;
        let object = self.object(session, key).ok_or_else(|| usage.no_key(key))?;
        let user = self.login(&session.partition).user;
        let allowed = rights::check(user, Deed::Use, object.attributes());
        let decision = allowed.and_then(|()| decide(usage, row, &object)).and_then(|()| {
            let authentication = authentication(session.partition.profile(), usage, &object)?;
            Ok((object.material()?.clone(), authentication))
        });
        self.use_of(session, usage, row).outcome(Some(&object), &decision)?;
        let (material, authentication) = decision?;
        Ok(Permit { application: self, session, usage, row, object, material, authentication })
    }
}
