//! What an account decides for its users: how they log in, what passwords they have, what asks for a second factor.

use serde::{Deserialize, Serialize};

use super::error::IamError;

/// How users log in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginPolicy {
    /// What is shown after a log-in.
    pub message: String,
    /// For how many minutes nobody is let in after too many wrong tries.
    pub lockout_minutes: u32,
    /// How many wrong tries are too many.
    pub tries: u32,
    /// After how many minutes a wrong try is forgotten.
    pub forgotten_minutes: u32,
    /// How long a console's session lasts without use, in minutes.
    pub session_minutes: u32,
    /// Whether the last log-in is shown.
    pub show_last: bool,
}

impl Default for LoginPolicy {
    fn default() -> Self {
        Self {
            message: String::new(),
            lockout_minutes: 15,
            tries: 5,
            forgotten_minutes: 15,
            session_minutes: 60,
            show_last: false,
        }
    }
}

impl LoginPolicy {
    pub(super) fn check(&self) -> Result<(), IamError> {
        within("lockout_duration", self.lockout_minutes, 15, 1440)?;
        within("login_failed_times", self.tries, 3, 10)?;
        within("period_with_login_failures", self.forgotten_minutes, 15, 60)?;
        within("session_timeout", self.session_minutes, 15, 1440)?;
        super::name::check_description(&self.message)
    }
}

/// What passwords users may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordPolicy {
    /// The least characters.
    pub length: u32,
    /// How many kinds of character: capital and small letters, digits, others.
    pub kinds: u32,
    /// How often in a row a character may stand; 0 for any number.
    pub repeats: u32,
    /// How many of the last passwords cannot be chosen.
    pub recent: u32,
    /// After how many days it must be changed; 0 for never.
    pub valid_days: u32,
    /// For how many minutes it cannot be changed.
    pub least_minutes: u32,
    /// Whether it may not be the user's name, forwards or backwards.
    pub not_name: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { length: 8, kinds: 2, repeats: 0, recent: 1, valid_days: 0, least_minutes: 0, not_name: true }
    }
}

/// The most characters of a password.
pub const MAX_PASSWORD: usize = 32;

impl PasswordPolicy {
    pub(super) fn check(&self) -> Result<(), IamError> {
        within("minimum_password_length", self.length, 6, 32)?;
        within("password_char_combination", self.kinds, 2, 4)?;
        within("maximum_consecutive_identical_chars", self.repeats, 0, 32)?;
        within("number_of_recent_passwords_disallowed", self.recent, 0, 10)?;
        within("password_validity_period", self.valid_days, 0, 180)?;
        within("minimum_password_age", self.least_minutes, 0, 1440)
    }

    /// Refuses a password that the account does not want for a user of this name.
    ///
    /// # Errors
    /// `Password` with the rule, never with the password.
    pub(super) fn accept(&self, password: &str, name: &str) -> Result<(), IamError> {
        let refused = |why: String| Err(IamError::Password(why));
        let (len, least) = (password.chars().count(), self.length);
        if !password.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
            return refused("a password has the characters that a keyboard has".into());
        }
        if len > MAX_PASSWORD || len < usize::try_from(least).unwrap_or(MAX_PASSWORD) {
            return refused(format!("a password has {least} to {MAX_PASSWORD} characters"));
        }
        let kinds: [fn(&char) -> bool; 4] =
            [char::is_ascii_uppercase, char::is_ascii_lowercase, char::is_ascii_digit, |c| {
                !c.is_ascii_alphanumeric()
            }];
        let has = kinds.iter().filter(|kind| password.chars().any(|c| kind(&c))).count();
        if has < usize::try_from(self.kinds).unwrap_or(kinds.len()) {
            return refused(format!(
                "a password has characters of {} kinds: capital letters, small ones, digits, others",
                self.kinds
            ));
        }
        let (lower, name) = (password.to_lowercase(), name.to_lowercase());
        if self.not_name && (lower == name || lower.chars().rev().eq(name.chars())) {
            return refused("a password is not the user's name, forwards or backwards".into());
        }
        let most = usize::try_from(self.repeats).unwrap_or(0);
        if most > 0 && password.as_bytes().chunk_by(|a, b| a == b).any(|run| run.len() > most) {
            return refused(format!("no character stands more than {most} times in a row in a password"));
        }
        Ok(())
    }
}

/// Which operations ask for a second factor, and what users may change of themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectPolicy {
    /// Whether operations such as deletions ask for a second factor.
    pub on: bool,
    /// Whether somebody else gives it: then who.
    pub verifier: Option<Verifier>,
    /// Whether users may make, change and delete their own access keys.
    pub own_keys: bool,
    /// Whether they may change their own password.
    pub own_password: bool,
    /// Their mail address.
    pub own_email: bool,
    /// Their telephone.
    pub own_phone: bool,
}

/// Who gives second factors for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    /// By which way: `mobile` or `email`.
    pub scene: String,
    /// The telephone.
    pub mobile: String,
    /// The mail address.
    pub email: String,
}

impl Default for ProtectPolicy {
    fn default() -> Self {
        Self {
            on: false,
            verifier: None,
            own_keys: true,
            own_password: true,
            own_email: true,
            own_phone: true,
        }
    }
}

impl ProtectPolicy {
    pub(super) fn check(&self) -> Result<(), IamError> {
        let Some(Verifier { scene, mobile, email }) = &self.verifier else { return Ok(()) };
        super::name::check_contact(email, "", mobile)?;
        match scene.as_str() {
            "mobile" if !mobile.is_empty() => Ok(()),
            "email" if !email.is_empty() => Ok(()),
            _ => Err(IamError::Invalid(
                "whoever gives the second factor has a scene, mobile or email, and that address",
            )),
        }
    }
}

fn within(field: &'static str, value: u32, min: u32, max: u32) -> Result<(), IamError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(IamError::Range { field, min: min.into(), max: max.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_obeys_the_accounts_policy() {
        let policy = PasswordPolicy { kinds: 3, repeats: 2, ..PasswordPolicy::default() };
        policy.accept("Wh4t-ever", "ann").unwrap();
        let bad = ["Sh0rt-x", "alllower1", "Paß1wörter", "Wh4444tever", "Wh4t-ever\n", &"Aa1".repeat(11)];
        for bad in bad {
            assert!(
                matches!(policy.accept(bad, "ann"), Err(IamError::Password(why)) if !why.contains(bad)),
                "{bad}"
            );
        }
        for name in ["Wh4t-ever", "reve-t4hW"] {
            assert!(policy.accept("Wh4t-Ever", name).is_err(), "{name}");
        }
    }
}
