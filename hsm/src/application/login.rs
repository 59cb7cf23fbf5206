//! Log-in and PINs.

use wire::Slice;
use wire::calls::session::{Login, LoginUser};

use super::{Application, Place};
use crate::error::Error;
use crate::event::{Act, Class};
use crate::partition::Partition;
use crate::pin::Which;
use crate::session::Session;
use crate::user::{
    BadName, CKU_CONTEXT_SPECIFIC, CKU_CRYPTO_USER, CKU_SO, CKU_USER, CRYPTO_USER, MAX_NAME, User, UserRole,
};

/// Whose PIN is given, and as what it logs in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Account<'a> {
    /// One of the two that every token has.
    Own(Which),
    /// A named user.
    Named(&'a str, UserRole),
}

impl<'a> Account<'a> {
    const fn user(self) -> User {
        match self {
            Self::Own(Which::So) => User::So,
            Self::Own(Which::User) => User::User,
            Self::Named(_, role) => role.user(),
        }
    }

    const fn name(self) -> Option<&'a str> {
        match self {
            Self::Own(_) => None,
            Self::Named(name, _) => Some(name),
        }
    }
}

fn given(pin: Option<Slice<'_>>) -> Result<&[u8], Error> {
    pin.map(|pin| pin.0).ok_or(Error::ArgumentsBad("the token has no protected path for a PIN"))
}

impl Application {
    /// `C_Login`. Who knows of no names logs in as [`CRYPTO_USER`] with the user type that Luna has for that.
    pub(super) fn log_in(&self, call: &Login<'_>) -> Result<(), Error> {
        let session = self.session(call.session)?;
        let account = match call.user {
            CKU_SO => Account::Own(Which::So),
            CKU_USER => Account::Own(Which::User),
            CKU_CONTEXT_SPECIFIC => return self.log_in_for_operation(&session, given(call.pin)?),
            CKU_CRYPTO_USER => match session.partition.user_role(CRYPTO_USER) {
                Some(UserRole::CryptoUser) => Account::Named(CRYPTO_USER, UserRole::CryptoUser),
                _ => return Err(Error::UserPinNotInitialized),
            },
            other => return Err(Error::UserTypeInvalid(other)),
        };
        self.log_in_as(&session, account, given(call.pin)?)
    }

    /// `C_LoginUser`. An empty name is as good as none.
    pub(super) fn log_in_by_name(&self, call: &LoginUser<'_>) -> Result<(), Error> {
        let LoginUser { session, user, pin, name: Slice(name) } = *call;
        if name.is_empty() {
            return self.log_in(&Login { session, user, pin });
        }
        let session = self.session(session)?;
        let name = std::str::from_utf8(name).map_err(|_| BadName::Form)?;
        if name.len() > MAX_NAME {
            return Err(BadName::Form.into());
        }
        let pin = given(pin)?;
        let role = session.partition.user_role(name);
        match (user, role) {
            (CKU_USER, Some(role)) => self.log_in_as(&session, Account::Named(name, role), pin),
            (CKU_CRYPTO_USER, Some(role @ UserRole::CryptoUser)) => {
                self.log_in_as(&session, Account::Named(name, role), pin)
            }
            (CKU_USER | CKU_CRYPTO_USER, _) => self.log_in_as_nobody(&session, name),
            (CKU_CONTEXT_SPECIFIC, _) => {
                let login = self.login(&session.partition);
                if login.user != User::Nobody && self.name_of(login) != name {
                    return Err(Error::UserAnotherAlreadyLoggedIn);
                }
                self.log_in_for_operation(&session, pin)
            }
            (other, _) => Err(Error::UserTypeInvalid(other)),
        }
    }

    /// Somebody gives a name that is nobody's. Names are nothing secret: there is no PIN to be counted.
    fn log_in_as_nobody(&self, session: &Session, name: &str) -> Result<(), Error> {
        let details = [("name", name.escape_debug().to_string())];
        let act = self.act_as(&session.partition, User::Nobody.name(), Class::Administration, "login");
        Act { details: &details, ..act }.unless_done(None, Err(Error::UserUnknown(name.to_owned())))
    }

