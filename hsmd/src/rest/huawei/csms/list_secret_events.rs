//! The events of the project.

use dew::caller::Caller;
use dew::csms::{CsmsError, Page};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::{EventInfo, PageInfo};
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
    events: Vec<EventInfo>,
    page_info: PageInfo,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ListSecretEvents";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/csms/events";
    const SHAPE: Option<Shape> = Some(Shape::Nested);
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let page = Page { limit: self.limit.as_deref(), marker: self.marker.as_deref() };
        let page = services.csms.list_events(caller, &page)?;
        Ok(Reply {
            page_info: (&page).into(),
            events: page.items.iter().map(|event| (&**event).into()).collect(),
        })
    }
}
