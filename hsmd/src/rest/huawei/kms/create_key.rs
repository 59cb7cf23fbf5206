//! Creates a key.

use dew::caller::Caller;
use dew::kms::spec::{Spec, Usage};
use dew::kms::{KmsError, NewKey, Origin};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::{KeyInfo, in_enterprise_project};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_alias: String,
    key_spec: Option<String>,
    key_usage: Option<String>,
    key_description: Option<String>,
    origin: Option<String>,
    enterprise_project_id: Option<String>,
    keystore_id: Option<String>,
    #[serde(default)]
    tags: Vec<super::shown::TagItem>,
}

/// `KeKInfo`
#[derive(Serialize)]
pub(super) struct Made {
    key_id: String,
    domain_id: String,
    region_id: String,
}

impl Operation for Op {
    type Reply = KeyInfo<Made>;
    type Error = KmsError;
    const NAME: &'static str = "CreateKey";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/create-key";

    fn run(self, caller: &Caller, services: &Services) -> Result<KeyInfo<Made>, KmsError> {
        let spec = self.key_spec.as_deref().map_or(Ok(Spec::Aes256), Spec::named)?;
        let enterprise_project =
            in_enterprise_project(self.enterprise_project_id.as_deref(), caller, services)?;
        let new = NewKey {
            name: self.key_alias,
            spec,
            usage: self.key_usage.as_deref().map(Usage::named).transpose()?,
            description: self.key_description.unwrap_or_default(),
            origin: self.origin.as_deref().map_or(Ok(Origin::Kms), Origin::named)?,
            enterprise_project,
            tags: super::shown::tags(&self.tags)?,
        };
        let key = services.kms.create_key_in(caller, self.keystore_id.as_deref(), new)?;
        Ok(KeyInfo {
            key_info: Made {
                key_id: key.id.to_string(),
                domain_id: caller.identity.account.to_string(),
                region_id: services.region(caller),
            },
        })
    }
}
