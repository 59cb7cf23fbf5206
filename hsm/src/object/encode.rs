//! Attributes as the vault stores them: a version, then each attribute in the order of its type.

use crypto::Secret;
use serde::{Deserialize, Serialize};
use wire::Slice;

use super::{Attr, AttributeMap, AttributeValue};
use crate::error::Error;

/// The version that is written, and the only one that is read.
const VERSION: u8 = 1;

/// A value as it lies in the encoding.
#[derive(Serialize, Deserialize)]
enum Stored<'a> {
    #[serde(borrow)]
    Plain(Slice<'a>),
    Secret(Slice<'a>),
    Template(Vec<(u64, Slice<'a>)>),
}

/// The encoding of attributes.
///
/// # Errors
/// `Internal` if they do not encode, which is a defect.
pub fn encode(attributes: &AttributeMap) -> Result<Secret, Error> {
    let stored: Vec<(u64, Stored<'_>)> =
        attributes.iter().map(|(attribute, value)| (attribute.0, stored(value))).collect();
    // Room for all of it at once, so that no copy of a secret is left behind.
    let mut bytes = vec![VERSION];
    bytes.resize(room(attributes), 0);
    let body = bytes.get_mut(1..).unwrap_or_default();
    let len =
        postcard::to_slice(&stored, body).map_err(|_| Error::Internal("an object does not encode"))?.len();
    bytes.truncate(1 + len);
    Ok(Secret::new(bytes))
}

fn stored(value: &AttributeValue) -> Stored<'_> {
    match value {
        AttributeValue::Plain(bytes) => Stored::Plain(Slice(bytes)),
        AttributeValue::Secret(secret) => Stored::Secret(Slice(secret.as_bytes())),
        AttributeValue::Template(leaves) => {
            Stored::Template(leaves.iter().map(|(attribute, bytes)| (attribute.0, Slice(bytes))).collect())
        }
    }
}

/// More than the encoding takes: each number and length has ten bytes at the most.
fn room(attributes: &AttributeMap) -> usize {
    const NUMBERS: usize = 32;
    let value = |value: &AttributeValue| match value {
        AttributeValue::Plain(bytes) => bytes.len(),
        AttributeValue::Secret(secret) => secret.len(),
        AttributeValue::Template(leaves) => leaves.iter().map(|(_, bytes)| bytes.len() + NUMBERS).sum(),
    };
    NUMBERS + attributes.iter().map(|(_, one)| value(one) + NUMBERS).sum::<usize>()
}

/// The attributes of an encoding.
///
/// # Errors
/// `Internal` for another version, or bytes that are not what [`encode`] makes. The vault has checked that
/// they are what was stored, so either is a defect or a newer release's.
pub fn decode(bytes: &Secret) -> Result<AttributeMap, Error> {
    const BAD: Error = Error::Internal("a stored object does not decode");
    let (version, body) = bytes.as_bytes().split_first().ok_or(BAD)?;
    if *version != VERSION {
        return Err(Error::Internal("a stored object was written by a newer release"));
    }
    let (stored, rest) = postcard::take_from_bytes::<Vec<(u64, Stored<'_>)>>(body).map_err(|_| BAD)?;
    let ascending = stored.iter().zip(stored.iter().skip(1)).all(|(one, next)| one.0 < next.0);
    if !rest.is_empty() || !ascending {
        return Err(BAD);
    }
    Ok(stored.into_iter().map(|(attribute, value)| (Attr(attribute), loaded(&value))).collect())
}

fn loaded(value: &Stored<'_>) -> AttributeValue {
    match value {
        Stored::Plain(bytes) => AttributeValue::Plain(bytes.0.into()),
        Stored::Secret(bytes) => AttributeValue::Secret(Secret::new(bytes.0.to_vec())),
        Stored::Template(leaves) => AttributeValue::Template(
            leaves.iter().map(|(kind, bytes)| (Attr(*kind), bytes.0.to_vec())).collect(),
        ),
    }
}
