//! Gives a key a tag, or one that it has another value.

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
    tag: TagItem,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = KmsError;
    const NAME: &'static str = "CreateKmsTag";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/{key_id}/tags";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, KmsError> {
        let tags = [(self.tag.key, self.tag.value)];
        services.kms.tag_key(caller, TagCall::Create, &self.key_id, &tags)?;
        Ok(Nothing {})
    }
}
