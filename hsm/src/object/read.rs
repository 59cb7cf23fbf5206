//! What an object tells of itself: `C_GetAttributeValue` and `C_GetObjectSize`.

use std::borrow::Cow;

use wire::template::{Answer, Answers, LeafAnswer, LeafAnswerValue, LeafQuery, Query};
use wire::{List, Room, Rv};

use super::attributes::{self, Default, Form};
use super::{Attr, AttributeValue, Class, Object, Role};

/// What an attribute of an object is to the outside.
pub(super) enum Shown<'a> {
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// An array of attributes.
    Template(&'a [(Attr, Vec<u8>)]),
    /// A secret that it does not give out.
    Hidden,
    /// The object has no such attribute.
    Unknown,
}

/// What anyone who sees the object may read of an attribute; `secrets` says whether secrets of a key that is
/// neither sensitive nor unextractable are among that.
pub(super) fn shown(object: &Object, attribute: Attr, secrets: bool) -> Shown<'_> {
    let Some(row) = attributes::row_of(object, attribute) else { return Shown::Unknown };
    if row.secret && !(secrets && reveals(object)) {
        return Shown::Hidden;
    }
    match object.attributes().get(attribute) {
        Some(AttributeValue::Plain(_)) if is_usage(object, attribute) => {
            Shown::Bytes(Cow::Owned(vec![u8::from(object.flag(attribute))]))
        }
        Some(AttributeValue::Plain(bytes)) => Shown::Bytes(Cow::Borrowed(bytes)),
        Some(AttributeValue::Secret(secret)) if row.secret => Shown::Bytes(Cow::Borrowed(secret.as_bytes())),
        Some(AttributeValue::Secret(_)) => Shown::Hidden,
        Some(AttributeValue::Template(template)) => Shown::Template(template),
        None if row.form == Form::Template => Shown::Template(&[]),
        None => match row.default {
            Default::Flag(flag) => Shown::Bytes(Cow::Owned(vec![u8::from(flag)])),
            Default::Ulong(number) => Shown::Bytes(Cow::Owned(number.to_le_bytes().to_vec())),
            Default::Usage => Shown::Bytes(Cow::Owned(vec![0])),
            Default::Empty | Default::Rule => Shown::Bytes(Cow::Borrowed(&[])),
        },
    }
}

/// Whether a key gives out its secrets. What is neither is no key.
fn reveals(object: &Object) -> bool {
    !object.flag(Attr::SENSITIVE) && object.flag(Attr::EXTRACTABLE)
}

fn is_usage(object: &Object, attribute: Attr) -> bool {
    Role::ALL.iter().any(|role| role.attribute() == attribute)
        && matches!(object.class(), Class::PUBLIC_KEY | Class::PRIVATE_KEY | Class::SECRET_KEY)
}

/// `C_GetAttributeValue`. All queries are answered, whatever becomes of one of them; `secrets` says whether the
/// caller may read those of a key that gives them out.
#[must_use]
pub fn answer(object: &Object, queries: &[Query], secrets: bool) -> Answers {
    let mut rv = Rv::OK;
    // Any of the codes that apply may be returned; the first one is.
    let mut fault = |code| {
        if rv == Rv::OK {
            rv = code;
        }
        Answer::Unavailable
    };
    let answers = queries.iter().map(|query| match shown(object, query.kind.into(), secrets) {
        Shown::Unknown => fault(Rv::ATTRIBUTE_TYPE_INVALID),
        Shown::Hidden => fault(Rv::ATTRIBUTE_SENSITIVE),
        Shown::Bytes(bytes) => match query.room {
            Room::Ask => Answer::Length(bytes.len() as u64),
            Room::Bytes(room) if room < bytes.len() as u64 => fault(Rv::BUFFER_TOO_SMALL),
            Room::Bytes(_) => Answer::Value(bytes.as_ref().into()),
        },
        Shown::Template(leaves) => match query.room {
            Room::Ask => Answer::NestedLength(leaves.len() as u64),
            Room::Bytes(_) if query.nested.len() < leaves.len() => fault(Rv::BUFFER_TOO_SMALL),
            Room::Bytes(_) => {
                let (answers, fit) = nested(leaves, &query.nested);
                if !fit {
                    fault(Rv::BUFFER_TOO_SMALL);
                }
                Answer::Nested(answers)
            }
        },
    });
    let answers = List::new(answers.collect()).unwrap_or_default();
    Answers { rv, answers }
}

/// Each attribute of an array, and whether all fit.
fn nested<const MAX: usize>(
    leaves: &[(Attr, Vec<u8>)],
    queries: &[LeafQuery],
) -> (List<LeafAnswer, MAX>, bool) {
    let mut fit = true;
    let answers = leaves.iter().zip(queries).map(|((attribute, bytes), query)| {
        let value = match query.room {
            Room::Ask => LeafAnswerValue::Length(bytes.len() as u64),
            Room::Bytes(room) if room < bytes.len() as u64 => {
                fit = false;
                LeafAnswerValue::Unavailable
            }
            Room::Bytes(_) => LeafAnswerValue::Value(bytes.as_slice().into()),
        };
        LeafAnswer { kind: (*attribute).into(), value }
    });
    let answers = List::new(answers.collect()).unwrap_or_default();
    (answers, fit)
}

/// `C_GetObjectSize`: about the bytes that the object takes up.
#[must_use]
pub fn size(object: &Object) -> u64 {
    const ATTRIBUTE: usize = 16;
    let len = |value: &AttributeValue| match value {
        AttributeValue::Plain(bytes) => bytes.len(),
        AttributeValue::Secret(secret) => secret.len(),
        AttributeValue::Template(leaves) => leaves.iter().map(|(_, bytes)| bytes.len() + ATTRIBUTE).sum(),
    };
    object.attributes().iter().map(|(_, value)| (len(value) + ATTRIBUTE) as u64).sum()
}
