//! Agrees on a secret with the holder of another key.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::base64::Base64;
use crate::rest::operation::Operation;
use crate::services::Services;

/// The one algorithm there is.
const ECDH: &str = "ECDH";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    key_agreement_algorithm: String,
    public_key: Base64,
    recipient: Option<Value>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    key_agreement_algorithm: &'static str,
    shared_secret: Base64,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "DeriveSharedSecret";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/derive-shared-secret";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        if self.key_agreement_algorithm != ECDH {
            let text = format!(
                "key_agreement_algorithm {:?} is unknown: expected ECDH",
                self.key_agreement_algorithm
            );
            return Err(KmsError::Algorithm(text));
        }
        if self.recipient.is_some() {
            return Err(KmsError::Field("recipient: answers to enclaves are not offered".to_owned()));
        }
        let (key, secret) = services.kms.derive_shared_secret(caller, &self.key_id, &self.public_key.0)?;
        let shared_secret = Base64::of(secret.as_bytes());
        Ok(Reply { key_id: key.to_string(), key_agreement_algorithm: ECDH, shared_secret })
    }
}
