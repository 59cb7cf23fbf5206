//! Says something else of what a key is for.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::KeyInfo;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    key_description: String,
}

/// `KeyDescriptionInfo`
#[derive(Serialize)]
pub(super) struct Described {
    key_id: String,
    key_description: String,
}

impl Operation for Op {
    type Reply = KeyInfo<Described>;
    type Error = KmsError;
    const NAME: &'static str = "UpdateKeyDescription";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/update-key-description";

    fn run(self, caller: &Caller, services: &Services) -> Result<KeyInfo<Described>, KmsError> {
        let key = services.kms.describe_anew(caller, &self.key_id, &self.key_description)?;
        Ok(KeyInfo {
            key_info: Described { key_id: key.id.to_string(), key_description: key.description.clone() },
        })
    }
}
