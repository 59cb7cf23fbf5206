//! What is asked of both operations that make a data key.

use dew::caller::Caller;
use dew::kms::{DataKey, KmsError, Length};
use serde::Deserialize;

use crate::rest::operation::Number;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDataKey {
    key_id: String,
    key_spec: Option<String>,
    datakey_length: Option<Number>,
    #[serde(default)]
    additional_authenticated_data: String,
    pin: Option<String>,
    #[serde(rename = "pin_type")]
    _pin_type: Option<String>,
}

impl NewDataKey {
    /// Makes it.
    ///
    /// # Errors
    /// As [`dew::kms::Kms::create_data_key`].
    pub(super) fn make(
        &self,
        operation: &'static str,
        caller: &Caller,
        services: &Services,
    ) -> Result<DataKey, KmsError> {
        no_pin(self.pin.as_deref())?;
        // The length counts before the type.
        let length = match (&self.datakey_length, &self.key_spec) {
            (Some(bits), _) => Length::Bits(bits.0),
            (None, Some(spec)) => Length::Spec(spec),
            (None, None) => Length::Bits(256),
        };
        let additional = self.additional_authenticated_data.as_bytes();
        services.kms.create_data_key(caller, operation, &self.key_id, length, additional)
    }
}

/// PINs belong to data keys within a cloud HSM's own key store, of which there are none here.
///
/// # Errors
/// `Field` if there is one.
pub(super) fn no_pin(pin: Option<&str>) -> Result<(), KmsError> {
    match pin {
        None => Ok(()),
        Some(_) => Err(KmsError::Field("pin: data keys under a PIN are not offered".to_owned())),
    }
}
