//! Gives a key tags, or takes some from it.

use dew::caller::Caller;
use dew::kms::{KmsError, TagCall};
use hyper::Method;
use serde::Deserialize;

use super::shown::TagItem;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    tags: Vec<TagItem>,
    action: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = KmsError;
    const NAME: &'static str = "BatchCreateKmsTags";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/{key_id}/tags/action";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, KmsError> {
        match self.action.as_str() {
            "create" => {
                let tags: Vec<_> = self.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
                services.kms.tag_key(caller, TagCall::BatchCreate, &self.key_id, &tags)?;
            }
            "delete" => {
                let tags: Vec<_> = self.tags.into_iter().map(|tag| tag.key).collect();
                services.kms.untag_key(caller, &self.key_id, &tags)?;
            }
            other => {
                let text = format!("action {other:?} is unknown: expected create or delete");
                return Err(KmsError::BadAction(text));
            }
        }
        Ok(Nothing {})
    }
}
