//! Why something cannot be done in the directory, in words; the front end gives each its code.

use super::id::UserId;
use super::quota::Quota;

/// Why not. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub enum IamError {
    // What is asked for cannot be.
    #[error("{0}")]
    Name(String),
    #[error("a description has at most {0} characters, all of them seen, and none of @ # % & < > \\ $ ^ *")]
    Description(usize),
    #[error("the {0} is malformed")]
    Contact(&'static str),
    #[error("{field} is from {min} to {max}")]
    Range { field: &'static str, min: u64, max: u64 },
    #[error("{0}")]
    Password(String),
    #[error("the policy is refused: {0}")]
    Policy(String),
    #[error("a project's name begins with its region's and _: {0}")]
    Region(String),
    #[error("{0}")]
    Invalid(&'static str),

    // What is there.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    #[error("{what} {name:?} is there already")]
    Taken { what: &'static str, name: String },
    #[error("the quota is used up: {} is the most {}s", .0.most(), .0.name())]
    Quota(Quota),
    #[error("{what} is in use: {by}")]
    InUse { what: &'static str, by: &'static str },
    #[error("this cannot be done to {0}")]
    Protected(&'static str),

    // Who asks.
    #[error("{0}")]
    Forbidden(String),
    #[error("name, password or passcode is wrong")]
    WrongLogin,
    #[error("too many log-ins failed: try again in {minutes} minutes")]
    Locked { minutes: u64 },
    #[error("the password of the user {user} has expired or must be changed: change it first")]
    PasswordExpired { user: UserId },
    #[error("a second factor is needed")]
    NeedsSecondFactor,
    #[error("codes are not sent so often: try again in {seconds} seconds")]
    TooManyCodes { seconds: u64 },
    #[error("the token is not valid")]
    NoToken,
    #[error("the agency does not trust who asks")]
    NotTrusted,
    #[error("this asks for a user, not for an agency or a key that expires")]
    NeedsUser,

    #[error("a record of the directory does not decode")]
    Malformed,
    #[error("somebody else changed it meanwhile: look again")]
    ChangedMeanwhile,
    #[error(transparent)]
    Hsm(#[from] hsm::Error),
}

impl From<crypto::Error> for IamError {
    fn from(error: crypto::Error) -> Self {
        Self::Hsm(error.into())
    }
}
