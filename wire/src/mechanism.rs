//! A mechanism with its parameter, taken apart into words by the module.

use serde::{Deserialize, Serialize};

use crate::{Bytes, List, MechanismId};

/// The most words a parameter has, and the most items of an array in it.
pub const MAX_VALUES: usize = 32;

/// `CK_MECHANISM`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mechanism {
    /// `CK_MECHANISM.mechanism`
    pub id: MechanismId,
    /// `CK_MECHANISM.pParameter`, read as the mechanism's layout says.
    pub params: Params,
}

/// A mechanism's parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Params {
    /// No parameter: null or of no length.
    None,
    /// The words of the structure, in the order of the layout whose size it had.
    Words(List<Value, MAX_VALUES>),
    /// A parameter whose size is that of no layout of the mechanism; it was not read.
    Mismatch {
        /// `CK_MECHANISM.ulParameterLen`
        len: u64,
    },
}

/// One word of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// `CK_ULONG`
    Ulong(u64),
    /// `CK_BBOOL`, as it stood in memory.
    Bool(u8),
    /// Bytes in the structure itself, or behind a pointer and a length.
    Bytes(Bytes),
    /// A null pointer whose length is not zero, or a null pointer to a structure.
    Null,
    /// A structure behind a pointer.
    Struct(List<Leaf, MAX_VALUES>),
}

/// One word of a structure behind a pointer: a parameter nests no deeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Leaf {
    /// `CK_ULONG`
    Ulong(u64),
    /// `CK_BBOOL`, as it stood in memory.
    Bool(u8),
    /// Bytes in the structure itself, or behind a pointer and a length.
    Bytes(Bytes),
    /// A null pointer whose length is not zero.
    Null,
}

impl From<Leaf> for Value {
    fn from(leaf: Leaf) -> Self {
        match leaf {
            Leaf::Ulong(number) => Self::Ulong(number),
            Leaf::Bool(flag) => Self::Bool(flag),
            Leaf::Bytes(bytes) => Self::Bytes(bytes),
            Leaf::Null => Self::Null,
        }
    }
}
