//! Encrypts a data key that was made elsewhere.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::hex::Hex;
use super::new_data_key::no_pin;
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    plain_text: Hex,
    datakey_plain_length: Number,
    #[serde(default)]
    additional_authenticated_data: String,
    pin: Option<String>,
    #[serde(rename = "pin_type")]
    _pin_type: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    cipher_text: Hex,
    datakey_length: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "EncryptDatakey";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/encrypt-datakey";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        no_pin(self.pin.as_deref())?;
        let (len, additional) = (self.datakey_plain_length.0, self.additional_authenticated_data.as_bytes());
        let made =
            services.kms.encrypt_data_key(caller, &self.key_id, &self.plain_text.0, len, additional)?;
        Ok(Reply {
            key_id: made.key.to_string(),
            cipher_text: Hex::of(&made.cipher),
            datakey_length: made.plain.as_bytes().len().to_string(),
        })
    }
}
