//! Makes an event, by which somebody is told of secrets.

use dew::caller::Caller;
use dew::csms::{CsmsError, EventKind};
use hyper::Method;
use serde::Deserialize;

use super::shown::{EventReply, Notification, enabled};
use crate::rest::failure::Shape;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    name: String,
    event_types: Vec<String>,
    state: String,
    notification: Notification,
}

impl Operation for Op {
    type Reply = EventReply;
    type Error = CsmsError;
    const NAME: &'static str = "CreateSecretEvent";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/csms/events";
    const SHAPE: Option<Shape> = Some(Shape::Nested);

    fn run(self, caller: &Caller, services: &Services) -> Result<EventReply, CsmsError> {
        let (kinds, enabled) = (EventKind::named(&self.event_types)?, enabled(&self.state)?);
        let target = self.notification.try_into()?;
        Ok((&*services.csms.create_event(caller, &self.name, kinds, enabled, target)?).into())
    }
}
