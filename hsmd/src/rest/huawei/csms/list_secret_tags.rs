//! The tags of a secret.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::failure::Shape;
use crate::rest::huawei::kms::shown::{TagItem, tag_items};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_id: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    tags: Vec<TagItem>,
    sys_tags: [TagItem; 0],
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ListSecretTags";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/csms/{secret_id}/tags";
    const SHAPE: Option<Shape> = Some(Shape::Nested);
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let tags = services.csms.tags_of_secret(caller, &self.secret_id)?;
        Ok(Reply { tags: tag_items(&tags), sys_tags: [] })
    }
}
