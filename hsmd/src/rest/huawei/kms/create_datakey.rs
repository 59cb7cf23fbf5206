//! Makes a data key, and gives it in the clear too.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::hex::Hex;
use super::new_data_key::NewDataKey;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Op(NewDataKey);

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    plain_text: Hex,
    cipher_text: Hex,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "CreateDatakey";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/create-datakey";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let made = self.0.make(Self::NAME, caller, services)?;
        Ok(Reply {
            key_id: made.key.to_string(),
            plain_text: Hex::of(made.plain.as_bytes()),
            cipher_text: Hex::of(&made.cipher),
        })
    }
}
