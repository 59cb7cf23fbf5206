//! Gives a key another name, which this interface calls its alias.

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
    key_alias: String,
}

/// `KeyAliasInfo`
#[derive(Serialize)]
pub(super) struct Named {
    key_id: String,
    key_alias: String,
}

impl Operation for Op {
    type Reply = KeyInfo<Named>;
    type Error = KmsError;
    const NAME: &'static str = "UpdateKeyAlias";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/update-key-alias";

    fn run(self, caller: &Caller, services: &Services) -> Result<KeyInfo<Named>, KmsError> {
        let key = services.kms.rename_key(caller, &self.key_id, &self.key_alias)?;
        Ok(KeyInfo { key_info: Named { key_id: key.id.to_string(), key_alias: key.name.clone() } })
    }
}
