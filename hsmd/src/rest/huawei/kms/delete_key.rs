//! Has a key deleted for good in some days.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use super::shown::KeyStatus;
use crate::rest::operation::{Operation, Text};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    pending_days: Text,
}

impl Operation for Op {
    type Reply = KeyStatus;
    type Error = KmsError;
    const NAME: &'static str = "DeleteKey";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/schedule-key-deletion";

    fn run(self, caller: &Caller, services: &Services) -> Result<KeyStatus, KmsError> {
        let days = self.pending_days.number().ok_or(KmsError::BadDays)?;
        Ok(KeyStatus::from(&*services.kms.schedule_deletion(caller, &self.key_id, days)?))
    }
}
