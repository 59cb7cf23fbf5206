//! Makes a data key in a capsule.

use dew::caller::Caller;
use dew::kms::{KmsError, Under};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::base64::Base64;
use super::capsules::DataKey;
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    datakey_length: Number,
    public_key: Option<String>,
    policy_id: Option<String>,
    key_policy: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    #[serde(flatten)]
    data_key: DataKey,
    datakey_capsule: Base64,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "CreateDatakeyCapsule";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/datakey-capsule/create";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let under = match (self.policy_id.as_deref(), self.key_policy.as_deref()) {
            (Some(id), None) => Under::Policy(id),
            (None, Some(policy)) => Under::Terms(policy),
            (None, None) => return Err(KmsError::Missing("policy_id or key_policy")),
            (Some(_), Some(_)) => {
                return Err(KmsError::Field("policy_id or key_policy is given, and not both".to_owned()));
            }
        };
        let (bits, recipient) = (self.datakey_length.0, self.public_key.as_deref());
        let made = services.kms.create_capsule(caller, &self.key_id, bits, recipient, under)?;
        Ok(Reply {
            key_id: made.key.to_string(),
            data_key: DataKey::of(&made.data_key),
            datakey_capsule: Base64::of(&made.capsule),
        })
    }
}
