//! Encrypts with another key what one encrypted, without giving it out.

use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use dew::caller::Caller;
use dew::kms::{KmsError, Place, Scheme};
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    source_key_id: Option<String>,
    #[serde(default)]
    source_additional_authenticated_data: String,
    source_encryption_algorithm: Option<String>,
    destination_key_id: String,
    #[serde(default)]
    destination_additional_authenticated_data: String,
    destination_encryption_algorithm: Option<String>,
    datakey_cipher_length: Option<Number>,
    cipher_text: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    source_key_id: String,
    source_encryption_algorithm: String,
    destination_encryption_algorithm: String,
    cipher_text: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ReEncrypt";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/re-encrypt";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let default = || "SYMMETRIC_DEFAULT".to_owned();
        let source = self.source_encryption_algorithm.unwrap_or_else(default);
        let destination = self.destination_encryption_algorithm.unwrap_or_else(default);
        // A data key is written in hexadecimal digits, data in Base64.
        let is_data_key = self.datakey_cipher_length.is_some();
        let text = self.cipher_text.as_bytes();
        let cipher = if is_data_key { HEXLOWER_PERMISSIVE.decode(text) } else { BASE64.decode(text) };
        let cipher = cipher.map_err(|_| KmsError::BadCipher)?;
        let from = Place {
            key: self.source_key_id.as_deref(),
            scheme: Scheme::named(&source)?,
            additional: self.source_additional_authenticated_data.as_bytes(),
        };
        let to = Place {
            key: Some(&self.destination_key_id),
            scheme: Scheme::named(&destination)?,
            additional: self.destination_additional_authenticated_data.as_bytes(),
        };
        let len = self.datakey_cipher_length.map(|len| len.0);
        let made = services.kms.re_encrypt(caller, from, to, &cipher, len)?;
        let cipher_text = if is_data_key {
            HEXLOWER.encode(&made.encrypted.cipher)
        } else {
            BASE64.encode(&made.encrypted.cipher)
        };
        Ok(Reply {
            key_id: made.encrypted.key.to_string(),
            source_key_id: made.from.to_string(),
            source_encryption_algorithm: source,
            destination_encryption_algorithm: destination,
            cipher_text,
        })
    }
}
