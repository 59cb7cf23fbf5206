//! Gives out what an import of key material needs.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::base64::Base64;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    wrapping_algorithm: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    import_token: Base64,
    /// Seconds since 1970.
    expiration_time: u64,
    public_key: Base64,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "CreateParametersForImport";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/get-parameters-for-import";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let made = services.kms.import_parameters(caller, &self.key_id, &self.wrapping_algorithm)?;
        Ok(Reply {
            key_id: made.key.to_string(),
            import_token: Base64::of(&made.token),
            expiration_time: made.expires / 1000,
            public_key: Base64::of(&made.public_key),
        })
    }
}
