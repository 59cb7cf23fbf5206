//! What is asked of both operations that make a pair of keys, and what they answer.

use dew::caller::Caller;
use dew::kms::KmsError;
use serde::{Deserialize, Serialize};

use super::base64::Base64;
use super::new_data_key::no_pin;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDataKeyPair {
    key_id: String,
    key_spec: String,
    with_plain_text: Option<bool>,
    #[serde(default)]
    additional_authenticated_data: String,
    pin: Option<String>,
    #[serde(rename = "pin_type")]
    _pin_type: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Pair {
    key_id: String,
    key_spec: String,
    public_key: Base64,
    private_key_cipher_text: Base64,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key_plain_text: Option<Base64>,
}

impl NewDataKeyPair {
    /// Makes it.
    ///
    /// # Errors
    /// As [`dew::kms::Kms::create_data_key_pair`].
    pub(super) fn make(
        self,
        operation: &'static str,
        caller: &Caller,
        services: &Services,
    ) -> Result<Pair, KmsError> {
        no_pin(self.pin.as_deref())?;
        let additional = self.additional_authenticated_data.as_bytes();
        let kms = &services.kms;
        let made = kms.create_data_key_pair(caller, operation, &self.key_id, &self.key_spec, additional)?;
        let shown = self.with_plain_text.unwrap_or(true);
        Ok(Pair {
            key_id: made.key.to_string(),
            key_spec: self.key_spec,
            public_key: Base64::of(&made.public),
            private_key_cipher_text: Base64::of(&made.cipher),
            private_key_plain_text: shown.then(|| Base64::of(made.private.as_bytes())),
        })
    }
}
