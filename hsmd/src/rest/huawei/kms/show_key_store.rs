//! Shows a key store.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use super::stores::{Details, Of};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    keystore_id: String,
}

impl Operation for Op {
    type Reply = Of<Details>;
    type Error = KmsError;
    const NAME: &'static str = "ShowKeyStore";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1.0/{project_id}/keystores/{keystore_id}";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Of<Details>, KmsError> {
        let store = services.kms.show_key_store(caller, &self.keystore_id)?;
        Ok(Of { keystore: Details::from(&*store) })
    }
}
