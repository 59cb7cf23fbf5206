//! Makes a secret.

use dew::caller::Caller;
use dew::csms::{CsmsError, NewRotation, NewSecret, Rotator, Secret, SecretKind};
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
    let rotation = rotation(&op, kind)?;
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
        rotation,
    };
    services.csms.create_secret(caller, new)
}

/// How it is to be rotated, if it is.
fn rotation(op: &Op, kind: SecretKind) -> Result<Option<NewRotation>, CsmsError> {
    let automatic = op.auto_rotation == Some(true);
    let given = [&op.rotation_period, &op.rotation_config, &op.rotation_func_urn];
    if kind == SecretKind::Common {
        return if automatic || given.iter().any(|given| given.is_some()) {
            Err(CsmsError::NotRotated)
        } else {
            Ok(None)
        };
    }
    let wanted = |name: &str| CsmsError::Field(format!("{name} is required with this secret_type"));
    let by = match (op.rotation_func_urn.as_deref().filter(|urn| !urn.is_empty()), &op.rotation_config) {
        (Some(program), None) => Rotator::program(program)?,
        (Some(_), Some(_)) => {
            let text = "rotation_config is for accounts of servers: with rotation_func_urn the program knows what it rotates";
            return Err(CsmsError::Field(text.to_owned()));
        }
        (None, _) if kind == SecretKind::Program => return Err(wanted("rotation_func_urn")),
        (None, Some(config)) => Rotator::Accounts(config.parse()?),
        (None, None) => return Err(wanted("rotation_config")),
    };
    let period = op.rotation_period.as_deref().map(str::parse).transpose()?;
    if automatic && period.is_none() {
        return Err(CsmsError::Field("rotation_period is required with auto_rotation".to_owned()));
    }
    Ok(Some(NewRotation { by, period, automatic }))
}

impl Op {
    /// The name that it is to have.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}
