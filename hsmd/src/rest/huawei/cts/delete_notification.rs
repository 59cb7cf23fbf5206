//! Takes a notification away.

use dew::caller::Caller;
use dew::cts::CtsError;
use hyper::Method;
use serde::Deserialize;

use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    notification_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = CtsError;
    const NAME: &'static str = "DeleteNotification";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v3/{project_id}/notifications";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, CtsError> {
        services.cts.delete_notification(caller, &self.notification_id)?;
        Ok(Nothing {})
    }
}
