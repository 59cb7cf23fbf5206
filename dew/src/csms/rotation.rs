//! How often a secret is rotated.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::{CsmsError, Result};
use crate::kms::Millis;

/// How a secret is rotated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Whether it is by itself.
    pub automatic: bool,
    /// After which time, as the interface writes it.
    pub period: Option<Period>,
    /// What is rotated.
    pub config: Option<String>,
    /// The function that does it, where it is not one of ours.
    pub function: Option<String>,
    /// When it was last.
    pub last: Option<Millis>,
    /// When it is due next.
    pub next: Option<Millis>,
    /// How often in a row it failed.
    pub failures: u32,
}

/// A time between rotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    number: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Unit {
    Days,
    Hours,
    Minutes,
    Seconds,
}

impl Unit {
    const ALL: [(Self, char, Millis); 4] = [
        (Self::Days, 'd', 86_400_000),
        (Self::Hours, 'h', 3_600_000),
        (Self::Minutes, 'm', 60_000),
        (Self::Seconds, 's', 1000),
    ];

    fn row(self) -> (Self, char, Millis) {
        Self::ALL.into_iter().find(|(unit, ..)| *unit == self).unwrap_or(Self::ALL[0])
    }
}

impl Period {
    /// The shortest and the longest.
    const RANGE: std::ops::RangeInclusive<Millis> = 6 * 3_600_000..=365 * 86_400_000;

    /// How long it is.
    #[must_use]
    pub fn millis(self) -> Millis {
        Millis::from(self.number) * self.unit.row().2
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.number, self.unit.row().1)
    }
}

impl FromStr for Period {
    type Err = CsmsError;
    fn from_str(text: &str) -> Result<Self> {
        let of = |text: &str| {
            let (at, letter) = text.char_indices().next_back()?;
            let (unit, ..) = Unit::ALL.into_iter().find(|(_, known, _)| *known == letter)?;
            let digits = text.get(..at)?;
            let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok());
            Some(Self { number: number.flatten()?, unit })
        };
        of(text).filter(|period| Self::RANGE.contains(&period.millis())).ok_or_else(|| {
            CsmsError::Field(format!(
                "rotation_period {text:?}: expected 6h to 8760h, or as much in days (d), minutes (m) or seconds (s)"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_period_comes_back_from_its_text(number in 0..40_000_000_u32, unit in "[dhms]") {
            let text = format!("{number}{unit}");
            if let Ok(period) = text.parse::<Period>() {
                prop_assert_eq!(period.to_string(), text);
                prop_assert!((21_600_000..=31_536_000_000).contains(&period.millis()));
            }
        }
    }

    /// Requirement: CSMS-054
    #[test]
    fn periods_are_from_six_hours_to_a_year() {
        for good in ["6h", "360m", "21600s", "1d", "365d", "8760h", "31536000s"] {
            assert!(good.parse::<Period>().is_ok(), "{good}");
        }
        for bad in
            ["", "h", "5h", "359m", "366d", "8761h", "1w", "+6h", " 6h", "6 h", "6H", "99999999999d", "6h "]
        {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }
}
