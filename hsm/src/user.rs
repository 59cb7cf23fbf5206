//! Who is logged in to a token, and as what.

pub mod rights;

/// The user of a token, as an application is logged in: what [`rights`] go by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum User {
    /// Nobody: only public objects are seen.
    #[default]
    Nobody,
    /// A named user who uses keys and changes nothing on the token.
    CryptoUser,
    /// `CKU_USER`: the crypto officer, by the user's PIN of the token or as a named user.
    User,
    /// `CKU_SO`
    So,
}

impl User {
    /// Every user, in the order of the table of rights.
    pub const ALL: [Self; 4] = [Self::Nobody, Self::CryptoUser, Self::User, Self::So];

    /// The name that events and logs use of one who has no other.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::CryptoUser => CRYPTO_USER,
            Self::User => "user",
            Self::So => "so",
        }
    }
}

/// What a named user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserRole {
    /// Makes, uses and destroys keys.
    CryptoOfficer,
    /// Uses keys.
    CryptoUser,
}

impl UserRole {
    /// Both.
    pub const ALL: [Self; 2] = [Self::CryptoOfficer, Self::CryptoUser];

    /// Its name on the command line and in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CryptoOfficer => "crypto-officer",
            Self::CryptoUser => "crypto-user",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// As what somebody of this role is logged in.
    #[must_use]
    pub const fn user(self) -> User {
        match self {
            Self::CryptoOfficer => User::User,
            Self::CryptoUser => User::CryptoUser,
        }
    }
}

/// `CKU_SO`
pub const CKU_SO: u64 = 0;
/// `CKU_USER`
pub const CKU_USER: u64 = 1;
/// `CKU_CONTEXT_SPECIFIC`
pub const CKU_CONTEXT_SPECIFIC: u64 = 2;
/// The crypto user, with the number that Luna HSMs have given this user type, for applications that know of no
/// names.
pub const CKU_CRYPTO_USER: u64 = 0x8000_0001;

/// The named user as whom `C_Login` with [`CKU_CRYPTO_USER`] logs in.
pub const CRYPTO_USER: &str = "crypto-user";
/// In place of a name: the user of the token, by whose PIN `C_Login` with [`CKU_USER`] logs in.
pub const USER: &str = "user";

/// The longest name of a user, in bytes.
pub const MAX_NAME: usize = 64;
/// Names that records have for somebody else, in whichever case.
const RESERVED: [&str; 5] = [USER, "so", "nobody", "console", "daemon"];

/// What is wrong with a user's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Its form.
    #[error("a user's name has 1 to 64 bytes of UTF-8 without control characters or spaces at its ends")]
    Form,
    /// Records would take it for another's.
    #[error("the name stands for somebody else in the audit log")]
    Reserved,
}

/// Refuses a name that is none, or that a new user cannot have.
///
/// # Errors
/// [`BadName`]
pub fn check_name(name: &str) -> Result<(), BadName> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if name.is_empty() || name.len() > MAX_NAME || name.trim() != name || name.chars().any(hidden) {
        return Err(BadName::Form);
    }
    if RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        return Err(BadName::Reserved);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_seen_whole_and_nobody_elses_in_the_log() {
        for good in ["a", "app-7", "Zoë", "crypto-user", "users", &"x".repeat(MAX_NAME)] {
            assert_eq!(check_name(good), Ok(()), "{good:?}");
        }
        for bad in ["", " a", "a ", "a\nb", "a\u{0}", "a\u{202e}b", "\u{feff}", &"x".repeat(MAX_NAME + 1)] {
            assert_eq!(check_name(bad), Err(BadName::Form), "{bad:?}");
        }
        for other in ["user", "USER", "So", "nobody", "console", "daemon"] {
            assert_eq!(check_name(other), Err(BadName::Reserved), "{other:?}");
        }
    }

    #[test]
    fn a_role_is_known_by_its_name() {
        for role in UserRole::ALL {
            assert_eq!(UserRole::named(role.name()), Some(role));
        }
        assert_eq!(UserRole::named("partition-so"), None);
    }
}
