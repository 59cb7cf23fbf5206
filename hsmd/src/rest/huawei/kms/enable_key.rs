//! Lets a disabled key be used again.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use super::shown::{KeyInfo, KeyStatus};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
}

impl Operation for Op {
    type Reply = KeyInfo<KeyStatus>;
    type Error = KmsError;
    const NAME: &'static str = "EnableKey";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/enable-key";

    fn run(self, caller: &Caller, services: &Services) -> Result<KeyInfo<KeyStatus>, KmsError> {
        let key = services.kms.enable_key(caller, &self.key_id)?;
        Ok(KeyInfo { key_info: KeyStatus::from(&*key) })
    }
}
