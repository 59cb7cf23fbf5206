//! Changes a notification.

use dew::caller::Caller;
use dew::cts::CtsError;
use hyper::Method;
use serde::Deserialize;

use super::notification_fields::{Fields, Shown};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Op(Fields);

impl Operation for Op {
    type Reply = Shown;
    type Error = CtsError;
    const NAME: &'static str = "UpdateNotification";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v3/{project_id}/notifications";

    fn run(mut self, caller: &Caller, services: &Services) -> Result<Shown, CtsError> {
        let (id, status) = (self.0.notification_id.take(), self.0.take_status());
        let (Some(id), Some(status)) = (id, status) else {
            return Err(CtsError::Field("notification_id and status are required".to_owned()));
        };
        Ok(services.cts.update_notification(caller, &id, self.0.terms(Some(&status))?)?.into())
    }
}
