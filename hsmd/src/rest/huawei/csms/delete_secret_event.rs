//! Takes an event away by which no secret is told of.

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
    event_name: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = CsmsError;
    const NAME: &'static str = "DeleteSecretEvent";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v1/{project_id}/csms/events/{event_name}";
    const SHAPE: Option<Shape> = Some(Shape::Nested);

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, CsmsError> {
        services.csms.delete_event(caller, &self.event_name)?;
        Ok(Nothing {})
    }
}
