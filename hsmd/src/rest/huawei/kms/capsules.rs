//! A data key as answers about capsules give it: in plain, or encrypted for who asked.

use dew::kms::Given;
use serde::Serialize;

use super::base64::Base64;
use super::hex::Hex;

/// One of the two fields.
#[derive(Serialize)]
pub(super) struct DataKey {
    #[serde(skip_serializing_if = "Option::is_none")]
    datakey: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datakey_cipher: Option<Base64>,
}

impl DataKey {
    pub(super) fn of(given: &Given) -> Self {
        match given {
            Given::Plain(key) => Self { datakey: Some(Hex::of(key.as_bytes())), datakey_cipher: None },
            Given::Sealed(key) => Self { datakey: None, datakey_cipher: Some(Base64::of(key)) },
        }
    }
}
