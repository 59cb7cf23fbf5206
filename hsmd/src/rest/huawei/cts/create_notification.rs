//! Makes a notification.

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
    const NAME: &'static str = "CreateNotification";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3/{project_id}/notifications";
    const SUCCESS: u16 = 201;

    fn run(mut self, caller: &Caller, services: &Services) -> Result<Shown, CtsError> {
        if self.0.take_status().is_some() || self.0.notification_id.is_some() {
            let text = "status, notification_id: a notification that is made is enabled, and gets an id";
            return Err(CtsError::Field(text.to_owned()));
        }
        Ok(services.cts.create_notification(caller, self.0.terms(None)?)?.into())
    }
}
