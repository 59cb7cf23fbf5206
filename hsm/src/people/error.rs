//! Why somebody may not do something, or cannot be registered, in words for the people at the console.

use ukey::Id;
use wire::Rv;

use super::MAX_TRIES;
use crate::quorum::MAX_USES;
use crate::vault::{NotRecorded, VaultError};

/// Why it was refused. Nothing was changed, but that a try was counted.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub enum PeopleError {
    // Who is there.
    #[error("nobody is logged in, and `{command}` is for {who}: give --ukey")]
    NobodyLoggedIn { command: &'static str, who: String },
    #[error("{person} ({has}) may not give `{command}`: it is for {who}")]
    NotAllowed { person: String, has: String, command: &'static str, who: String },
    #[error("UKey {0} is not registered with this HSM")]
    UnknownUKey(Id),
    #[error(
        "the log-in of {person} is locked after {MAX_TRIES} wrong tries: security officers unlock it with `people unlock`"
    )]
    Locked { person: String },
    #[error("the log-in is refused: {why}; {left} tries are left")]
    LoginRefused { why: ukey::Error, left: u8 },
    #[error("ask for a challenge first: each is good for one answer")]
    NoChallenge,

    // Who is registered.
    #[error("there is no person {0:?}")]
    NoPerson(String),
    #[error("the HSM has no security officer yet: `people init` comes first")]
    NotOwned,
    #[error("the HSM is initialised already, and belongs to {0}")]
    Owned(String),
    #[error("{0} is registered already, with another UKey")]
    NameTaken(String),
    #[error("UKey {ukey} is registered already, as that of {person}")]
    UKeyTaken { ukey: Id, person: String },
    #[error("the UKey of {person} cannot be registered: {why}")]
    UKey { person: String, why: ukey::Error },
    #[error("{0} must be registered by the UKey's own signature: its holder has to be here")]
    NoProof(String),
    #[error("{0} is new: give the UKey")]
    NoUKey(String),
    #[error("a person's name has 1 to 64 bytes of UTF-8 without control characters or spaces at its ends")]
    Name,
    #[error("{person} is {role} already")]
    HasRole { person: String, role: &'static str },
    #[error("{person} is not {role} there")]
    LacksRole { person: String, role: &'static str },
    #[error("the role {0} is one of a partition: name it with --partition")]
    NeedsPartition(&'static str),
    #[error("the role {0} is one of the whole HSM, not of a partition")]
    NoPartition(&'static str),
    #[error("an auditor watches the others, and so has no other role; {0} would have both")]
    AuditorAlone(String),
    #[error("{0} is the last security officer: without one, nobody could administer the HSM any more")]
    LastOfficer(String),
    #[error(
        "`{command}` needs the approval of {needed} {role}, and without {person} there would be {left}: lower its quorum first, or add another"
    )]
    BelowQuorum { command: String, needed: u8, role: &'static str, person: String, left: usize },
    #[error("the HSM has room for {0} people, and no more")]
    Full(usize),
    #[error("an initialisation needs 1 to {0} security officers")]
    Founders(usize),

    // Quorum.
    #[error("`{0}` cannot be made to need approvals")]
    NoQuorum(&'static str),
    #[error("{needed} {role} cannot approve: there are {have}")]
    TooHigh { needed: u8, role: &'static str, have: usize },
    #[error("`{command}` can be approved by {who}, not by {role}")]
    WrongApprovers { command: &'static str, who: String, role: &'static str },
    #[error("`{command}` needs no approval: just give it")]
    NotNeeded { command: &'static str },
    #[error("an approval can be asked for 1 second to 30 days, not for {0} seconds")]
    Validity(u64),
    #[error(
        "{0} requests wait for approval, and there is room for no more: the oldest expires in {1} seconds"
    )]
    TooManyRequests(usize, u64),
    #[error(
        "`{command}` needs the approval of {needed} {role}: make a request with `approval request`, have them sign it with `approval sign`, and give --approval for each"
    )]
    NeedsApproval { command: &'static str, needed: u8, role: String },
    #[error("`{command}` needs the approval of {needed} {role}, and {have} approved it")]
    TooFewApprovals { command: &'static str, needed: u8, role: String, have: usize },
    #[error("the approval by UKey {by} is no good: {why}")]
    BadApproval { by: Id, why: Unfit },

    // Keys.
    #[error("{0:?} is no usage that can need approval of this key: {1} are")]
    Usage(String, String),
    #[error(
        "a key needs the approval of 1 to 32 people, and of no more than there are to approve: {needed} of {of}"
    )]
    KeyApprovals { needed: u8, of: usize },
    #[error("{0} is an auditor, who has no part in the use of keys")]
    AuditorApproves(String),
    #[error("{0} is named as an approver twice")]
    NamedTwice(String),
    #[error("{0} has not the UKey that was named")]
    OtherUKey(String),
    #[error("an authorisation is for 1 to {MAX_USES} uses, and for 1 second to 30 days")]
    Extent,
    #[error("of this key only {guarded} needs approval, and {usages} was named")]
    NotGuarded { usages: String, guarded: String },
    #[error("the key is under no quorum")]
    NoKeyQuorum,

    #[error(transparent)]
    Hsm(#[from] Box<crate::Error>),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    #[error("inside the HSM: {0}")]
    Internal(&'static str),
}

/// What is wrong with an approval.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub enum Unfit {
    #[error("it is for another HSM")]
    OtherHsm,
    #[error("it approves `{approved}`, not `{given}`")]
    OtherCommand { approved: String, given: &'static str },
    #[error("it is about {approved}, not about {given}")]
    OtherObject { approved: String, given: String },
    #[error("it is for other parameters: approved were {approved}, given are {given}")]
    OtherParameters { approved: String, given: String },
    #[error("it has expired, {0} seconds ago")]
    Expired(u64),
    #[error("it has been used already: each request can be used once")]
    Used,
    #[error("this HSM did not make its request, or has forgotten it")]
    UnknownRequest,
    #[error("it is of another request than the first")]
    TwoRequests,
    #[error("nobody is registered with this UKey (any more)")]
    Unregistered,
    #[error("{0} is locked")]
    Locked(String),
    #[error("{person} is not {role}")]
    LacksRole { person: String, role: String },
    #[error("{0} is no approver of this key")]
    NoApprover(String),
    #[error("{0} approved it twice")]
    Twice(String),
    #[error("{0}")]
    Signature(ukey::Error),
}

impl PeopleError {
    /// The outcome that is recorded.
    #[must_use]
    pub fn rv(&self) -> Rv {
        match self {
            Self::NobodyLoggedIn { .. } => Rv::USER_NOT_LOGGED_IN,
            Self::Locked { .. } => Rv::PIN_LOCKED,
            Self::LoginRefused { .. } | Self::UnknownUKey(_) => Rv::PIN_INCORRECT,
            Self::Hsm(error) => error.rv(),
            Self::Vault(error) => error.rv(),
            Self::NotRecorded(error) => error.rv(),
            Self::Crypto(_) | Self::Internal(_) => Rv::GENERAL_ERROR,
            _ => Rv::ACTION_PROHIBITED,
        }
    }
}

impl From<PeopleError> for crate::Error {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Vault(error) => error.into(),
            PeopleError::Crypto(error) => error.into(),
            _ => Self::Internal("a record of people decodes"),
        }
    }
}
