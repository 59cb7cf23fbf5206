//! Output of variable length: what the caller has room for, and what is answered.

use serde::{Deserialize, Serialize};

use crate::{Bytes, Slice};

/// The room a caller offers for output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Room {
    /// No buffer: the caller asks for the length.
    Ask,
    /// A buffer of so many bytes.
    Bytes(u64),
}

/// What is answered to a caller who offered [`Room`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// The output itself.
    Bytes(Bytes),
    /// The caller asked for the length: the output will have at most so many bytes.
    Length(u64),
    /// The buffer is too small: so many bytes are needed.
    TooSmall {
        /// The bytes needed.
        needed: u64,
    },
}

/// An [`Output`] as it lies in its frame: the encoding is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputSlice<'a> {
    /// [`Output::Bytes`]
    #[serde(borrow)]
    Bytes(Slice<'a>),
    /// [`Output::Length`]
    Length(u64),
    /// [`Output::TooSmall`]
    TooSmall {
        /// The bytes needed.
        needed: u64,
    },
}

impl Room {
    /// The answer that leaves the operation open, if `needed` bytes do not fit
    /// (PKCS#11 3.2, "Conventions for functions returning output in a variable-length buffer").
    #[must_use]
    pub fn open_answer(self, needed: u64) -> Option<Output> {
        match self {
            Self::Ask => Some(Output::Length(needed)),
            Self::Bytes(have) if have < needed => Some(Output::TooSmall { needed }),
            Self::Bytes(_) => None,
        }
    }
}
