//! Makes a PIN.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use data_encoding::BASE64;

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    pin_type: Option<String>,
    keystore_id: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    pin: Zeroizing<String>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "CreatePin";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/create-pin";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        if self.keystore_id.is_some_and(|store| store != "0") {
            return Err(KmsError::Field("keystore_id: PINs are made in the default key store, 0".to_owned()));
        }
        let pin = match self.pin_type.as_deref() {
            Some("PlainText") => services.kms.pin(caller)?,
            None | Some("CipherText") => Zeroizing::new(BASE64.encode(&services.kms.sealed_pin(caller)?)),
            Some(other) => {
                let text = format!("pin_type {other:?} is unknown: expected PlainText or CipherText");
                return Err(KmsError::Field(text));
            }
        };
        Ok(Reply { pin })
    }
}
