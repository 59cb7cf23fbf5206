//! Takes key material in.

use dew::caller::Caller;
use dew::kms::{Arrival, KmsError};
use hyper::Method;
use serde::Deserialize;

use super::base64::Base64;
use crate::rest::operation::{Nothing, Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    import_token: Base64,
    encrypted_key_material: Base64,
    encrypted_privatekey: Option<Base64>,
    /// Seconds since 1970.
    expiration_time: Option<Number>,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = KmsError;
    const NAME: &'static str = "ImportKeyMaterial";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/import-key-material";

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, KmsError> {
        let arrival = Arrival {
            token: &self.import_token.0,
            material: &self.encrypted_key_material.0,
            private_key: self.encrypted_privatekey.as_ref().map(|wrapped| wrapped.0.as_slice()),
            expires: self.expiration_time.map(|seconds| seconds.0.saturating_mul(1000)),
        };
        services.kms.import_material(caller, &self.key_id, &arrival)?;
        Ok(Nothing {})
    }
}
