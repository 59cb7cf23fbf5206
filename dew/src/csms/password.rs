//! Passwords: made from random characters of the HSM, and weighed.

use crypto::Secret;

use super::Csms;
use super::allow::About;
use super::error::{CsmsError, Result};
use crate::caller::Caller;

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";
const PUNCTUATION: &[u8] = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// The most characters of a password.
const MAX: u64 = 4096;

/// Of what a password is to be.
#[derive(Clone, Debug)]
pub struct PasswordRules {
    /// How long.
    pub length: u64,
    /// Characters that are not in it.
    pub exclude: String,
    /// Whether small letters, capital ones, digits and punctuation are in it.
    pub lower: bool,
    /// As above.
    pub upper: bool,
    /// As above.
    pub digits: bool,
    /// As above.
    pub punctuation: bool,
    /// Whether spaces are.
    pub space: bool,
    /// Whether one of each must be.
    pub each: bool,
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self {
            length: 32,
            exclude: String::new(),
            lower: true,
            upper: true,
            digits: true,
            punctuation: true,
            space: false,
            each: false,
        }
    }
}

impl PasswordRules {
    /// The kinds of character, without what is excluded.
    fn kinds(&self) -> Vec<Vec<u8>> {
        let kinds = [
            (self.lower, LOWER),
            (self.upper, UPPER),
            (self.digits, DIGITS),
            (self.punctuation, PUNCTUATION),
            (self.space, b" ".as_slice()),
        ];
        let left = |kind: &[u8]| -> Vec<u8> {
            kind.iter().copied().filter(|byte| !self.exclude.contains(char::from(*byte))).collect()
        };
        kinds.iter().filter(|(wanted, _)| *wanted).map(|(_, kind)| left(kind)).collect()
    }

    /// Makes a password of random numbers below the number that each is asked for with.
    fn make(&self, mut below: impl FnMut(usize) -> Result<usize>) -> Result<Secret> {
        let kinds = self.kinds();
        if !(1..=MAX).contains(&self.length) {
            return Err(CsmsError::Field(format!("length is from 1 to {MAX}")));
        }
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        let all = kinds.concat();
        if all.is_empty() {
            return Err(CsmsError::Field("nothing is left of which a password could be".to_owned()));
        }
        let mut chosen = Vec::with_capacity(length);
        if self.each {
            if kinds.len() > length {
                return Err(CsmsError::Field(format!(
                    "length {length} has no room for one of each of {} kinds of character",
                    kinds.len()
                )));
            }
            for kind in &kinds {
                let at = below(kind.len())?;
                chosen.push(*kind.get(at).ok_or_else(|| {
                    CsmsError::Field("of one kind of character nothing is left to be in it".to_owned())
                })?);
            }
        }
        while chosen.len() < length {
            let at = below(all.len())?;
            chosen.extend(all.get(at));
        }
        // Those of each kind are anywhere in it (Fisher and Yates).
        for at in (1..chosen.len()).rev() {
            chosen.swap(at, below(at + 1)?);
        }
        Ok(Secret::new(chosen))
    }
}

/// How strong a password is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// It is soon guessed.
    Weak,
    /// Something between.
    Medium,
    /// It is long, or of many kinds of character.
    Strong,
}

impl Strength {
    /// What is more than weak.
    pub(super) const EXPECTED: &'static str =
        "8 characters or more of three kinds (small and capital letters, digits, others), or 16 of two";

    /// How strong a text is.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let kinds: [fn(&char) -> bool; 4] = [
            |c| c.is_lowercase(),
            |c| c.is_uppercase(),
            |c| c.is_numeric(),
            |c| !c.is_lowercase() && !c.is_uppercase() && !c.is_numeric(),
        ];
        let kinds = kinds.iter().filter(|is| text.chars().any(|c| is(&c))).count();
        let mut distinct: Vec<char> = text.chars().collect();
        let length = distinct.len();
        distinct.sort_unstable();
        distinct.dedup();
        match (length, kinds, distinct.len()) {
            (.., ..=4) => Self::Weak,
            (16.., 3.., _) | (12.., 4, _) => Self::Strong,
            (8.., 3.., _) | (16.., 2, _) => Self::Medium,
            _ => Self::Weak,
        }
    }

    /// As answers write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Medium => "medium",
            Self::Strong => "strong",
        }
    }
}

