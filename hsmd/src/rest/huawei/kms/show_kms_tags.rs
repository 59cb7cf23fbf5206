//! Shows the tags of a key.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::{TagItem, tag_items};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    tags: Vec<TagItem>,
    #[serde(rename = "existTagsNum")]
    exist_tags_num: usize,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ShowKmsTags";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1.0/{project_id}/kms/{key_id}/tags";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let tags = tag_items(&services.kms.tags_of_key(caller, &self.key_id)?);
        Ok(Reply { exist_tags_num: tags.len(), tags })
    }
}
