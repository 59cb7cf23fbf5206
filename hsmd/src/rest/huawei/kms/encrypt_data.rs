//! Encrypts up to 4 KiB.

use dew::caller::Caller;
use dew::kms::{KmsError, Scheme};
use hyper::Method;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::base64::Base64;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    plain_text: Zeroizing<String>,
    encryption_algorithm: Option<String>,
    #[serde(default)]
    additional_authenticated_data: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    cipher_text: Base64,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "EncryptData";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/encrypt-data";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let scheme = self.encryption_algorithm.as_deref().map_or(Ok(Scheme::Symmetric), Scheme::named)?;
        let additional = self.additional_authenticated_data.as_bytes();
        let kms = &services.kms;
        let made = kms.encrypt_data(caller, &self.key_id, scheme, self.plain_text.as_bytes(), additional)?;
        Ok(Reply { key_id: made.key.to_string(), cipher_text: Base64::of(&made.cipher) })
    }
}
