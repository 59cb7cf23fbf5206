//! Searches by tags, as bodies of requests have them in every service.

use dew::csms::CsmsError;
use dew::kms::KmsError;
use serde::Deserialize;

use super::kms::shown::TagItem;
use crate::rest::operation::Text;

/// `Tag`: with any of these values, or with any at all if there are none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) values: Vec<String>,
}

/// What is searched for.
pub(super) struct TagSearch {
    /// Whether only a count is asked for.
    pub(super) counts: bool,
    pub(super) limit: usize,
    pub(super) offset: usize,
    /// Tags, each with the values of which one must be there.
    pub(super) tags: Vec<(String, Vec<String>)>,
    /// What names are to have in them.
    pub(super) name: Option<String>,
}

/// What is wrong with a search.
pub(super) enum Wrong {
    Action(String),
    Limit,
    Offset,
    CountHasNoOffset,
    Matches(String),
}

impl TagSearch {
    /// # Errors
    /// What is wrong with it.
    pub(super) fn of(
        action: Option<&str>,
        limit: Option<&Text>,
        offset: Option<&Text>,
        tags: Vec<Tag>,
        matches: Vec<TagItem>,
    ) -> Result<Self, Wrong> {
        let counts = match action {
            None | Some("filter") => false,
            Some("count") => true,
            Some(other) => {
                return Err(Wrong::Action(format!("action {other:?} is unknown: expected filter or count")));
            }
        };
        if counts && offset.is_some() {
            return Err(Wrong::CountHasNoOffset);
        }
        let number = |text: &Text| text.number().and_then(|number| usize::try_from(number).ok());
        let limit = limit.map_or(Some(10), number).filter(|limit| (1..=1000).contains(limit));
        Ok(Self {
            counts,
            limit: limit.ok_or(Wrong::Limit)?,
            offset: offset.map_or(Some(0), number).ok_or(Wrong::Offset)?,
            tags: tags.into_iter().map(|tag| (tag.key, tag.values)).collect(),
            name: name(matches)?,
        })
    }
}

/// What names are to have in them.
fn name(matches: Vec<TagItem>) -> Result<Option<String>, Wrong> {
    let mut name = None;
    for TagItem { key, value } in matches {
        match (key.as_str(), value.chars().count(), &name) {
            ("resource_name", 1..=255, None) => name = Some(value),
            ("resource_name", _, None) => {
                return Err(Wrong::Matches("resource_name has 1 to 255 characters".to_owned()));
            }
            ("resource_name", ..) => {
                return Err(Wrong::Matches("resource_name is there twice".to_owned()));
            }
            _ => {
                return Err(Wrong::Matches(format!(
                    "{key:?} cannot be searched for: expected resource_name"
                )));
            }
        }
    }
    Ok(name)
}

const LIMIT: &str = "limit is from 1 to 1000";
const OFFSET: &str = "offset is a whole number from 0";

impl From<Wrong> for KmsError {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Action(text) => Self::BadAction(text),
            Wrong::Limit => Self::BadLimit(LIMIT.to_owned()),
            Wrong::Offset => Self::BadOffset(OFFSET.to_owned()),
            Wrong::CountHasNoOffset => Self::NoOffset,
            Wrong::Matches(text) => Self::BadMatches(text),
        }
    }
}

impl From<Wrong> for CsmsError {
    fn from(wrong: Wrong) -> Self {
        Self::Field(match wrong {
            Wrong::Action(text) | Wrong::Matches(text) => text,
            Wrong::Limit => LIMIT.to_owned(),
            Wrong::Offset => OFFSET.to_owned(),
            Wrong::CountHasNoOffset => "offset is not for the action count".to_owned(),
        })
    }
}
