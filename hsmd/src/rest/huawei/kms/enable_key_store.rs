//! Lets the keys of a store be used.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use super::stores::{Of, Standing};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    keystore_id: String,
}

impl Operation for Op {
    type Reply = Of<Standing>;
    type Error = KmsError;
    const NAME: &'static str = "EnableKeyStore";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/keystores/{keystore_id}/enable";

    fn run(self, caller: &Caller, services: &Services) -> Result<Of<Standing>, KmsError> {
        let store = services.kms.enable_key_store(caller, &self.keystore_id, true)?;
        Ok(Of { keystore: Standing::from(&*store) })
    }
}
