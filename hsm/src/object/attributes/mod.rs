//! The one table of attributes: form, bound, who may give it and when, default, and when it may change
//! (PKCS#11 3.2, "Objects"; the numbers in comments are those of "Common footnotes for object attribute tables").

use wire::AttributeType;
use wire::template::MAX_VALUE;

use super::{Attr, Class, Object};

pub(crate) mod certificate;
mod common;
pub(crate) mod domain;
pub(crate) mod key;

/// What an attribute's value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `CK_BBOOL`: one byte, 0 or 1.
    Flag,
    /// `CK_ULONG`
    Ulong,
    /// Any bytes.
    Bytes,
    /// A big-endian number; leading zeros are dropped.
    Number,
    /// `CK_DATE`, or nothing.
    Date,
    /// UTF-8.
    Text,
    /// An array of attributes.
    Template,
    /// An array of `CK_MECHANISM_TYPE`.
    Mechanisms,
}

/// Whether a template gives an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// It must (1, 3, 5).
    Must,
    /// It may.
    May,
    /// It must not (2, 4, 6).
    Never,
}

/// What an attribute is if the template leaves it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// Empty.
    Empty,
    /// A flag.
    Flag(bool),
    /// A number.
    Ulong(u64),
    /// A usage: granted where the key type can do it and the profile lets it.
    Usage,
    /// What the code that makes the object says.
    Rule,
}

/// When an attribute may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Never.
    Never,
    /// Always (8).
    Always,
    /// To true only (11).
    ToTrue,
    /// To false only (12).
    ToFalse,
    /// While the object is copied.
    Copy,
    /// While the object is copied, to true only.
    CopyToTrue,
    /// By the security officer only (10).
    Officer,
}

/// How an object comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `C_CreateObject`
    Create,
    /// `C_GenerateKey`, `C_GenerateKeyPair`
    Generate,
    /// `C_UnwrapKey`
    Unwrap,
    /// `C_DeriveKey`
    Derive,
}

/// One attribute of some kinds of objects.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its type.
    pub attribute: Attr,
    /// The key types or certificate types that have it; none: all.
    pub of: &'static [u64],
    /// What its value is made of.
    pub form: Form,
    /// The longest value, in bytes.
    pub max: u32,
    /// Whether the template of `C_CreateObject` gives it.
    pub create: Given,
    /// Whether the template of a generation gives it.
    pub generate: Given,
    /// Whether the template of an unwrapping or a derivation gives it.
    pub receive: Given,
    /// What it is if the template leaves it out.
    pub default: Default,
    /// When it may change.
    pub change: Change,
    /// Whether it is never revealed of a key that is sensitive or not extractable (7).
    pub secret: bool,
}

impl Row {
    /// An attribute of any bytes that a template may give and that never changes.
    const fn new(attribute: Attr, form: Form, max: u32) -> Self {
        Self {
            attribute,
            of: &[],
            form,
            max,
            create: Given::May,
            generate: Given::May,
            receive: Given::May,
            default: Default::Empty,
            change: Change::Never,
            secret: false,
        }
    }

    const fn flag(attribute: Attr, default: bool) -> Self {
        Self { default: Default::Flag(default), ..Self::new(attribute, Form::Flag, 1) }
    }

    const fn ulong(attribute: Attr, default: u64) -> Self {
        Self { default: Default::Ulong(default), ..Self::new(attribute, Form::Ulong, 8) }
    }

    const fn usage(attribute: Attr) -> Self {
        Self { default: Default::Usage, change: Change::Always, ..Self::new(attribute, Form::Flag, 1) }
    }

    const fn changes(self, change: Change) -> Self {
        Self { change, ..self }
    }

    const fn given(self, create: Given, generate: Given, receive: Given) -> Self {
        Self { create, generate, receive, ..self }
    }

