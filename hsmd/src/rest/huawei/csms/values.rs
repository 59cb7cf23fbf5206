//! Values as requests send them: a text, or bytes in Base64.

use crypto::Secret;
use dew::csms::{CsmsError, Value};
use zeroize::Zeroizing;

use crate::rest::huawei::kms::base64::Base64;

/// The one value that a request has.
pub(super) fn value(text: Option<Zeroizing<String>>, bytes: Option<Base64>) -> Result<Value, CsmsError> {
    match (text, bytes) {
        (Some(text), None) => Ok(Value::Text(Secret::new(text.as_bytes().to_vec()))),
        (None, Some(bytes)) => Ok(Value::Binary(Secret::new(bytes.0.to_vec()))),
        _ => Err(CsmsError::Field("expected either secret_string or secret_binary".to_owned())),
    }
}
