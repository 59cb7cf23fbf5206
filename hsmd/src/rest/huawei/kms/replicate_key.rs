//! Puts a key into another region.

use dew::caller::Caller;
use dew::kms::{KmsError, Replica};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::{TagItem, in_enterprise_project, tags};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    replica_region: String,
    key_alias: String,
    #[serde(default)]
    key_description: String,
    enterprise_project_id: Option<String>,
    replica_project_id: String,
    #[serde(default)]
    tags: Vec<TagItem>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    domain_id: String,
    region: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ReplicateKey";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v2/{project_id}/kms/keys/{key_id}/replicate";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let wrong = |field: &str| KmsError::Field(format!("{field}: expected the id of a project"));
        let enterprise_project =
            in_enterprise_project(self.enterprise_project_id.as_deref(), caller, services)?;
        let replica = Replica {
            region: &self.replica_region,
            project: self.replica_project_id.parse().map_err(|_| wrong("replica_project_id"))?,
            name: &self.key_alias,
            description: &self.key_description,
            enterprise_project,
            tags: tags(&self.tags)?,
        };
        let key = services.kms.replicate_key(caller, &self.key_id, &replica)?;
        Ok(Reply {
            key_id: key.id.to_string(),
            domain_id: caller.identity.account.to_string(),
            region: self.replica_region,
        })
    }
}
