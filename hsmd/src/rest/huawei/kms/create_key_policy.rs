//! Makes a key policy.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    keyspace_id: String,
    policy_name: String,
    policy: String,
    description: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    policy_id: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "CreateKeyPolicy";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/key-policies";
    const SUCCESS: u16 = 201;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let description = self.description.as_deref().unwrap_or_default();
        let policy = services.kms.create_key_policy(
            caller,
            &self.keyspace_id,
            &self.policy_name,
            &self.policy,
            description,
        )?;
        Ok(Reply { policy_id: policy.id.to_string() })
    }
}
