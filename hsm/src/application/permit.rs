//! Where a call comes by a key: the one way to a key's bytes for whoever uses it.

use std::cell::Cell;
use std::sync::Arc;

use wire::{Mechanism as Asked, ObjectHandle, Repeat};

use super::Application;
use crate::error::Error;
use crate::event::{Act, Class};
use crate::mechanism::Mechanism;
use crate::object::{Material, Object};
use crate::operation::{Active, Authentication, Slot, Used};
use crate::partition::Use;
use crate::policy::{Usage, authentication, decide};
use crate::quorum::{KeyQuorum, Usages};
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
    /// Whether the key's quorum must approve it.
    is_guarded: bool,
    /// Whether that has still to be counted.
    owes: Cell<bool>,
}

impl Permit<'_> {
    /// For how long it holds: what is decided here depends on nothing that changes without a
    /// [`super::changing::Changing`]. A key that asks for its PIN each time must be asked for each time, and so must one
    /// under a quorum.
    pub(super) const fn repeat(&self) -> Repeat {
        if self.is_guarded {
            return Repeat::Ask;
        }
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
        let key = Some(Used { key: Arc::clone(&self.object), usage: self.usage });
        let authentication = self.authentication;
        slot.begin(Active { work, id, mechanism, authentication, key })
    }

    /// Counts the use as one that the key's quorum approved, if it has one. To be called before the key does anything
    /// whose failure says something; [`Self::claim`] does it at the latest.
    ///
    /// # Errors
    /// `ApprovalMissing` if the last was taken meanwhile; what the vault says.
    pub(super) fn pay(&self) -> Result<(), Error> {
        let Self { application, session, usage, object, .. } = self;
        if self.owes.replace(false) {
            application.spend(session, *usage, object)?;
        }
        Ok(())
    }

    /// Takes the role that this use of the key is, before any of its outcome is seen. What fails before changes
    /// nothing for the key.
    ///
    /// # Errors
    /// `KeyFunctionNotPermitted` if the key was used in a conflicting role meanwhile; as for [`Self::pay`]; what the
    /// vault says.
    pub(super) fn claim(&self) -> Result<(), Error> {
        self.pay()?;
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
            self.check_approval(session, usage, &object)?;
            Ok((object.material()?.clone(), authentication))
        });
        self.use_of(session, usage, row).outcome(Some(&object), &decision)?;
        let (material, authentication) = decision?;
        let is_guarded = object.roles().guards(Usages::of(usage));
        let owes = Cell::new(is_guarded);
        Ok(Permit {
            application: self,
            session,
            usage,
            row,
            object,
            material,
            authentication,
            is_guarded,
            owes,
        })
    }

    /// Refuses a use that the key's quorum has not approved; takes nothing.
    fn check_approval(&self, session: &Session, usage: Usage, key: &Object) -> Result<(), Error> {
        let wanted = Use { usage: Usages::of(usage), peer: self.peer, now: self.hsm.time() };
        match session.partition.lacks_approval(key, wanted)? {
            None => Ok(()),
            Some(quorum) => Err(self.lacking(session, usage, key, &quorum)),
        }
    }

    /// Takes one use from what the key's quorum has approved.
    fn spend(&self, session: &Session, usage: Usage, key: &Object) -> Result<(), Error> {
        let wanted = Use { usage: Usages::of(usage), peer: self.peer, now: self.hsm.time() };
        let act = self.life(session, "use an authorisation");
        match session.partition.spend(&self.hsm.vault, key, wanted, &act)? {
            None => Ok(()),
            Some(quorum) => Err(self.lacking(session, usage, key, &quorum)),
        }
    }

    /// That a use lacks approval, which is recorded however uses are.
    fn lacking(&self, session: &Session, usage: Usage, key: &Object, quorum: &KeyQuorum) -> Error {
        let of = self.hsm.people().names_of(quorum);
        let error = Error::ApprovalMissing { usage: usage.word(), needed: quorum.needed(), of };
        let details = [("usage", usage.word().to_owned())];
        let act = self.life(session, "use an authorisation").with_action("use an authorisation", &details);
        act.failed(Some(key), &error);
        error
    }
}
