//! Keeps a key that was to be deleted.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use super::shown::KeyStatus;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
}

impl Operation for Op {
    type Reply = KeyStatus;
    type Error = KmsError;
    const NAME: &'static str = "CancelKeyDeletion";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/cancel-key-deletion";

    fn run(self, caller: &Caller, services: &Services) -> Result<KeyStatus, KmsError> {
        Ok(KeyStatus::from(&*services.kms.cancel_deletion(caller, &self.key_id)?))
    }
}
