//! Shows a key policy.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use super::keyspaces::{Policy, Shown};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    policy_id: String,
}

impl Operation for Op {
    type Reply = Policy<Shown>;
    type Error = KmsError;
    const NAME: &'static str = "ShowKeyPolicy";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1.0/{project_id}/kms/key-policies/{policy_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Policy<Shown>, KmsError> {
        Ok(Policy::from(&*services.kms.show_key_policy(caller, &self.policy_id)?))
    }
}
