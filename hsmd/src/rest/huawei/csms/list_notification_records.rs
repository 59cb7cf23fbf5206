//! What was told of secrets, and what became of that.

use dew::caller::Caller;
use dew::csms::{CsmsError, Notified, Page};
use dew::message::State;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::PageInfo;
use crate::rest::failure::Shape;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    limit: Option<String>,
    marker: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    records: Vec<Record>,
    page_info: PageInfo,
}

/// `Record`
#[derive(Serialize)]
struct Record {
    event_name: String,
    trigger_event_type: String,
    create_time: u64,
    secret_name: String,
    secret_type: String,
    notification_target_name: String,
    notification_target_id: String,
    notification_content: String,
    /// Not there while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_status: Option<&'static str>,
}

impl From<&Notified> for Record {
    fn from(told: &Notified) -> Self {
        let ((secret_name, secret_type), (id, name)) = (told.secret(), told.target());
        Self {
            event_name: told.event().to_owned(),
            trigger_event_type: told.kind().to_owned(),
            create_time: told.at(),
            secret_name: secret_name.to_owned(),
            secret_type: secret_type.to_owned(),
            notification_target_name: name.to_owned(),
            notification_target_id: id.to_owned(),
            notification_content: told.content().to_owned(),
            notification_status: match told.state() {
                State::Waiting(..) => None,
                State::Delivered(_) => Some("SUCCESS"),
                State::Failed(..) => Some("FAIL"),
                State::Invalid(..) => Some("INVALID"),
            },
        }
    }
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ListNotificationRecords";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/csms/notification-records";
    const SHAPE: Option<Shape> = Some(Shape::Nested);

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let page = Page { limit: self.limit.as_deref(), marker: self.marker.as_deref() };
        let page = services.csms.notifications(caller, &page)?;
        Ok(Reply { page_info: (&page).into(), records: page.items.iter().map(Into::into).collect() })
    }
}
