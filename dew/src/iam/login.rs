//! Log-ins by password, and by a code beside it. A wrong try is counted before anything is looked at, and after too many
//! nobody is let in for a while. The counts are in memory: whoever can restart the daemon has other ways.

use std::collections::VecDeque;
use std::sync::Arc;

use super::id::{AccountId, UserId};
use super::identity::Identity;
use super::record::{LoginProtection, Password, User};
use super::settings::{LoginPolicy, PasswordPolicy};
use super::token::Method;
use super::{Acting, Iam, IamError};

/// Somebody who has logged in.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// Who it is.
    pub identity: Identity,
    /// How that was shown.
    pub methods: Vec<Method>,
}

/// Wrong tries of a user, and until when nobody is let in; 0 while somebody is.
#[derive(Default)]
pub(super) struct Tries {
    wrong: VecDeque<u64>,
    until: u64,
}

impl Tries {
    /// Counts a try as a wrong one.
    fn count(&mut self, now: u64, policy: &LoginPolicy) -> Result<(), IamError> {
        if now < self.until {
            return Err(IamError::Locked { minutes: (self.until - now).div_ceil(60) });
        }
        if self.until > 0 {
            *self = Self::default();
        }
        let forgotten = u64::from(policy.forgotten_minutes) * 60;
        self.wrong.retain(|at| at.saturating_add(forgotten) > now);
        self.wrong.push_back(now);
        if self.wrong.len() >= usize::try_from(policy.tries).unwrap_or(usize::MAX) {
            self.until = now.saturating_add(u64::from(policy.lockout_minutes) * 60);
        }
        Ok(())
    }

    /// Counts the last try no more: it was a right one. Those before it were wrong all the same.
    fn take_back(&mut self) {
        if self.wrong.pop_back().is_some() {
            self.until = 0;
        }
    }
}

impl Password {
    /// Whether it must be changed before it lets anybody in.
    pub(super) fn is_due(&self, policy: &PasswordPolicy, now: u64) -> bool {
        let days = u64::from(policy.valid_days);
        self.temporary || (days > 0 && now >= self.set.saturating_add(days * 86_400))
    }
}

impl Iam {
    /// Checks a user's password, or in the same time that of nobody: for who is not there, and for who is locked. It
    /// stays counted as a wrong try, until the caller has seen all that it asks for.
    ///
    /// # Errors
    /// `WrongLogin`, `Locked`.
    pub(super) fn check_password(&self, user: Option<&User>, password: &str) -> Result<(), IamError> {
        let counted = user.map_or(Ok(()), |user| self.count_try(user));
        let user = user.filter(|_| counted.is_ok());
        let kept = user.and_then(|user| user.password.as_ref());
        let _one_at_a_time = self.checking.lock();
        let verifier = kept.map_or(&self.nobody, |password| &password.verifier);
        let right = verifier.matches(password.as_bytes())?;
        counted?;
        match (right, kept, user) {
            (true, Some(_), Some(_)) => Ok(()),
            _ => Err(IamError::WrongLogin),
        }
    }

    fn count_try(&self, user: &User) -> Result<(), IamError> {
        let account = self.account(user.account).ok_or(IamError::WrongLogin)?;
        self.tries.lock().entry(user.id).or_default().count(self.hsm.time(), &account.logins)
    }

    /// Counts a user's last try no more, as what was shown was right. Wrong ones before it stay: who knows one of
    /// password and code does not so come by more tries at the other.
    pub(super) fn take_back_try(&self, user: UserId) {
        if let Some(tries) = self.tries.lock().get_mut(&user) {
            tries.take_back();
        }
    }

    /// Forgets a user's wrong tries, after all was shown that the user has.
    fn forget_tries(&self, user: UserId) {
        self.tries.lock().remove(&user);
    }
}

impl Acting<'_> {
    /// Logs a user in: by its password, and a code of its device if it shows one, or must. A user that is not there is
    /// refused as one whose password is wrong, and as late. So is one that is locked, whatever the password: `Locked` is for
    /// the log, as it tells whoever asks that there is such a user.
    ///
    /// # Errors
    /// `WrongLogin`, `Locked`; with the right password, `NeedsSecondFactor`, `PasswordExpired`; what the vault says.
    pub fn log_in(
        self,
        user: Option<Arc<User>>,
        password: &str,
        code: Option<&str>,
    ) -> Result<LoggedIn, IamError> {
        let iam = self.iam;
        iam.check_password(user.as_deref(), password)?;
        let user = user.ok_or(IamError::WrongLogin)?;
        let account = iam.account(user.account).ok_or(IamError::WrongLogin)?;
        let mut methods = vec![Method::Password];
        match code {
            Some(code) => {
                // Of the try that is counted already.
                self.use_code(user.account, user.id, code)?;
                methods.push(Method::Totp);
                iam.forget_tries(user.id);
            }
            None if user.has_device() => iam.take_back_try(user.id),
            None => iam.forget_tries(user.id),
        }
        if code.is_none() && user.protection == LoginProtection::Device {
            return Err(IamError::NeedsSecondFactor);
        }
        let now = iam.hsm.time();
        if user.password.as_ref().is_some_and(|kept| kept.is_due(&account.passwords, now)) {
            return Err(IamError::PasswordExpired { user: user.id });
        }
        let directory = iam.directory.read();
        // The user as it is now: what was checked may have changed since.
        let known = directory.known(user.id).filter(|known| known.identity.epoch == user.epoch);
        let known = known.ok_or(IamError::WrongLogin)?;
        let mfa = code.map(|_| now);
        Ok(LoggedIn { identity: Identity { mfa, ..Identity::clone(&known.identity) }, methods })
    }

    /// Does what a code lets somebody do: a wrong one counts as a wrong log-in.
    pub(super) fn guarded<T>(
        self,
        account: AccountId,
        user: UserId,
        what: impl FnOnce(Self) -> Result<T, IamError>,
    ) -> Result<T, IamError> {
        let user = self.iam.user(account, user).ok_or(IamError::Unknown("user"))?;
        self.iam.count_try(&user)?;
        let done = what(self)?;
        self.iam.take_back_try(user.id);
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_wrong_tries_lock_for_a_while_and_old_ones_are_forgotten() {
        let policy = LoginPolicy { tries: 3, ..LoginPolicy::default() };
        let mut tries = Tries::default();
        let quarter = 15 * 60;
        for at in [0, quarter + 1, quarter + 2, quarter + 3] {
            tries.count(at, &policy).unwrap();
        }
        assert!(matches!(tries.count(quarter + 4, &policy), Err(IamError::Locked { minutes: 15 })));
        assert!(matches!(tries.count(2 * quarter + 2, &policy), Err(IamError::Locked { minutes: 1 })));
        tries.count(2 * quarter + 3, &policy).unwrap();
    }
}
