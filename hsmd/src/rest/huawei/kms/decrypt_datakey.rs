//! Decrypts a data key.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::hex::Hex;
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    cipher_text: Hex,
    datakey_cipher_length: Number,
    #[serde(default)]
    additional_authenticated_data: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    data_key: Hex,
    datakey_length: String,
    datakey_dgst: Hex,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "DecryptDatakey";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/decrypt-datakey";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let (len, additional) = (self.datakey_cipher_length.0, self.additional_authenticated_data.as_bytes());
        let opened =
            services.kms.decrypt_data_key(caller, &self.key_id, &self.cipher_text.0, len, additional)?;
        Ok(Reply {
            data_key: Hex::of(opened.plain.as_bytes()),
            datakey_length: opened.plain.as_bytes().len().to_string(),
            datakey_dgst: Hex::of(&opened.digest),
        })
    }
}
