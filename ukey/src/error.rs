//! What can be wrong with a UKey, a signature, a sealed secret or a share, in words for its holder.

use crate::Id;

/// Why something was refused. The text names the thing at fault and never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It begins with something else.
    #[error("this is not {what}")]
    Foreign {
        /// What it should be, such as “a UKey file”.
        what: &'static str,
    },
    /// It was written by a later release.
    #[error("{what} has format version {version}, and this release knows versions up to {known}")]
    Newer {
        /// What it is.
        what: &'static str,
        /// The version that it says.
        version: u8,
        /// The last version known here.
        known: u8,
    },
    /// It ends too early.
    #[error("{what} is truncated at byte {at}: {wanted} more bytes should follow")]
    Truncated {
        /// What it is.
        what: &'static str,
        /// Its length in bytes.
        at: usize,
        /// The least number of bytes that are missing.
        wanted: usize,
    },
    /// It goes on after its end.
    #[error("{what} should end at byte {at}, and {extra} more bytes follow")]
    Trailing {
        /// What it is.
        what: &'static str,
        /// Where it should end.
        at: usize,
        /// How many bytes follow.
        extra: usize,
    },
    /// A field has a value that it cannot have.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// What it is.
        what: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// The name of a UKey.
    #[error("the name {0}")]
    Name(&'static str),
    /// The length of a PIN.
    #[error("a UKey's PIN has {min} to {max} bytes, not {len}")]
    PinLength {
        /// Its length in bytes.
        len: usize,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// What checking the PIN costs.
    #[error("the PIN's cost is out of range: {0}")]
    Cost(String),
    /// The PIN did not open the file.
    #[error("wrong PIN, or the UKey file was altered (which of the two cannot be told)")]
    WrongPin,
    /// The context of a signature.
    #[error("the context of a signature has 1 to 255 bytes, not {0}")]
    Context(usize),
    /// A signature is not by this UKey, or over something else.
    #[error("the signature is not by UKey {by} over this message in this context")]
    Signature {
        /// The UKey that should have signed.
        by: Id,
    },
    /// A sealed secret does not open.
    #[error(
        "the secret does not open: it was sealed to another UKey than {by} or for another purpose, or was altered"
    )]
    Sealed {
        /// The UKey that should open it.
        by: Id,
    },
    /// A secret is too short or too long for what is to be done with it.
    #[error("a secret of {len} bytes cannot be {done}: it may have {min} to {max}")]
    SecretLength {
        /// What was to be done.
        done: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// Threshold and count of shares contradict each other.
    #[error("{threshold} of {count} shares cannot be needed: a threshold is 1 to the number of shares")]
    Threshold {
        /// How many are to be needed.
        threshold: u8,
        /// How many are to be made.
        count: u8,
    },
    /// Not enough shares.
    #[error("{have} shares do not make the secret: {need} are needed")]
    TooFewShares {
        /// How many there are.
        have: usize,
        /// How many are needed.
        need: u8,
    },
    /// A share was altered since it was made.
    #[error("share {index} was altered since it was made")]
    AlteredShare {
        /// Its number.
        index: u8,
    },
    /// A share is of another secret than the first.
    #[error("share {index} is of the set {set}, not of {expected}")]
    ForeignShare {
        /// Its number.
        index: u8,
        /// The set it is of.
        set: Id,
        /// The set of the first share.
        expected: Id,
    },
    /// The same share twice.
    #[error("share {index} is there twice")]
    RepeatedShare {
        /// Its number.
        index: u8,
    },
    /// A holder that is no file failed, in its own words.
    #[error("{0}")]
    Holder(String),
    /// The cryptographic library failed.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
}
