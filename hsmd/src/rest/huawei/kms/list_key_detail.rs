//! Shows a key.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use super::shown::{KeyDetails, KeyInfo};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
}

impl Operation for Op {
    type Reply = KeyInfo<KeyDetails>;
    type Error = KmsError;
    const NAME: &'static str = "ListKeyDetail";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/describe-key";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<KeyInfo<KeyDetails>, KmsError> {
        let (key, account, region) = services.kms.describe_key_with_home(caller, &self.key_id)?;
        let key_info = KeyDetails::of(&key, account, &region);
        Ok(KeyInfo { key_info })
    }
}
