//! Rotates a key by itself from now on.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = KmsError;
    const NAME: &'static str = "EnableKeyRotation";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/enable-key-rotation";

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, KmsError> {
        services.kms.enable_rotation(caller, &self.key_id)?;
        Ok(Nothing {})
    }
}
