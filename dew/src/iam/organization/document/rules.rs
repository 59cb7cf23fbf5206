//! What tag policies come to where several hold, and what does not keep to them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Allowed, Document, Setting, Statement, TOLD_VALUES};

/// What comes of all documents on the way to an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    by_key: BTreeMap<String, Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    key: Merged,
    values: Merged,
    enforced: Merged,
}

/// A setting as it has come down, and what the next ones may do to it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Merged {
    words: BTreeSet<String>,
    allowed: Allowed,
}

impl Default for Merged {
    fn default() -> Self {
        Self { words: BTreeSet::new(), allowed: Allowed::ALL }
    }
}

impl Merged {
    /// What the documents of one level make of it, in the order in which they were attached. Of two that assign, the
    /// first counts.
    fn take(&mut self, settings: &[&Setting]) {
        let allowed = self.allowed;
        if allowed.assign
            && let Some(assigned) = settings.iter().find_map(|setting| setting.assign.as_ref())
        {
            self.words = assigned.iter().cloned().collect();
        }
        for setting in settings {
            if allowed.append {
                self.words.extend(setting.append.iter().cloned());
            }
            if allowed.remove {
                self.words.retain(|word| !setting.remove.contains(word));
            }
            self.allowed = self.allowed.and(setting.children);
        }
    }
}

/// A tag that does not keep to the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The tag's key, as it is.
    pub key: String,
    /// Its value.
    pub value: String,
    /// What was expected.
    pub expected: String,
    /// Whether such a tag is refused.
    pub enforced: bool,
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the tag {:?} = {:?} breaks the tag policy: expected {}",
            self.key, self.value, self.expected
        )
    }
}

impl Rules {
    /// What the documents of each level, from the root down, come to.
    pub(in crate::iam::organization) fn merge<'a>(
        levels: impl IntoIterator<Item = Vec<&'a Document>>,
    ) -> Self {
        let mut rules = Self::default();
        for level in levels {
            let keys: BTreeSet<_> = level.iter().flat_map(|document| document.statements.keys()).collect();
            for key in keys {
                let rule = rules.by_key.entry(key.clone()).or_insert_with(|| Rule {
                    key: Merged::default(),
                    values: Merged::default(),
                    enforced: Merged::default(),
                });
                let here: Vec<_> = level.iter().filter_map(|document| document.statements.get(key)).collect();
                let of = |part: fn(&Statement) -> Option<&Setting>| -> Vec<_> {
                    here.iter().filter_map(|statement| part(statement)).collect()
                };
                rule.key.take(&of(|statement| statement.key.as_ref()));
                rule.values.take(&of(|statement| statement.values.as_ref()));
                rule.enforced.take(&of(|statement| statement.enforced.as_ref()));
            }
        }
        rules
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The tags that do not keep to the rules, of a resource of this type.
    #[must_use]
    pub fn breaches<'a>(
        &self,
        kind: &str,
        tags: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Vec<Breach> {
        tags.into_iter().filter_map(|(key, value)| self.breach(kind, key, value)).collect()
    }

    pub(super) fn breach(&self, kind: &str, key: &str, value: &str) -> Option<Breach> {
        let small = key.to_lowercase();
        let rule = self.by_key.get(&small)?;
        let written = rule.key.words.first().unwrap_or(&small);
        let fits = |allowed: &String| match allowed.split_once('*') {
            None => allowed == value,
            Some((before, after)) => {
                value.len() >= before.len() + after.len()
                    && value.starts_with(before)
                    && value.ends_with(after)
            }
        };
        let values = &rule.values.words;
        let expected = if written != key {
            format!("the key {written:?}")
        } else if !values.is_empty() && !values.iter().any(fits) {
            let first: Vec<_> = values.iter().take(TOLD_VALUES).map(|value| format!("{value:?}")).collect();
            let more = values.len().saturating_sub(TOLD_VALUES);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            format!("a value of {}{more}", first.join(", "))
        } else {
            return None;
        };
        let service = kind.split(':').next().unwrap_or_default();
        let every = format!("{service}:*");
        let enforced = rule.enforced.words.contains(kind) || rule.enforced.words.contains(&every);
        Some(Breach { key: key.to_owned(), value: value.to_owned(), expected, enforced })
    }

    /// The rules as a document.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut tags = Map::new();
        for (key, rule) in &self.by_key {
            let mut statement = Map::new();
            statement.insert("tag_key".into(), rule.key.words.first().unwrap_or(key).as_str().into());
            for (name, setting) in [("tag_value", &rule.values), ("enforced_for", &rule.enforced)] {
                if !setting.words.is_empty() {
                    let words: Vec<_> = setting.words.iter().map(String::as_str).collect();
                    statement.insert(name.into(), words.into());
                }
            }
            tags.insert(key.clone(), statement.into());
        }
        serde_json::json!({ "tags": tags })
    }
}
