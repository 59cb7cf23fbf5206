//! Signs a message or a digest.

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
    signing_algorithm: String,
    message_type: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    signature: Base64,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "Sign";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/sign";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let algorithm = Algorithm::named(&self.signing_algorithm)?;
        let message = Message::of(self.message_type.as_deref(), &self.message.0)?;
        let (key, signature) = services.kms.sign(caller, &self.key_id, algorithm, message)?;
        Ok(Reply { key_id: key.to_string(), signature: Base64::of(&signature) })
    }
}
