//! What can be wrong with the files of a token, in words.

use crate::Attribute;

/// Why a file or a token cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the fields are what the message says of them
pub enum Error {
    #[error("the file is empty: SoftHSM2 was stopped while it made the object")]
    Empty,
    #[error("the file has {len} bytes, and at most {limit} are read")]
    TooLong { len: usize, limit: usize },
    #[error("the file is cut off at byte {at}: {wanted} more bytes were expected, and {left} are left")]
    Truncated { at: usize, wanted: u64, left: usize },
    #[error("the file is damaged at byte {at}: {what}")]
    Damaged { at: usize, what: &'static str },
    #[error(
        "{attribute} at byte {at} is stored in form {form}, which SoftHSM2 2.0 to 2.6 do not write: a newer \
         SoftHSM2, or a damaged file"
    )]
    UnknownForm { at: usize, attribute: Attribute, form: u64 },
    #[error("the file is cut off, or of a failed operation: it has no {0}")]
    Incomplete(Attribute),
    #[error("{attribute} is not stored as {expected}")]
    WrongForm { attribute: Attribute, expected: &'static str },
    #[error("this is no token.object of SoftHSM2: it has no {0}")]
    NoToken(Attribute),
    #[error("the token has no PIN of the {0}: it is not initialised")]
    NoPin(&'static str),
    #[error(
        "the key under the PIN has {0} bytes, where SoftHSM2 2.0 to 2.6 write 72: a newer SoftHSM2, or a \
         damaged file"
    )]
    UnknownPinForm(usize),
    #[error("the PIN is wrong, or token.object is damaged")]
    WrongPin,
    #[error("{0} does not decrypt: the file was altered, or belongs to another token")]
    Altered(Attribute),
    #[error("the crypto library failed: {0}")]
    Crypto(String),
}

impl From<crypto::Error> for Error {
    fn from(error: crypto::Error) -> Self {
        Self::Crypto(error.to_string())
    }
}
