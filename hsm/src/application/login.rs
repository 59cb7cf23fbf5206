//! Log-in and PINs.

use wire::Slice;
use wire::calls::session::Login;

use super::Application;
use crate::error::Error;
use crate::partition::Partition;
use crate::pin::Which;
use crate::session::Session;
use crate::user::{CKU_CONTEXT_SPECIFIC, CKU_SO, CKU_USER, User};

fn given(pin: Option<Slice<'_>>) -> Result<&[u8], Error> {
    pin.map(|pin| pin.0).ok_or(Error::ArgumentsBad("the token has no protected path for a PIN"))
}

impl Application {
    pub(super) fn log_in(&self, call: &Login<'_>) -> Result<(), Error> {
        let session = self.session(call.session)?;
        match call.user {
            CKU_SO => self.log_in_as(&session, User::So, given(call.pin)?),
            CKU_USER => self.log_in_as(&session, User::User, given(call.pin)?),
            CKU_CONTEXT_SPECIFIC => self.log_in_for_operation(&session, given(call.pin)?),
            other => Err(Error::UserTypeInvalid(other)),
        }
    }

    fn log_in_as(&self, session: &Session, user: User, pin: &[u8]) -> Result<(), Error> {
        let partition = &session.partition;
        let place = self.place(partition);
        let mut login = place.login.write();
        if login.user == user {
            return Err(Error::UserAlreadyLoggedIn);
        }
        if login.user != User::Nobody {
            return Err(Error::UserAnotherAlreadyLoggedIn);
        }
        let (all, rw) = self.count_sessions(partition);
        if user == User::So && all != rw {
            return Err(Error::SessionReadOnlyExists);
        }
        let which = if user == User::So { Which::So } else { Which::User };
        let result = partition.check_pin(&self.hsm.vault, &self.hsm.settings, which, pin);
        if result.is_ok() {
            login.user = user;
            login.generation += 1;
        }
        drop(login);
        let rv = result.as_ref().map_or_else(Error::rv, |()| wire::Rv::OK);
        self.event(session, if user == User::So { "login as SO" } else { "login" }, None, rv);
        result
    }

    /// `CKU_CONTEXT_SPECIFIC`: the PIN of whoever is logged in, for the one operation that waits for it.
    fn log_in_for_operation(&self, session: &Session, pin: &[u8]) -> Result<(), Error> {
        if !session.operations.lock().waits() {
            return Err(Error::OperationNotInitialized);
        }
        let which = match self.login(&session.partition).user {
            User::Nobody => return Err(Error::UserNotLoggedIn("the user")),
            User::User => Which::User,
            User::So => Which::So,
        };
        let result = session.partition.check_pin(&self.hsm.vault, &self.hsm.settings, which, pin);
        let rv = result.as_ref().map_or_else(Error::rv, |()| wire::Rv::OK);
        self.event(session, "login for one operation", None, rv);
        result?;
        session.operations.lock().authenticate()
    }

    /// Logs out: private session objects go, handles of private objects are good no more, and operations with
    /// keys end.
    pub(super) fn log_out(&self, partition: &Partition) -> Result<(), Error> {
        let place = self.place(partition);
        let mut login = place.login.write();
        if login.user == User::Nobody {
            return Err(Error::UserNotLoggedIn("a user to log out"));
        }
        login.user = User::Nobody;
        let mut objects = place.objects.write();
        for number in objects.index.private_numbers() {
            objects.index.remove(number);
            objects.owners.remove(&number);
        }
        drop((objects, login));
        let sessions = self.sessions.read();
        for session in sessions.values().filter(|session| session.partition.domain == partition.domain) {
            session.operations.lock().clear();
        }
        Ok(())
    }

    pub(super) fn init_user_pin(&self, session: &Session, pin: Option<Slice<'_>>) -> Result<(), Error> {
        if self.login(&session.partition).user != User::So {
            return Err(Error::UserNotLoggedIn("the security officer"));
        }
        if !session.rw {
            return Err(Error::SessionReadOnly);
        }
        let result = session.partition.init_pin(&self.hsm.vault, &self.hsm.settings, given(pin)?);
        self.event(
            session,
            "set the user's PIN",
            None,
            result.as_ref().map_or_else(Error::rv, |()| wire::Rv::OK),
        );
        result
    }

    pub(super) fn change_pin(
        &self,
        session: &Session,
        old: Option<Slice<'_>>,
        new: Option<Slice<'_>>,
    ) -> Result<(), Error> {
        if !session.rw {
            return Err(Error::SessionReadOnly);
        }
        let which = match self.login(&session.partition).user {
            User::So => Which::So,
            User::User | User::Nobody => Which::User,
        };
        let (vault, settings) = (&self.hsm.vault, &self.hsm.settings);
        let result = session.partition.set_pin(vault, settings, which, given(old)?, given(new)?);
        self.event(session, "change a PIN", None, result.as_ref().map_or_else(Error::rv, |()| wire::Rv::OK));
        result
    }
}
