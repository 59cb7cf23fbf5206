//! Fields that several operations have: ids as they are written, truth as queries write it, and which page is wanted.

use std::str::FromStr;

use dew::iam::IamError;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::rest::operation::Number;

/// The id of a thing; what is no id is that of nothing.
///
/// # Errors
/// `Unknown`
pub(super) fn id<T: FromStr>(text: &str, what: &'static str) -> Result<T, IamError> {
    text.parse().map_err(|_| IamError::Unknown(what))
}

/// Truth, as bodies and queries write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::Bool(flag) => Ok(Self(flag)),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Self(true)),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Self(false)),
            other => Err(de::Error::custom(format!("expected true or false, and not {other}"))),
        }
    }
}

/// The most things on a page.
const MOST: u64 = 5000;

/// The part of a list that is on a page; all of it without one.
///
/// # Errors
/// `Range`
pub(super) fn page<T>(
    all: Vec<T>,
    page: Option<Number>,
    per_page: Option<Number>,
) -> Result<Vec<T>, IamError> {
    if page.is_none() && per_page.is_none() {
        return Ok(all);
    }
    let (page, size) = (page.map_or(1, |page| page.0), per_page.map_or(300, |size| size.0));
    if page == 0 {
        return Err(IamError::Range { field: "page", min: 1, max: u64::MAX });
    }
    if size == 0 || size > MOST {
        return Err(IamError::Range { field: "per_page", min: 1, max: MOST });
    }
    let skip = usize::try_from((page - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    Ok(all.into_iter().skip(skip).take(usize::try_from(size).unwrap_or(usize::MAX)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_a_part_of_the_list() {
        let all = || (0..10).collect::<Vec<_>>();
        let part = |number, size| page(all(), Some(Number(number)), Some(Number(size)));
        assert_eq!(page(all(), None, None).unwrap(), all());
        assert_eq!(part(1, 3).unwrap(), [0, 1, 2]);
        assert_eq!(part(4, 3).unwrap(), [9]);
        assert_eq!(part(5, 3).unwrap(), [0; 0]);
        assert_eq!(part(u64::MAX, 5000).unwrap(), [0; 0]);
        assert!(part(0, 3).is_err() && part(1, 0).is_err() && part(1, 5001).is_err());
    }
}
