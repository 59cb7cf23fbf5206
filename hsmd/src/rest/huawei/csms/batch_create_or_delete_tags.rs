//! Gives a secret tags, or takes some from it.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use crate::rest::failure::Shape;
use crate::rest::huawei::kms::shown::TagItem;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_id: String,
    tags: Vec<TagItem>,
    action: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = CsmsError;
    const NAME: &'static str = "BatchCreateOrDeleteTags";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/csms/{secret_id}/tags/action";
    const SUCCESS: u16 = 204;
    const SHAPE: Option<Shape> = Some(Shape::Nested);

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, CsmsError> {
        match self.action.as_str() {
            "create" => {
                let tags: Vec<_> = self.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
                services.csms.tag_secret(caller, &self.secret_id, &tags, true)?;
            }
            "delete" => {
                let tags: Vec<_> = self.tags.into_iter().map(|tag| tag.key).collect();
                services.csms.untag_secret(caller, &self.secret_id, &tags)?;
            }
            other => {
                return Err(CsmsError::Field(format!(
                    "action {other:?} is unknown: expected create or delete"
                )));
            }
        }
        Ok(Nothing {})
    }
}