impl Csms {
    /// Makes a password, which is kept nowhere.
    ///
    /// # Errors
    /// `Field`; `Forbidden`; what the HSM says.
    pub fn generate_password(&self, caller: &Caller, rules: &PasswordRules) -> Result<Secret> {
        self.permitted_in(caller, "GenerateRandomPassword", About::default())?;
        self.password(rules)
    }

    /// Makes a password.
    pub(super) fn password(&self, rules: &PasswordRules) -> Result<Secret> {
        let mut pool = Vec::new().into_iter();
        rules.make(|bound| {
            let Ok(bound) = u16::try_from(bound) else {
                return Err(CsmsError::Internal("a password has fewer characters"));
            };
            let Some(last) = bound.checked_sub(1) else { return Ok(usize::MAX) };
            // Numbers beyond the last whole multiple are drawn again, so that each is as likely.
            let most = u16::MAX - (u16::MAX % bound + 1) % bound;
            loop {
                let (Some(a), Some(b)) = (pool.next(), pool.next()) else {
                    pool = self.hsm.random_secret(512)?.as_bytes().to_vec().into_iter();
                    continue;
                };
                let drawn = u16::from_be_bytes([a, b]);
                if drawn <= most {
                    return Ok(usize::from(drawn % (last + 1)));
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn made(rules: &PasswordRules, seed: u64) -> Result<String> {
        let mut state = seed | 1;
        let made = rules.make(|bound| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            Ok(if bound == 0 { usize::MAX } else { (state >> 33) as usize % bound })
        });
        Ok(String::from_utf8(made?.as_bytes().to_vec()).unwrap())
    }

    proptest! {
        #[test]
        fn a_password_is_as_it_was_asked_for(
            length in 0..70_u64, exclude in "[a-f0-9!-/]{0,30}", wanted in 0..32_u8, each: bool, seed: u64,
        ) {
            let is = |bit: u8| wanted & 1 << bit != 0;
            let rules = PasswordRules {
                length, exclude: exclude.clone(), lower: is(0), upper: is(1), digits: is(2),
                punctuation: is(3), space: is(4), each,
            };
            let Ok(password) = made(&rules, seed) else {
                let kinds = rules.kinds();
                prop_assert!(length == 0 || kinds.concat().is_empty()
                    || each && (kinds.len() as u64 > length || kinds.iter().any(Vec::is_empty)));
                return Ok(());
            };
            prop_assert_eq!(password.len() as u64, length);
            prop_assert!(!password.chars().any(|c| exclude.contains(c)));
            let kinds = [LOWER, UPPER, DIGITS, PUNCTUATION, b" "];
            for (wanted, kind) in (0..5).map(is).zip(kinds) {
                let has = password.bytes().any(|byte| kind.contains(&byte));
                let fits = if wanted { has || !each } else { !has };
                prop_assert!(fits);
            }
        }
    }

    #[test]
    fn texts_are_as_strong_as_they_are_long_and_mixed() {
        for (text, strength) in [
            ("", Strength::Weak),
            ("password", Strength::Weak),
            ("Aa1!", Strength::Weak),
            ("aaaaaaaaaaaaaaaaaaaaaaaA1!", Strength::Weak),
            ("abcdefg1", Strength::Weak),
            ("Abcdefg1", Strength::Medium),
            ("correct horse battery", Strength::Medium),
            ("Abcdefg1-xyz", Strength::Strong),
            ("Abcdefghijklmno1", Strength::Strong),
        ] {
            assert_eq!(Strength::of(text), strength, "{text}");
        }
    }
}
