//! How the parameter structures of mechanisms lie in memory, told to the module as data.
//!
//! The module knows no mechanism: it finds the layout whose size is `ulParameterLen` and walks it.

use serde::{Deserialize, Serialize};

use crate::{List, MechanismId};

/// The most mechanisms a daemon describes.
pub const MAX_MECHANISMS: usize = 1024;
/// The most words in a structure.
pub const MAX_WORDS: usize = 32;
/// The longest run of bytes behind a pointer in a parameter.
pub const MAX_BYTES: u64 = 1 << 20;

/// One word of a structure; each has the alignment of its C type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// `CK_ULONG`
    Ulong,
    /// `CK_BBOOL`
    Bool,
    /// So many bytes in the structure itself (an array of `CK_BYTE`).
    Inline(u16),
    /// A pointer to bytes, then their number as `CK_ULONG`.
    Bytes,
    /// A number of bytes as `CK_ULONG`, then a pointer to them.
    LenBytes,
    /// A pointer to another structure.
    Struct(List<LeafWord, MAX_WORDS>),
    /// The parameter is no structure: it is bytes, one to so many (a public value). Alone in its layout.
    Whole(u16),
}

/// One word of a structure behind a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeafWord {
    /// `CK_ULONG`
    Ulong,
    /// `CK_BBOOL`
    Bool,
    /// So many bytes in the structure itself.
    Inline(u16),
    /// A pointer to bytes, then their number.
    Bytes,
    /// A number of bytes, then a pointer to them.
    LenBytes,
}

impl From<LeafWord> for Word {
    fn from(leaf: LeafWord) -> Self {
        match leaf {
            LeafWord::Ulong => Self::Ulong,
            LeafWord::Bool => Self::Bool,
            LeafWord::Inline(len) => Self::Inline(len),
            LeafWord::Bytes => Self::Bytes,
            LeafWord::LenBytes => Self::LenBytes,
        }
    }
}

/// The layouts of one mechanism's parameter; more than one where versions of the standard differ in size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MechanismLayouts {
    /// Whose parameter it is.
    pub mechanism: MechanismId,
    /// Each structure the mechanism takes.
    pub layouts: List<List<Word, MAX_WORDS>, 4>,
}
