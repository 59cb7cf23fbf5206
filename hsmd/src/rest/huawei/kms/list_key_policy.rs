//! Lists the key policies of a keyspace.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use super::keyspaces::{Asked, PolicyList};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Op(Asked);

impl Operation for Op {
    type Reply = PolicyList;
    type Error = KmsError;
    const NAME: &'static str = "ListKeyPolicy";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1.0/{project_id}/kms/key-policies";

    fn run(self, caller: &Caller, services: &Services) -> Result<PolicyList, KmsError> {
        let all = services.kms.list_key_policies(caller, &self.0.keyspace_id)?;
        let (part, page_info) = self.0.page(all, |policy| policy.id.to_string())?;
        Ok(PolicyList::of(&part, page_info))
    }
}
