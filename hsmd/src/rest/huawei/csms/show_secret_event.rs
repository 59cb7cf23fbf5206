//! An event.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use super::shown::EventReply;
use crate::rest::failure::Shape;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    event_name: String,
}

impl Operation for Op {
    type Reply = EventReply;
    type Error = CsmsError;
    const NAME: &'static str = "ShowSecretEvent";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/csms/events/{event_name}";
    const SHAPE: Option<Shape> = Some(Shape::Nested);
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<EventReply, CsmsError> {
        Ok((&*services.csms.show_event(caller, &self.event_name)?).into())
    }
}
