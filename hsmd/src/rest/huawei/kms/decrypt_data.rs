//! Decrypts what `EncryptData` encrypted.

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
    cipher_text: Base64,
    encryption_algorithm: Option<String>,
    key_id: Option<String>,
    #[serde(default)]
    additional_authenticated_data: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    plain_text: Zeroizing<String>,
    plain_text_base64: Base64,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "DecryptData";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/decrypt-data";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let scheme = self.encryption_algorithm.as_deref().map_or(Ok(Scheme::Symmetric), Scheme::named)?;
        let additional = self.additional_authenticated_data.as_bytes();
        let kms = &services.kms;
        let opened =
            kms.decrypt_data(caller, self.key_id.as_deref(), scheme, &self.cipher_text.0, additional)?;
        // What is not UTF-8 is whole in the other field alone.
        let text = String::from_utf8_lossy(opened.plain.as_bytes()).into_owned();
        Ok(Reply {
            key_id: opened.key.to_string(),
            plain_text: Zeroizing::new(text),
            plain_text_base64: Base64::of(opened.plain.as_bytes()),
        })
    }
}
