//! Changes a key policy.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::keyspaces::Shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    policy_id: String,
    policy: String,
    description: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    policy_id: String,
    policy: Shown,
    description: String,
    last_modify_time: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "UpdateKeyPolicy";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v1.0/{project_id}/kms/key-policies/{policy_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let policy = services.kms.update_key_policy(
            caller,
            &self.policy_id,
            &self.policy,
            self.description.as_deref(),
        )?;
        Ok(Reply {
            policy_id: policy.id.to_string(),
            policy: Shown::from(&policy.terms),
            description: policy.description.clone(),
            last_modify_time: policy.modified.to_string(),
        })
    }
}