    const fn of(self, of: &'static [u64]) -> Self {
        Self { of, ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn rule(self) -> Self {
        Self { default: Default::Rule, ..self }
    }

    /// Whether a template gives it when an object comes to be so.
    #[must_use]
    pub const fn when(&self, way: Way) -> Given {
        match way {
            Way::Create => self.create,
            Way::Generate => self.generate,
            Way::Unwrap | Way::Derive => self.receive,
        }
    }

    /// Whether objects of this key type or certificate type have it.
    fn is_of(&self, kind: Option<u64>) -> bool {
        self.of.is_empty() || kind.is_some_and(|kind| self.of.contains(&kind))
    }
}

/// Every class of object that can be made, with its attributes.
const TABLE: &[(Class, &[&[Row]])] = &[
    (Class::DATA, &[common::STORAGE, common::OPEN, common::DATA]),
    (Class::CERTIFICATE, &[common::STORAGE, common::OPEN, certificate::CERTIFICATE]),
    (Class::PUBLIC_KEY, &[common::STORAGE, common::OPEN, key::ALL, key::PUBLIC, key::PUBLIC_PARTS]),
    (
        Class::PRIVATE_KEY,
        &[common::STORAGE, common::CLOSED, key::ALL, key::GUARDED, key::PRIVATE, key::PRIVATE_PARTS],
    ),
    (Class::SECRET_KEY, &[common::STORAGE, common::CLOSED, key::ALL, key::GUARDED, key::SECRET]),
    (Class::DOMAIN_PARAMETERS, &[common::STORAGE, common::OPEN, domain::DOMAIN]),
];

/// The attributes that objects of this class and key type or certificate type have; none if there is no such
/// class.
pub fn rows(class: Class, kind: Option<u64>) -> impl Iterator<Item = &'static Row> {
    let tables = TABLE.iter().find(|(of, _)| *of == class).map_or(&[] as &[&[Row]], |(_, tables)| tables);
    tables.iter().copied().flatten().filter(move |row| row.is_of(kind))
}

/// Whether objects of this class can be made.
#[must_use]
pub fn has_class(class: Class) -> bool {
    TABLE.iter().any(|(of, _)| *of == class)
}

/// The row of an attribute for objects of this class and kind.
#[must_use]
pub fn row(class: Class, kind: Option<u64>, attribute: Attr) -> Option<&'static Row> {
    rows(class, kind).find(|row| row.attribute == attribute)
}

/// The row of an attribute of this object.
#[must_use]
pub fn row_of(object: &Object, attribute: Attr) -> Option<&'static Row> {
    row(object.class(), object.kind(), attribute)
}

fn all() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().flat_map(|(_, tables)| tables.iter().copied().flatten())
}

/// What the values of an attribute are made of, whatever the class; none if no class has it.
#[must_use]
pub fn form(attribute: Attr) -> Option<Form> {
    all().find(|row| row.attribute == attribute).map(|row| row.form)
}

/// The longest value of an attribute in any class, in bytes, for the handshake: of those that have a bound
/// below that of all.
#[must_use]
pub fn bounds() -> Vec<(AttributeType, u32)> {
    let mut bounds = std::collections::BTreeMap::new();
    for row in all().filter(|row| row.form != Form::Template) {
        let bound = bounds.entry(row.attribute).or_insert(0);
        *bound = row.max.max(*bound);
    }
    let short = |bound: &u32| u64::from(*bound) < MAX_VALUE;
    bounds
        .into_iter()
        .filter(|(_, bound)| short(bound))
        .map(|(attribute, bound)| (attribute.into(), bound))
        .collect()
}

/// The attributes with the array bit whose value is not an array of attributes, for the handshake.
#[must_use]
pub fn flat_arrays() -> Vec<AttributeType> {
    vec![Attr::ALLOWED_MECHANISMS.into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_has_one_form_in_all_classes() {
        for row in all() {
            assert_eq!(Some(row.form), form(row.attribute), "{}", row.attribute);
        }
    }

    #[test]
    fn no_kind_of_object_has_an_attribute_twice() {
        for (class, tables) in TABLE {
            let rows: Vec<&Row> = tables.iter().copied().flatten().collect();
            for (place, row) in rows.iter().enumerate() {
                for other in &rows[place + 1..] {
                    let meet = row.of.is_empty()
                        || other.of.is_empty()
                        || row.of.iter().any(|kind| other.of.contains(kind));
                    assert!(row.attribute != other.attribute || !meet, "{} of {class}", row.attribute);
                }
            }
        }
    }

    #[test]
    fn every_attribute_has_a_name() {
        for row in all() {
            assert!(row.attribute.name().is_some(), "{:?}", row.attribute);
        }
    }

    #[test]
    fn only_flat_arrays_and_templates_have_the_array_bit() {
        for row in all() {
            let kind = AttributeType::from(row.attribute);
            let array = row.form == Form::Template || flat_arrays().contains(&kind);
            assert_eq!(kind.is_array(), array, "{}", row.attribute);
        }
    }

    #[test]
    fn fixed_forms_are_bounded_by_their_length_and_nothing_by_more_than_the_wire_takes() {
        for row in all() {
            match row.form {
                Form::Flag => assert_eq!(row.max, 1),
                Form::Ulong | Form::Date => assert_eq!(row.max, 8),
                _ => assert!(row.max > 0 && u64::from(row.max) <= MAX_VALUE),
            }
        }
        let bounds = bounds();
        assert!(bounds.contains(&(Attr::TOKEN.into(), 1)));
        assert!(!bounds.iter().any(|(kind, _)| *kind == Attr::VALUE.into()));
    }

    #[test]
    fn a_secret_attribute_never_changes_and_is_never_given_to_a_generation() {
        for row in all().filter(|row| row.secret) {
            assert_eq!(row.change, Change::Never, "{}", row.attribute);
            assert_eq!(row.generate, Given::Never, "{}", row.attribute);
            assert_eq!(row.receive, Given::Never, "{}", row.attribute);
        }
    }
}
