//! Changes an event.

use dew::caller::Caller;
use dew::csms::{CsmsError, EventChange, EventKind};
use hyper::Method;
use serde::Deserialize;

use super::shown::{EventReply, Notification, enabled};
use crate::rest::failure::Shape;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    event_name: String,
    event_types: Option<Vec<String>>,
    state: Option<String>,
    notification: Option<Notification>,
}

impl Operation for Op {
    type Reply = EventReply;
    type Error = CsmsError;
    const NAME: &'static str = "UpdateSecretEvent";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v1/{project_id}/csms/events/{event_name}";
    const SHAPE: Option<Shape> = Some(Shape::Nested);

    fn run(self, caller: &Caller, services: &Services) -> Result<EventReply, CsmsError> {
        let change = EventChange {
            kinds: self.event_types.as_deref().map(EventKind::named).transpose()?,
            enabled: self.state.as_deref().map(enabled).transpose()?,
            target: self.notification.map(TryInto::try_into).transpose()?,
        };
        Ok((&*services.csms.update_event(caller, &self.event_name, change)?).into())
    }
}
