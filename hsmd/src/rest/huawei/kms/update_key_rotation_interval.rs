//! Changes after how many days a key is rotated.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use crate::rest::operation::{Nothing, Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    rotation_interval: Number,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = KmsError;
    const NAME: &'static str = "UpdateKeyRotationInterval";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/update-key-rotation-interval";

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, KmsError> {
        services.kms.change_rotation_interval(caller, &self.key_id, self.rotation_interval.0)?;
        Ok(Nothing {})
    }
}
