//! Tags: names and values by which people find what they have. The rules are the same for all that has tags.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most tags of one thing.
pub const MAX_TAGS: usize = 20;
/// The most characters of a key.
const MAX_KEY: usize = 128;
/// The most characters of a value.
const MAX_VALUE: usize = 255;
/// What keys of the system begin with.
const RESERVED: &str = "_sys_";
/// The characters that are allowed beside letters and digits.
const SPECIAL: &str = " ._:/=+-@";

/// Why a tag is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub enum TagError {
    #[error("a tag has a key")]
    NoKey,
    #[error("a tag's key has at most {MAX_KEY} characters, this one {0}")]
    LongKey(usize),
    #[error("a tag's value has at most {MAX_VALUE} characters, this one {0}")]
    LongValue(usize),
    #[error("the tag key {0:?} begins or ends with a space")]
    Spaces(String),
    #[error("the tag key {0:?} begins with {RESERVED}, which is the system's")]
    Reserved(String),
    #[error(
        "{character:?} cannot be in a tag's {part}: allowed are Chinese, English, digits, spaces and . _ : / = + - @"
    )]
    Character { part: &'static str, character: char },
    #[error("there are {MAX_TAGS} tags already, and more there cannot be")]
    TooMany,
    #[error("the tag {0:?} is there already: a key has one value")]
    Twice(String),
    #[error("there is no tag {0:?}")]
    Unknown(String),
}

/// The tags of one thing: each key once, with one value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Tags from keys and values.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn new(tags: &[(String, String)]) -> Result<Self, TagError> {
        let mut all = Self::default();
        tags.iter().try_for_each(|(key, value)| all.add(key, value))?;
        Ok(all)
    }

    /// Adds a tag with a new key.
    ///
    /// # Errors
    /// `Twice` if the key is there, `TooMany`; else what is wrong with key or value.
    pub fn add(&mut self, key: &str, value: &str) -> Result<(), TagError> {
        check_key(key)?;
        check_value(value)?;
        if self.0.contains_key(key) {
            return Err(TagError::Twice(key.to_owned()));
        }
        if self.0.len() >= MAX_TAGS {
            return Err(TagError::TooMany);
        }
        self.0.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// Gives a tag that is there another value.
    ///
    /// # Errors
    /// `Unknown`; what is wrong with the value.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), TagError> {
        check_value(value)?;
        let there = self.0.get_mut(key).ok_or_else(|| TagError::Unknown(key.to_owned()))?;
        value.clone_into(there);
        Ok(())
    }

    /// Adds a tag, or gives the one of this key another value.
    ///
    /// # Errors
    /// As [`Self::add`], but for `Twice`.
    pub fn put(&mut self, key: &str, value: &str) -> Result<(), TagError> {
        if self.0.contains_key(key) { self.set(key, value) } else { self.add(key, value) }
    }

    /// Takes a tag away.
    ///
    /// # Errors
    /// `Unknown`
    pub fn remove(&mut self, key: &str) -> Result<(), TagError> {
        self.0.remove(key).map(drop).ok_or_else(|| TagError::Unknown(key.to_owned()))
    }

    /// Whether the tag is there: with this value, if one is asked for.
    #[must_use]
    pub fn has(&self, key: &str, value: Option<&str>) -> bool {
        self.0.get(key).is_some_and(|there| value.is_none_or(|value| there == value))
    }

    /// Keys and values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

pub(crate) fn check_key(key: &str) -> Result<(), TagError> {
    if key.is_empty() {
        return Err(TagError::NoKey);
    }
    match key.chars().count() {
        count if count > MAX_KEY => return Err(TagError::LongKey(count)),
        _ if key.starts_with(' ') || key.ends_with(' ') => return Err(TagError::Spaces(key.to_owned())),
        _ if key.starts_with(RESERVED) => return Err(TagError::Reserved(key.to_owned())),
        _ => {}
    }
    check_characters("key", key)
}

