//! Log-in and PINs.

use wire::Slice;
use wire::calls::session::Login;

use super::{Application, Place};
use crate::error::Error;
use crate::event::{Act, Class};
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
        let place = self.place(&session.partition);
        let action = if user == User::So { "login as SO" } else { "login" };
        let act = self.act_as(&session.partition, user, Class::Administration, action);
        let result = {
            let _one_at_a_time = place.entering.lock();
            self.try_log_in(session, &place, &act, user, pin)
        };
        act.unless_done(None, result)
    }

    fn administers<'a>(&'a self, session: &'a Session, action: &'static str) -> Act<'a> {
        self.act(session, Class::Administration, action)
    }

    /// Nobody but another log-in waits while the PIN is checked.
    fn try_log_in(
        &self,
        session: &Session,
        place: &Place,
        act: &Act<'_>,
        user: User,
        pin: &[u8],
    ) -> Result<(), Error> {
        self.check_may_log_in(session, *place.login.read(), user)?;
        let which = if user == User::So { Which::So } else { Which::User };
        session.partition.check_pin(&self.hsm.vault, &self.hsm.settings, which, pin, act)?;
        let _changing = self.changing();
        let mut login = place.login.write();
        // Sessions may have been opened or closed meanwhile; from here on none is.
        self.check_may_log_in(session, *login, user)?;
        *login = super::Login { user, generation: login.generation + 1 };
        Ok(())
    }

    fn check_may_log_in(&self, session: &Session, login: super::Login, user: User) -> Result<(), Error> {
        if login.user == user {
            return Err(Error::UserAlreadyLoggedIn);
        }
        if login.user != User::Nobody {
            return Err(Error::UserAnotherAlreadyLoggedIn);
        }
        self.session(session.handle)?;
        let (all, rw) = self.count_sessions(&session.partition);
        if user == User::So && all != rw {
            return Err(Error::SessionReadOnlyExists);
        }
        Ok(())
    }

    /// `CKU_CONTEXT_SPECIFIC`: the PIN of whoever is logged in, for the one operation that waits for it.
    fn log_in_for_operation(&self, session: &Session, pin: &[u8]) -> Result<(), Error> {
        // Held throughout, so that the PIN is for the operation that waited when it was given.
        let mut operations = session.operations.lock();
        if operations.waiting().is_none() {
            return Err(Error::OperationNotInitialized);
        }
        let which = match self.login(&session.partition).user {
            User::Nobody => return Err(Error::UserNotLoggedIn("the user")),
            User::User => Which::User,
            User::So => Which::So,
        };
        let (vault, settings) = (&self.hsm.vault, &self.hsm.settings);
        let act = self.administers(session, "login for one operation");
        act.unless_done(None, session.partition.check_pin(vault, settings, which, pin, &act))?;
        operations.authenticate()
    }

    /// Logs out: private session objects go, handles of private objects are good no more, and operations end.
    /// That it cannot be recorded is an error, and yet nobody is logged in any more.
    pub(super) fn log_out(&self, session: &Session) -> Result<(), Error> {
        let partition = &session.partition;
        let place = self.place(partition);
        let _changing = self.changing();
        let mut login = place.login.write();
        if login.user == User::Nobody {
            return Err(Error::UserNotLoggedIn("a user to log out"));
        }
        let user = login.user;
        place.leave(&mut login);
        drop(login);
        // An operation that was begun by who was logged in is in its session by now: to begin one, a session's
        // operations are held from the look at the log-in on.
        let sessions: Vec<_> = self.sessions.read().values().cloned().collect();
        for session in sessions.iter().filter(|session| session.partition.domain == partition.domain) {
            session.operations.lock().clear();
        }
        self.act_as(partition, user, Class::Administration, "logout").done(None)
    }

    pub(super) fn init_user_pin(&self, session: &Session, pin: Option<Slice<'_>>) -> Result<(), Error> {
        if self.login(&session.partition).user != User::So {
            return Err(Error::UserNotLoggedIn("the security officer"));
        }
        if !session.rw {
            return Err(Error::SessionReadOnly);
        }
        let act = self.administers(session, "set the user's PIN");
        let pin = given(pin)?;
        act.unless_done(None, session.partition.init_pin(&self.hsm.vault, &self.hsm.settings, pin, &act))
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
        let act = self.administers(session, "change a PIN");
        let (old, new) = (given(old)?, given(new)?);
        act.unless_done(None, session.partition.set_pin(vault, settings, which, old, new, &act))
    }
}
