//! Takes a tag from a secret.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use crate::rest::failure::Shape;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_id: String,
    key: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = CsmsError;
    const NAME: &'static str = "DeleteSecretTag";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v1/{project_id}/csms/{secret_id}/tags/{key}";
    const SUCCESS: u16 = 204;
    const SHAPE: Option<Shape> = Some(Shape::Nested);

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, CsmsError> {
        services.csms.delete_secret_tag(caller, &self.secret_id, &self.key)?;
        Ok(Nothing {})
    }
}
