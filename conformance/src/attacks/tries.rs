//! Keeps the score of an attack's variants.

use std::collections::BTreeMap;

use super::victim::Victim;
use super::{Context, Verdict};
use crate::names::Rv;

/// The variants tried so far. Once one has succeeded, the others are run only if that was asked for.
#[derive(Default)]
pub(super) struct Tries {
    thorough: bool,
    obtained: Option<(String, String)>,
    others: Vec<String>,
    tried: usize,
    answers: BTreeMap<String, usize>,
    /// How many variants failed since the token has not what they take.
    lacking: usize,
    missing: Vec<String>,
}

impl Tries {
    pub(super) fn new(at: &Context) -> Self {
        Self { thorough: at.thorough, ..Self::default() }
    }

    /// Runs a variant that gives bytes in which the victim's value may be.
    pub(super) fn recover(&mut self, how: &str, victim: &Victim, run: impl FnOnce() -> Result<Vec<u8>, Rv>) {
        self.judge(how, || {
            let bytes = run()?;
            let found = victim.find_in(&bytes);
            Ok(found.map(|key| format!("the victim's value, {} bits", key.len() * 8)))
        });
    }

    /// Runs a variant that gives a description of what it obtained, if it did.
    pub(super) fn judge(&mut self, how: &str, run: impl FnOnce() -> Result<Option<String>, Rv>) {
        if self.done() {
            return;
        }
        self.tried += 1;
        match run() {
            Ok(Some(_)) if self.obtained.is_some() => self.others.push(how.to_owned()),
            Ok(Some(what)) => self.obtained = Some((what, how.to_owned())),
            Ok(None) => self.count("nothing of use"),
            Err(rv) => {
                self.lacking += usize::from(rv.is_unsupported());
                self.count(&rv.to_string());
            }
        }
    }

    /// Notes that a variant could not begin.
    pub(super) fn missing(&mut self, what: &str, rv: Rv) {
        let line = format!("{what}: {rv}");
        if !self.missing.contains(&line) {
            self.missing.push(line);
        }
    }

    /// Gives the value, or notes that a variant could not begin.
    pub(super) fn need<T>(&mut self, what: &str, value: Result<T, Rv>) -> Option<T> {
        value.map_err(|rv| self.missing(what, rv)).ok()
    }

    /// Whether a variant has succeeded, and that is enough.
    pub(super) fn done(&self) -> bool {
        self.obtained.is_some() && !self.thorough
    }

    /// What it all came to.
    pub(super) fn verdict(self) -> Verdict {
        if let Some((what, how)) = self.obtained {
            return Verdict::Obtained { what, how, others: self.others, tried: self.tried };
        }
        if self.tried == 0 {
            return Verdict::Unsupported { why: self.missing.join("; ") };
        }
        let answers: Vec<_> =
            self.answers.iter().map(|(answer, times)| format!("{answer} x{times}")).collect();
        let mut why = format!("{} variants: {}", self.tried, answers.join(", "));
        if !self.missing.is_empty() {
            why += &format!(" (not tried: {})", self.missing.join("; "));
        }
        if self.lacking == self.tried {
            return Verdict::Unsupported { why };
        }
        Verdict::Withstood { why, tried: self.tried }
    }

    fn count(&mut self, answer: &str) {
        *self.answers.entry(answer.to_owned()).or_default() += 1;
    }
}
