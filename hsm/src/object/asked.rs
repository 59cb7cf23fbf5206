//! A template that a caller gave, with every value checked for its form.

use std::collections::BTreeMap;

use crypto::Secret;
use wire::template::{AttributeValue as Sent, Leaf};
use wire::{Attribute, List, Template};

use super::attributes::{self, Form, Row};
use super::{Attr, AttributeValue};
use crate::error::Error;

/// The attributes of a template: each exists, comes once, and has a value of its form.
pub(super) struct Asked<'a>(BTreeMap<Attr, &'a Sent>);

impl<'a> Asked<'a> {
    /// Checks a template.
    ///
    /// # Errors
    /// `AttributeTypeInvalid` for an attribute that does not exist, `AttributeValueInvalid` for a value that is
    /// not of its form, `TemplateInconsistent` for an attribute that comes twice.
    pub(super) fn new(template: &'a Template) -> Result<Self, Error> {
        let mut asked = BTreeMap::new();
        for Attribute { kind, value } in template.iter() {
            let attribute = Attr::from(*kind);
            let form = attributes::form(attribute).ok_or(Error::AttributeTypeInvalid(attribute))?;
            check(attribute, form, value)?;
            if asked.insert(attribute, value).is_some() {
                return Err(twice(attribute));
            }
        }
        Ok(Self(asked))
    }

    /// The attributes, in the order of their types.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Attr, &'a Sent)> {
        self.0.iter().map(|(attribute, value)| (*attribute, *value))
    }

    /// Whether the template gives it.
    pub(super) fn has(&self, attribute: Attr) -> bool {
        self.0.contains_key(&attribute)
    }

    /// The bytes given for it.
    pub(super) fn bytes(&self, attribute: Attr) -> Option<&'a [u8]> {
        match self.0.get(&attribute) {
            Some(Sent::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// The flag given for it.
    pub(super) fn flag(&self, attribute: Attr) -> Option<bool> {
        self.bytes(attribute).map(|bytes| bytes.contains(&1))
    }

    /// The number given for it.
    pub(super) fn ulong(&self, attribute: Attr) -> Option<u64> {
        self.bytes(attribute)?.try_into().ok().map(u64::from_le_bytes)
    }
}

/// The value as it is stored.
pub(super) fn stored(row: &Row, value: &Sent) -> Result<AttributeValue, Error> {
    match value {
        Sent::Bytes(bytes) if bytes.len() > row.max as usize => {
            let reason = format!("{} bytes, and the bound is {}", bytes.len(), row.max);
            Err(Error::AttributeValueInvalid { attribute: row.attribute, reason })
        }
        Sent::Bytes(bytes) => {
            let bytes = if row.form == Form::Number { number(bytes) } else { bytes };
            Ok(if row.secret {
                AttributeValue::Secret(Secret::new(bytes.to_vec()))
            } else {
                AttributeValue::Plain(bytes.into())
            })
        }
        Sent::Template(leaves) => Ok(AttributeValue::Template(
            leaves.iter().map(|leaf| (Attr::from(leaf.kind), leaf.value.to_vec())).collect(),
        )),
    }
}

/// A big-endian number without leading zeros.
pub(super) fn number(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// A template with the attributes of another put in first: those of `CKA_UNWRAP_TEMPLATE` and its like.
///
/// # Errors
/// `TemplateInconsistent` if the two disagree.
pub(super) fn merged(template: &Template, first: &[(Attr, Vec<u8>)]) -> Result<Template, Error> {
    let mut all = template.to_vec();
    for (attribute, value) in first {
        match template.iter().find(|given| Attr::from(given.kind) == *attribute) {
            None => {
                let value = Sent::Bytes(value.as_slice().into());
                all.push(Attribute { kind: (*attribute).into(), value });
            }
            Some(Attribute { value: Sent::Bytes(given), .. }) if **given == **value => {}
            Some(_) => {
                return Err(Error::TemplateInconsistent(format!(
                    "{attribute} is not what the template of the key in use says"
                )));
            }
        }
    }
    List::new(all).ok_or_else(|| Error::TemplateInconsistent("too many attributes".into()))
}

fn twice(attribute: Attr) -> Error {
    Error::TemplateInconsistent(format!("{attribute} comes twice"))
}

fn check(attribute: Attr, form: Form, value: &Sent) -> Result<(), Error> {
    match (form, value) {
        (Form::Template, Sent::Template(leaves)) => check_nested(attribute, leaves),
        (Form::Template, Sent::Bytes(bytes)) if bytes.is_empty() => Ok(()),
        (Form::Template, Sent::Bytes(_)) | (_, Sent::Template(_)) => {
            Err(invalid(attribute, "an array of attributes is no plain value"))
        }
        (_, Sent::Bytes(bytes)) => check_bytes(attribute, form, bytes),
    }
}

fn check_nested(attribute: Attr, leaves: &[Leaf]) -> Result<(), Error> {
    let mut seen = std::collections::BTreeSet::new();
    for leaf in leaves {
        let kind = Attr::from(leaf.kind);
        let form = attributes::form(kind).ok_or(Error::AttributeTypeInvalid(kind))?;
        if form == Form::Template {
            return Err(invalid(attribute, "a template holds no template"));
        }
        check_bytes(kind, form, &leaf.value)?;
        if !seen.insert(kind) {
            return Err(twice(kind));
        }
    }
    Ok(())
}

fn check_bytes(attribute: Attr, form: Form, bytes: &[u8]) -> Result<(), Error> {
    let reason = match form {
        Form::Flag if !matches!(bytes, [0 | 1]) => "a CK_BBOOL is one byte, 0 or 1",
        Form::Ulong if bytes.len() != size_of::<u64>() => "a CK_ULONG has 8 bytes",
        Form::Date if !is_date(bytes) => "a CK_DATE is YYYYMMDD, or nothing",
        Form::Text if std::str::from_utf8(bytes).is_err() => "not UTF-8",
        Form::Mechanisms if !bytes.len().is_multiple_of(size_of::<u64>()) => {
            "a CK_MECHANISM_TYPE has 8 bytes"
        }
        _ => return Ok(()),
    };
    Err(invalid(attribute, reason))
}

fn invalid(attribute: Attr, reason: &str) -> Error {
    Error::AttributeValueInvalid { attribute, reason: reason.into() }
}

/// Whether these are the digits of a day there is, or nothing.
fn is_date(bytes: &[u8]) -> bool {
    let digits = |range: std::ops::Range<usize>| -> Option<u32> {
        let digits = bytes.get(range).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    match bytes.len() {
        0 => true,
        8 => match (digits(0..4), digits(4..6), digits(6..8)) {
            (Some(year), Some(month), Some(day)) => (1..=days(year, month)).contains(&day),
            _ => false,
        },
        _ => false,
    }
}

/// The days of a month; 0 if there is no such month.
const fn days(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(400) || (year.is_multiple_of(4) && !year.is_multiple_of(100)) => 29,
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day_there_is() {
        for good in ["20240229", "20000229", "19991231", ""] {
            assert!(is_date(good.as_bytes()), "{good}");
        }
        for bad in
            ["20230229", "19000229", "20241301", "20240431", "20240100", "2024010", "2024 101", "+2240101"]
        {
            assert!(!is_date(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_number_has_no_leading_zeros() {
        assert_eq!(number(&[0, 0, 1, 0]), [1, 0]);
        assert_eq!(number(&[0]), [0; 0]);
    }
}
