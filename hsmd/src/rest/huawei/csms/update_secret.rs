//! Changes what is known of a secret.

use dew::caller::Caller;
use dew::csms::{CsmsError, SecretChange};
use hyper::Method;
use serde::Deserialize;

use super::shown::SecretReply;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_name: String,
    kms_key_id: Option<String>,
    description: Option<String>,
    auto_rotation: Option<bool>,
    rotation_period: Option<String>,
    event_subscriptions: Option<Vec<String>>,
    rotation_func_urn: Option<String>,
}

impl Operation for Op {
    type Reply = SecretReply;
    type Error = CsmsError;
    const NAME: &'static str = "UpdateSecret";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}";

    fn run(self, caller: &Caller, services: &Services) -> Result<SecretReply, CsmsError> {
        let period = self.rotation_period.as_deref().map(str::parse).transpose()?;
        let event = match self.event_subscriptions.as_deref() {
            None => None,
            Some([]) => Some(""),
            Some([event]) => Some(event.as_str()),
            Some(_) => {
                return Err(CsmsError::Field("event_subscriptions names at most one event".to_owned()));
            }
        };
        let change = SecretChange {
            key: self.kms_key_id.as_deref(),
            description: self.description.as_deref(),
            event,
            automatic: self.auto_rotation,
            period,
            function: self.rotation_func_urn.as_deref().filter(|urn| !urn.is_empty()),
        };
        Ok((&*services.csms.update_secret(caller, &self.secret_name, change)?).into())
    }
}
