//! Finds the keys that have some tags, or tells how many there are.

use dew::caller::Caller;
use dew::kms::{Kept, Key, KmsError, Search};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::{KeyDetails, TagItem, tag_items};
use crate::rest::operation::{Operation, Text};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    limit: Option<Text>,
    offset: Option<Text>,
    action: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    matches: Vec<TagItem>,
}

/// `Tag`: with any of these values, or with any at all if there are none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tag {
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<Vec<Resource>>,
    total_count: usize,
}

/// `ActionResources`
#[derive(Serialize)]
struct Resource {
    resource_id: String,
    resource_detail: KeyDetails,
    resource_name: String,
    tags: Vec<TagItem>,
}

fn limit(text: Option<&Text>) -> Result<usize, KmsError> {
    let Some(text) = text else { return Ok(10) };
    let limit = text.number().and_then(|limit| usize::try_from(limit).ok());
    let wrong = || KmsError::BadLimit("limit is from 1 to 1000".to_owned());
    limit.filter(|limit| (1..=1000).contains(limit)).ok_or_else(wrong)
}

fn offset(text: Option<&Text>) -> Result<usize, KmsError> {
    let Some(text) = text else { return Ok(0) };
    let offset = text.number().and_then(|offset| usize::try_from(offset).ok());
    offset.ok_or_else(|| KmsError::BadOffset("offset is a whole number from 0".to_owned()))
}

/// What the names of keys are to have in them.
fn name(matches: Vec<TagItem>) -> Result<Option<String>, KmsError> {
    let mut name = None;
    for TagItem { key, value } in matches {
        match (key.as_str(), value.chars().count(), &name) {
            ("resource_name", 1..=255, None) => name = Some(value),
            ("resource_name", _, None) => {
                return Err(KmsError::BadMatches("resource_name has 1 to 255 characters".to_owned()));
            }
            ("resource_name", ..) => {
                return Err(KmsError::BadMatches("resource_name is there twice".to_owned()));
            }
            _ => {
                let text = format!("{key:?} cannot be searched for: expected resource_name");
                return Err(KmsError::BadMatches(text));
            }
        }
    }
    Ok(name)
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ListKmsByTags";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/resource_instances/action";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let counts = match self.action.as_deref() {
            None | Some("filter") => false,
            Some("count") => true,
            Some(other) => {
                let text = format!("action {other:?} is unknown: expected filter or count");
                return Err(KmsError::BadAction(text));
            }
        };
        if counts && self.offset.is_some() {
            return Err(KmsError::NoOffset);
        }
        let (limit, offset) = (limit(self.limit.as_ref())?, offset(self.offset.as_ref())?);
        let search = Search {
            name: name(self.matches)?,
            tags: self.tags.into_iter().map(|tag| (tag.key, tag.values)).collect(),
            ..Search::default()
        };
        let found = services.kms.keys_by_tags(caller, search)?;
        let region = services.region(caller);
        let shown = |key: &Kept<Key>| Resource {
            resource_id: key.id.to_string(),
            resource_detail: KeyDetails::of(key, caller.identity.account, &region),
            resource_name: key.name.clone(),
            tags: tag_items(&key.tags),
        };
        let resources = || found.iter().skip(offset).take(limit).map(shown).collect();
        Ok(Reply { resources: (!counts).then(resources), total_count: found.len() })
    }
}
