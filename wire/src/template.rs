//! Templates: bounded in count, size and depth by their types.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Bytes, List, Room, Rv};

/// The most attributes in a template.
pub const MAX_ATTRIBUTES: usize = 128;
/// The longest value of an attribute, in bytes.
pub const MAX_VALUE: u64 = 1 << 20;

/// `CK_ATTRIBUTE_TYPE`
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttributeType(pub u64);

impl AttributeType {
    /// `CKF_ARRAY_ATTRIBUTE`: the value is an array.
    pub const ARRAY: u64 = 0x4000_0000;

    /// Whether the value is an array: of attributes, save for the types the handshake names.
    #[must_use]
    pub const fn is_array(self) -> bool {
        self.0 & Self::ARRAY != 0
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CKA_{:#x}", self.0)
    }
}

/// A template.
pub type Template = List<Attribute, MAX_ATTRIBUTES>;

/// `CK_ATTRIBUTE` with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// `CK_ATTRIBUTE.type`
    pub kind: AttributeType,
    /// `CK_ATTRIBUTE.pValue`
    pub value: AttributeValue,
}

/// An attribute's value as it crosses the socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeValue {
    /// The bytes as they stood in memory.
    Bytes(Bytes),
    /// A template in the value (`CKA_WRAP_TEMPLATE`); it nests no deeper.
    Template(List<Leaf, MAX_ATTRIBUTES>),
}

/// An attribute within an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// `CK_ATTRIBUTE.type`
    pub kind: AttributeType,
    /// `CK_ATTRIBUTE.pValue`
    pub value: Bytes,
}

/// One attribute that `C_GetAttributeValue` asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// `CK_ATTRIBUTE.type`
    pub kind: AttributeType,
    /// The room at `CK_ATTRIBUTE.pValue`, in bytes.
    pub room: Room,
    /// Of an array of attributes with room for some: what is asked of each.
    pub nested: List<LeafQuery, MAX_ATTRIBUTES>,
}

/// The room within one attribute of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafQuery {
    /// The room at `CK_ATTRIBUTE.pValue`.
    pub room: Room,
}

/// What `C_GetAttributeValue` answers: the code, and each attribute's part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// `CKR_OK`, or that some attribute is sensitive, unknown or did not fit.
    pub rv: Rv,
    /// One for each query, in its order.
    pub answers: List<Answer, MAX_ATTRIBUTES>,
}

/// One attribute's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The value, which fits.
    Value(Bytes),
    /// The value's length: no room was offered.
    Length(u64),
    /// `CK_UNAVAILABLE_INFORMATION`
    Unavailable,
    /// Each attribute of an array of attributes.
    Nested(List<LeafAnswer, MAX_ATTRIBUTES>),
    /// An array of so many attributes: no room was offered.
    NestedLength(u64),
}

/// One attribute of an array of attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafAnswer {
    /// `CK_ATTRIBUTE.type`
    pub kind: AttributeType,
    /// The value, its length where no room was offered, or that it did not fit.
    pub value: LeafAnswerValue,
}

/// The value within a [`LeafAnswer`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeafAnswerValue {
    /// The value, which fits.
    Value(Bytes),
    /// The value's length.
    Length(u64),
    /// `CK_UNAVAILABLE_INFORMATION`
    Unavailable,
}
