//! Conditions: an operator, a key and values, of which one is enough. Where a request has no value for the key, the
//! operators that deny hold, those that end in `IfExists` do, and no others.

use std::cmp::Ordering;
use std::net::IpAddr;

use jiff::Timestamp;

use super::error::Problem;
use super::key::{Key, Kind, Value};
use super::pattern::Pattern;
use super::request::Request;

/// What `IfExists` is called at the end of an operator.
const IF_EXISTS: &str = "IfExists";

/// A condition of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    written: Box<str>,
    key: Key,
    test: Test,
    negated: bool,
    if_exists: bool,
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Equals(Box<[Box<str>]>),
    EqualsAnyCase(Box<[Box<str>]>),
    Like(Box<[Pattern]>),
    Starts(Box<[Box<str>]>),
    Ends(Box<[Box<str>]>),
    Number(Order, Box<[i64]>),
    Time(Order, Box<[Timestamp]>),
    Bool(Box<[bool]>),
    Within(Box<[Network]>),
    Missing(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equals,
    Less,
    LessOrEquals,
    Greater,
    GreaterOrEquals,
}

impl Order {
    const fn holds(self, found: Ordering) -> bool {
        match self {
            Self::Equals => found.is_eq(),
            Self::Less => found.is_lt(),
            Self::LessOrEquals => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterOrEquals => found.is_ge(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    Equals,
    EqualsAnyCase,
    Like,
    Starts,
    Ends,
    Number(Order),
    Time(Order),
    Bool,
    Within,
    Missing,
}

impl Means {
    /// The kind of what it compares; none if any.
    const fn kind(self) -> Option<Kind> {
        match self {
            Self::Equals | Self::EqualsAnyCase | Self::Like | Self::Starts | Self::Ends => Some(Kind::Text),
            Self::Number(_) => Some(Kind::Number),
            Self::Time(_) => Some(Kind::Time),
            Self::Bool => Some(Kind::Bool),
            Self::Within => Some(Kind::Address),
            Self::Missing => None,
        }
    }
}

/// The operators: name, what it tests, and whether the test must fail. Each but `Null` may end in `IfExists`.
/// Policy syntax 1.1 says `Number`, that of others `Numeric`; either is understood.
const OPERATORS: &[(&str, Means, bool)] = &[
    ("StringEquals", Means::Equals, false),
    ("StringNotEquals", Means::Equals, true),
    ("StringEqualsIgnoreCase", Means::EqualsAnyCase, false),
    ("StringNotEqualsIgnoreCase", Means::EqualsAnyCase, true),
    ("StringLike", Means::Like, false),
    ("StringNotLike", Means::Like, true),
    ("StringStartWith", Means::Starts, false),
    ("StringNotStartWith", Means::Starts, true),
    ("StringEndWith", Means::Ends, false),
    ("StringNotEndWith", Means::Ends, true),
    ("NumberEquals", Means::Number(Order::Equals), false),
    ("NumberNotEquals", Means::Number(Order::Equals), true),
    ("NumberLessThan", Means::Number(Order::Less), false),
    ("NumberLessThanEquals", Means::Number(Order::LessOrEquals), false),
    ("NumberGreaterThan", Means::Number(Order::Greater), false),
    ("NumberGreaterThanEquals", Means::Number(Order::GreaterOrEquals), false),
    ("NumericEquals", Means::Number(Order::Equals), false),
    ("NumericNotEquals", Means::Number(Order::Equals), true),
    ("NumericLessThan", Means::Number(Order::Less), false),
    ("NumericLessThanEquals", Means::Number(Order::LessOrEquals), false),
    ("NumericGreaterThan", Means::Number(Order::Greater), false),
    ("NumericGreaterThanEquals", Means::Number(Order::GreaterOrEquals), false),
    ("DateEquals", Means::Time(Order::Equals), false),
    ("DateNotEquals", Means::Time(Order::Equals), true),
    ("DateLessThan", Means::Time(Order::Less), false),
    ("DateLessThanEquals", Means::Time(Order::LessOrEquals), false),
    ("DateGreaterThan", Means::Time(Order::Greater), false),
    ("DateGreaterThanEquals", Means::Time(Order::GreaterOrEquals), false),
    ("Bool", Means::Bool, false),
    ("IpAddress", Means::Within, false),
    ("NotIpAddress", Means::Within, true),
    ("Null", Means::Missing, false),
];

/// The operators, each with the kind of what it compares; none if any.
pub(super) fn operators() -> impl Iterator<Item = (&'static str, Option<Kind>)> {
    // Those of other syntaxes mean the same.
    let own = OPERATORS.iter().filter(|(name, ..)| !name.starts_with("Numeric"));
    own.map(|(name, means, _)| (*name, means.kind()))
}

impl Condition {
    /// A condition from its parts, as they are written.
    ///
    /// # Errors
    /// What of them is wrong.
    pub(super) fn new(operator: &str, key: &str, values: &[&str]) -> Result<Self, Problem> {
        let (plain, if_exists) = match operator.strip_suffix(IF_EXISTS) {
            Some(plain) => (plain, true),
            None => (operator, false),
        };
        let row = OPERATORS.iter().find(|(name, ..)| *name == plain);
        let row = row.filter(|(_, means, _)| !(if_exists && *means == Means::Missing));
        let (_, means, negated) = *row.ok_or_else(|| Problem::Operator(operator.to_owned()))?;
        let key = Key::parse(key).ok_or_else(|| Problem::Key(key.to_owned()))?;
        if let (Some(is), Some(compared)) = (key.kind(), means.kind())
            && is != compared
        {
            return Err(Problem::Incomparable {
                key: key.to_string(),
                is: is.name(),
                operator: operator.to_owned(),
            });
        }
        let written = format!("{operator} {key} {}", values.join(" or "));
        let test = Test::new(means, operator, values)?;
        Ok(Self { written: written.into(), key, test, negated, if_exists })
    }

    pub(super) fn holds(&self, request: &Request<'_>) -> bool {
        let value = self.key.value(request);
        match (&self.test, value) {
            (Test::Missing(missing), value) => value.is_none() == *missing,
            (_, None) => self.negated || self.if_exists,
            (test, Some(value)) => test.passes(value) != self.negated,
        }
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(&self.written)
    }
}

impl Test {
    fn new(means: Means, operator: &str, values: &[&str]) -> Result<Self, Problem> {
        fn each<T>(
            operator: &str,
            values: &[&str],
            expected: &'static str,
            parse: impl Fn(&str) -> Option<T>,
        ) -> Result<Box<[T]>, Problem> {
            let wrong = |got: &str| Problem::Value { operator: operator.into(), expected, got: got.into() };
            values.iter().map(|value| parse(value).ok_or_else(|| wrong(value))).collect()
        }
        let texts = || values.iter().map(|value| Box::from(*value)).collect();
        let truth = |text: &str| text.to_ascii_lowercase().parse().ok();
        Ok(match means {
            Means::Equals => Self::Equals(texts()),
            Means::EqualsAnyCase => Self::EqualsAnyCase(texts()),
            Means::Like => Self::Like(values.iter().map(|value| like(value)).collect()),
            Means::Starts => Self::Starts(texts()),
            Means::Ends => Self::Ends(texts()),
            Means::Number(order) => {
                Self::Number(order, each(operator, values, "a whole number", |text| text.parse().ok())?)
            }
            Means::Time(order) => {
                let expected = "a time such as 2026-12-31T23:59:59Z";
                Self::Time(order, each(operator, values, expected, |text| text.parse().ok())?)
            }
            Means::Bool => Self::Bool(each(operator, values, "true or false", truth)?),
            Means::Within => {
                let expected = "an address or a network such as 10.0.0.0/8";
                Self::Within(each(operator, values, expected, Network::parse)?)
            }
            Means::Missing => match *each(operator, values, "true or false", truth)? {
                [missing] => Self::Missing(missing),
                _ => return Err(Problem::Values(values.len())),
            },
        })
    }

    fn passes(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Equals(texts), Value::Text(text)) => texts.iter().any(|one| **one == *text),
            (Self::EqualsAnyCase(texts), Value::Text(text)) => {
                texts.iter().any(|one| one.to_lowercase() == text.to_lowercase())
            }
            (Self::Like(patterns), Value::Text(text)) => patterns.iter().any(|one| one.matches(text)),
            (Self::Starts(texts), Value::Text(text)) => texts.iter().any(|one| text.starts_with(&**one)),
            (Self::Ends(texts), Value::Text(text)) => texts.iter().any(|one| text.ends_with(&**one)),
            (Self::Number(order, numbers), Value::Number(number)) => {
                numbers.iter().any(|one| order.holds(number.cmp(one)))
            }
            (Self::Time(order, times), Value::Time(time)) => {
                times.iter().any(|one| order.holds(time.cmp(one)))
            }
            (Self::Bool(truths), Value::Bool(truth)) => truths.contains(&truth),
            (Self::Within(networks), Value::Address(address)) => {
                networks.iter().any(|one| one.contains(address))
            }
            // Another service's key has texts alone here.
            _ => false,
        }
    }
}

/// `StringLike` of syntax 1.1: without `*`, the value stands anywhere in the text.
fn like(value: &str) -> Pattern {
    match value.contains('*') {
        true => Pattern::new(value),
        false => Pattern::new(&format!("*{value}*")),
    }
}

/// An address, or all that begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    bits: u128,
    mask: u128,
    is_v4: bool,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let (bits, is_v4) = bits(address.parse().ok()?);
        let width = if is_v4 { 32 } else { 128 };
        let length = length.unwrap_or(width);
        let rest = width.checked_sub(length)?;
        let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
        Some(Self { bits: bits & mask, mask, is_v4 })
    }

    fn contains(&self, address: IpAddr) -> bool {
        let (bits, is_v4) = bits(address);
        is_v4 == self.is_v4 && bits & self.mask == self.bits
    }
}

/// The bits of an address, and whether it is of version 4.
fn bits(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), true),
        IpAddr::V6(address) => (address.to_bits(), false),
    }
}
