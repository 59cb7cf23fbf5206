//! Makes a secret.

use dew::caller::Caller;
use dew::csms::{CsmsError, NewSecret, Secret, SecretKind};
use dew::kms::Kept;
use dew::tag::Tags;
use hyper::Method;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::shown::SecretReply;
use super::values::value;
use crate::rest::huawei::kms::base64::Base64;
use crate::rest::huawei::kms::shown::{TagItem, in_enterprise_project};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    name: String,
    kms_key_id: Option<String>,
    #[serde(default)]
    description: String,
    secret_binary: Option<Base64>,
    secret_string: Option<Zeroizing<String>>,
    secret_type: Option<String>,
    auto_rotation: Option<bool>,
    rotation_period: Option<String>,
    rotation_config: Option<String>,
    #[serde(default)]
    event_subscriptions: Vec<String>,
    enterprise_project_id: Option<String>,
    rotation_func_urn: Option<String>,
    /// Beyond the interface: what the console gives with it.
    #[serde(default)]
    tags: Vec<TagItem>,
}

impl Operation for Op {
    type Reply = SecretReply;
    type Error = CsmsError;
    const NAME: &'static str = "CreateSecret";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/secrets";

    fn run(self, caller: &Caller, services: &Services) -> Result<SecretReply, CsmsError> {
        create(self, caller, services).map(|secret| (&*secret).into())
    }
}

/// Makes a secret, as this operation and that for many do.
pub(super) fn create(op: Op, caller: &Caller, services: &Services) -> Result<Kept<Secret>, CsmsError> {
    let kind = op.secret_type.as_deref().map_or(Ok(SecretKind::Common), SecretKind::named)?;
    let rotates = op.auto_rotation == Some(true)
        || op.rotation_period.is_some()
        || op.rotation_config.is_some()
        || op.rotation_func_urn.is_some();
    if kind == SecretKind::Common && rotates {
        return Err(CsmsError::NotRotated);
    }
    let event = match op.event_subscriptions.as_slice() {
        [] => None,
        [event] => Some(event.as_str()),
        _ => return Err(CsmsError::Field("event_subscriptions names at most one event".to_owned())),
    };
    let enterprise_project = in_enterprise_project(op.enterprise_project_id.as_deref(), caller, services)
        .map_err(|error| CsmsError::Field(error.to_string()))?;
    let tags: Vec<_> = op.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    let new = NewSecret {
        name: &op.name,
        description: &op.description,
        kind,
        key: op.kms_key_id.as_deref().filter(|key| !key.is_empty()),
        value: &value(op.secret_string, op.secret_binary)?,
        event,
        enterprise_project,
        tags: Tags::new(&tags)?,
    };
    services.csms.create_secret(caller, new)
}

impl Op {
    /// The name that it is to have.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}
