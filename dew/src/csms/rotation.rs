//! How a secret is rotated: of which database, with one account or two, and how often.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::{CsmsError, Result};
use super::secret::{VersionId, check_name};
use crate::kms::{Millis, Uuid};

/// How a secret is rotated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Whether it is by itself.
    pub automatic: bool,
    /// After which time, as the interface writes it.
    pub period: Option<Period>,
    /// The accounts that are rotated, if it is accounts.
    pub target: Option<Target>,
    /// The program that sets values, if one does.
    pub function: Option<String>,
    /// When it was last.
    pub last: Option<Millis>,
    /// When it is due next.
    pub next: Option<Millis>,
    /// How often in a row it failed.
    pub failures: u32,
    /// A rotation that has begun.
    pub under_way: Option<UnderWay>,
}

impl Rotation {
    /// Has it happen by itself, or not any more, after a time.
    ///
    /// # Errors
    /// `NotRotated`; `Field` without a time.
    pub(super) fn plan(
        &mut self,
        automatic: Option<bool>,
        period: Option<Period>,
        now: Millis,
    ) -> Result<()> {
        if self.target.is_none() && self.function.is_none() {
            return Err(CsmsError::NotRotated);
        }
        let on = automatic.unwrap_or(self.automatic);
        let period_is_new = period.is_some_and(|period| self.period != Some(period));
        self.period = period.or(self.period);
        let Some(period) = self.period else {
            let text = "rotation_period is needed for auto_rotation: 6h to 8760h, or 1d to 365d";
            return if on { Err(CsmsError::Field(text.to_owned())) } else { Ok(()) };
        };
        if on && (!self.automatic || period_is_new) {
            (self.failures, self.next) = (0, Some(now.saturating_add(period.millis())));
        } else if !on {
            self.next = None;
        }
        self.automatic = on;
        Ok(())
    }
}

/// What rotates a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotator {
    /// The HSM, which sets passwords of accounts.
    Accounts(Target),
    /// A program of the operator's, by its name.
    Program(String),
}

impl Rotator {
    /// A program of a name.
    ///
    /// # Errors
    /// `Field`
    pub fn program(name: &str) -> Result<Self> {
        check_name("rotation_func_urn", name)?;
        Ok(Self::Program(name.to_owned()))
    }
}

/// The accounts that a secret is rotated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The id of the database.
    pub database: Uuid,
    /// How many accounts there are.
    pub accounts: Accounts,
}

/// How many accounts a rotation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Accounts {
    /// One, which gets a new password each time.
    Single,
    /// Two that may do the same, of which the one that is not current gets a new password, and becomes current.
    Dual,
}

/// A rotation that has begun: it is completed or undone, also by another run of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderWay {
    /// The version that is to become current.
    pub version: VersionId,
    /// When it is taken up again.
    pub retry: Millis,
    /// How often it was tried and could neither be completed nor undone.
    pub attempts: u32,
}

/// `rotation_config` as the interface writes it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Written {
    instance_id: String,
    secret_sub_type: String,
}

impl Target {
    const ACCOUNTS: [(Accounts, &str); 2] = [(Accounts::Single, "SingleUser"), (Accounts::Dual, "MultiUser")];
}

impl FromStr for Target {
    type Err = CsmsError;
    fn from_str(text: &str) -> Result<Self> {
        let of = |text: &str| {
            let written: Written = serde_json::from_str(text).ok()?;
            let named = |(_, name): &(Accounts, &str)| *name == written.secret_sub_type;
            let (accounts, _) = Self::ACCOUNTS.into_iter().find(named)?;
            Some(Self { database: written.instance_id.parse().ok()?, accounts })
        };
        of(text).ok_or_else(|| {
            CsmsError::Field(
                "rotation_config: expected the JSON text {\"InstanceId\": the id of a database that is registered, \
                 \"SecretSubType\": \"SingleUser\" or \"MultiUser\"}"
                    .to_owned(),
            )
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, name) =
            Self::ACCOUNTS.into_iter().find(|(one, _)| *one == self.accounts).unwrap_or(Self::ACCOUNTS[0]);
        write!(f, "{}", serde_json::json!({ "InstanceId": self.database.to_string(), "SecretSubType": name }))
    }
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