pub(crate) fn check_value(value: &str) -> Result<(), TagError> {
    match value.chars().count() {
        count if count > MAX_VALUE => Err(TagError::LongValue(count)),
        _ => check_characters("value", value),
    }
}

fn check_characters(part: &'static str, text: &str) -> Result<(), TagError> {
    match text.chars().find(|character| !is_allowed(*character)) {
        Some(character) => Err(TagError::Character { part, character }),
        None => Ok(()),
    }
}

fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || SPECIAL.contains(character) || is_chinese(character)
}

/// The unified ideographs with their extensions, and the one that repeats (Unicode, "Han").
pub(crate) const fn is_chinese(character: char) -> bool {
    matches!(character,
        '\u{3005}' | '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: &str) -> Result<Tags, TagError> {
        Tags::new(&[(key.to_owned(), value.to_owned())])
    }

    /// Requirement: TAG-001, TAG-003, TAG-011
    #[test]
    fn a_tag_is_a_key_with_one_value_which_may_be_empty() {
        let mut tags = one("team", "").unwrap();
        assert_eq!(tags.add("team", "blue"), Err(TagError::Twice("team".into())));
        assert!(tags.has("team", Some("")) && !tags.has("team", Some("blue")));
        tags.set("team", "blue").unwrap();
        assert_eq!(tags.iter().collect::<Vec<_>>(), [("team", "blue")]);
        tags.remove("team").unwrap();
        assert_eq!(tags.remove("team"), Err(TagError::Unknown("team".into())));
        assert_eq!(tags.set("team", "x"), Err(TagError::Unknown("team".into())));
    }

    /// Requirement: TAG-002
    #[test]
    fn the_twenty_first_tag_is_refused() {
        let mut tags = Tags::default();
        for number in 0..20 {
            tags.add(&format!("key{number}"), "").unwrap();
        }
        assert_eq!(tags.add("one more", ""), Err(TagError::TooMany));
        tags.set("key3", "changed").unwrap();
        tags.remove("key4").unwrap();
        tags.add("one more", "").unwrap();
    }

    /// Requirement: TAG-005, TAG-006, TAG-007, TAG-008
    #[test]
    fn a_key_is_there_and_has_at_most_128_characters_no_space_at_its_ends_and_not_the_systems_beginning() {
        assert_eq!(one("", "x"), Err(TagError::NoKey));
        assert!(one(&"k".repeat(128), "").is_ok());
        assert!(one(&"鍵".repeat(128), "").is_ok(), "characters are counted, not bytes");
        assert_eq!(one(&"k".repeat(129), ""), Err(TagError::LongKey(129)));
        for key in [" a", "a ", " "] {
            assert_eq!(one(key, ""), Err(TagError::Spaces(key.into())));
        }
        assert!(one("a b", "").is_ok());
        assert_eq!(one("_sys_x", ""), Err(TagError::Reserved("_sys_x".into())));
        assert!(one("_syst", "").is_ok());
    }

    /// Requirement: TAG-009, TAG-010
    #[test]
    fn a_key_has_chinese_english_digits_spaces_and_a_few_other_characters_and_no_more() {
        assert!(one("中文 English 09 ._:/=+-@", "").is_ok());
        for character in ['é', 'ß', 'я', 'あ', '!', '"', '\\', ',', '*', '<', '\t', '\0', '\u{200b}', '٣']
        {
            let error = TagError::Character { part: "key", character };
            assert_eq!(one(&format!("a{character}b"), ""), Err(error));
        }
    }

    /// Requirement: TAG-012, TAG-013
    #[test]
    fn a_value_has_at_most_255_characters_by_the_same_rule() {
        assert!(one("k", &"v".repeat(255)).is_ok());
        assert_eq!(one("k", &"v".repeat(256)), Err(TagError::LongValue(256)));
        assert!(one("k", "中文 English 09 ._:/=+-@").is_ok());
        assert_eq!(one("k", "a*"), Err(TagError::Character { part: "value", character: '*' }));
    }
}
