//! Gives a secret a tag.

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
    tag: TagItem,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = CsmsError;
    const NAME: &'static str = "CreateSecretTag";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/csms/{secret_id}/tags";
    const SUCCESS: u16 = 204;
    const SHAPE: Option<Shape> = Some(Shape::Nested);

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, CsmsError> {
        services.csms.tag_secret(caller, &self.secret_id, &[(self.tag.key, self.tag.value)], false)?;
        Ok(Nothing {})
    }
}