    fn log_in_as(&self, session: &Session, account: Account<'_>, pin: &[u8]) -> Result<(), Error> {
        let place = self.place(&session.partition);
        let action = if account.user() == User::So { "login as SO" } else { "login" };
        let name = account.name().unwrap_or(account.user().name());
        let act = self.act_as(&session.partition, name, Class::Administration, action);
        let result = {
            let _one_at_a_time = place.entering.lock();
            self.try_log_in(session, &place, &act, account, pin)
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
        account: Account<'_>,
        pin: &[u8],
    ) -> Result<(), Error> {
        self.check_may_log_in(session, *place.login.read(), account)?;
        self.check_pin(&session.partition, account, pin, act)?;
        let _changing = self.changing();
        let mut login = place.login.write();
        // Sessions may have been opened or closed meanwhile; from here on none is.
        self.check_may_log_in(session, *login, account)?;
        let name = account.name().map(|name| self.names.keep(name));
        *login = super::Login { user: account.user(), name, generation: login.generation + 1 };
        Ok(())
    }

    fn check_pin(
        &self,
        partition: &Partition,
        account: Account<'_>,
        pin: &[u8],
        act: &Act<'_>,
    ) -> Result<(), Error> {
        let (vault, settings) = (&self.hsm.vault, &self.hsm.settings);
        match account {
            Account::Own(which) => partition.check_pin(vault, settings, which, pin, act),
            Account::Named(name, _) => partition.check_user_pin(vault, settings, name, pin, act),
        }
    }

    fn check_may_log_in(
        &self,
        session: &Session,
        login: super::Login,
        account: Account<'_>,
    ) -> Result<(), Error> {
        let name = login.name.map(|name| self.names.of(name));
        if login.user == account.user() && name == account.name() {
            return Err(Error::UserAlreadyLoggedIn);
        }
        if login.user != User::Nobody {
            return Err(Error::UserAnotherAlreadyLoggedIn);
        }
        if let Account::Named(name, role) = account
            && session.partition.user_role(name) != Some(role)
        {
            return Err(Error::UserUnknown(name.to_owned()));
        }
        self.session(session.handle)?;
        let (all, rw) = self.count_sessions(&session.partition);
        if account.user() == User::So && all != rw {
            return Err(Error::SessionReadOnlyExists);
        }
        Ok(())
    }

    /// Whose PIN is meant by who is logged in.
    fn account(&self, partition: &Partition) -> Option<Account<'_>> {
        let login = self.login(partition);
        let name = login.name.map(|name| self.names.of(name));
        match (login.user, name) {
            (User::Nobody, _) => None,
            (User::So, _) => Some(Account::Own(Which::So)),
            (User::User, None) => Some(Account::Own(Which::User)),
            (User::User, Some(name)) => Some(Account::Named(name, UserRole::CryptoOfficer)),
            (User::CryptoUser, name) => Some(Account::Named(name.unwrap_or_default(), UserRole::CryptoUser)),
        }
    }

    /// `CKU_CONTEXT_SPECIFIC`: the PIN of whoever is logged in, for the one operation that waits for it.
    fn log_in_for_operation(&self, session: &Session, pin: &[u8]) -> Result<(), Error> {
        // Held throughout, so that the PIN is for the operation that waited when it was given.
        let mut operations = session.operations.lock();
        if operations.waiting().is_none() {
            return Err(Error::OperationNotInitialized);
        }
        let account = self.account(&session.partition).ok_or(Error::UserNotLoggedIn("the user"))?;
        let act = self.administers(session, "login for one operation");
        act.unless_done(None, self.check_pin(&session.partition, account, pin, &act))?;
        operations.authenticate()
    }

    /// Logs out: private session objects go, handles of private objects are good no more, and operations end.
    /// That it cannot be recorded is an error, and yet nobody is logged in any more.
    pub(super) fn log_out(&self, session: &Session) -> Result<(), Error> {
        let partition = &session.partition;
        let left = self.leave(partition, |login| login.user != User::Nobody);
        let left = left.ok_or(Error::UserNotLoggedIn("a user to log out"))?;
        self.act_as(partition, self.name_of(left), Class::Administration, "logout").done(None)
    }

    /// Ends the log-in of a named user who is one no more.
    pub(crate) fn dismiss(&self, partition: &Partition, name: &str) {
        self.leave(partition, |login| login.name.is_some_and(|named| self.names.of(named) == name));
    }

    /// Ends a log-in that is as it must be, and tells whose that was.
    fn leave(&self, partition: &Partition, is_meant: impl Fn(super::Login) -> bool) -> Option<super::Login> {
        let place = self.places.read().get(&partition.domain).cloned()?;
        let _changing = self.changing();
        let mut login = place.login.write();
        let left = Some(*login).filter(|login| is_meant(*login))?;
        place.leave(&mut login);
        drop(login);
        // An operation that was begun by who was logged in is in its session by now: to begin one, a session's
        // operations are held from the look at the log-in on.
        let sessions: Vec<_> = self.sessions.read().values().cloned().collect();
        for session in sessions.iter().filter(|session| session.partition.domain == partition.domain) {
            session.operations.lock().clear();
        }
        Some(left)
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

    /// `C_SetPIN`: of who is logged in, else of the user.
    pub(super) fn change_pin(
        &self,
        session: &Session,
        old: Option<Slice<'_>>,
        new: Option<Slice<'_>>,
    ) -> Result<(), Error> {
        if !session.rw {
            return Err(Error::SessionReadOnly);
        }
        let (vault, settings) = (&self.hsm.vault, &self.hsm.settings);
        let act = self.administers(session, "change a PIN");
        let (old, new) = (given(old)?, given(new)?);
        let partition = &session.partition;
        let changed = match self.account(partition).unwrap_or(Account::Own(Which::User)) {
            Account::Own(which) => partition.set_pin(vault, settings, which, old, new, &act),
            Account::Named(name, _) => partition.set_own_pin(vault, settings, name, old, new, &act),
        };
        act.unless_done(None, changed)
    }
}
