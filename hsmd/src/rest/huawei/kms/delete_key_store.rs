//! Takes a key store away that has no keys.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    keystore_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = KmsError;
    const NAME: &'static str = "DeleteKeyStore";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v1.0/{project_id}/keystores/{keystore_id}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, KmsError> {
        services.kms.delete_key_store(caller, &self.keystore_id)?;
        Ok(Nothing {})
    }
}
