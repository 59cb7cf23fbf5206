//! Gives the public half of a key.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use pem_rfc7468::LineEnding;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    public_key: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ShowPublicKey";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/get-publickey";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let (key, der) = services.kms.public_key(caller, &self.key_id)?;
        let public_key = pem_rfc7468::encode_string("PUBLIC KEY", LineEnding::CRLF, &der)
            .map_err(|_| KmsError::Internal("a public key has a PEM encoding"))?;
        Ok(Reply { key_id: key.to_string(), public_key })
    }
}
