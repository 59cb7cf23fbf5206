//! Tells whether a signature is right.

use dew::caller::Caller;
use dew::kms::{Algorithm, KmsError, Message};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::base64::Base64;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    message: Base64,
    signature: Base64,
    signing_algorithm: String,
    message_type: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    signature_valid: &'static str,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ValidateSignature";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/verify";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let algorithm = Algorithm::named(&self.signing_algorithm)?;
        let message = Message::of(self.message_type.as_deref(), &self.message.0)?;
        let (key, valid) =
            services.kms.verify(caller, &self.key_id, algorithm, message, &self.signature.0)?;
        Ok(Reply { key_id: key.to_string(), signature_valid: if valid { "true" } else { "false" } })
    }
}
