//! Gives somebody a part in a key.

use dew::caller::Caller;
use dew::kms::{KmsError, NewGrant};
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    grantee_principal: String,
    operations: Vec<String>,
    name: Option<String>,
    retiring_principal: Option<String>,
    grantee_principal_type: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    grant_id: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "CreateGrant";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/create-grant";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let new = NewGrant {
            grantee: &self.grantee_principal,
            kind: self.grantee_principal_type.as_deref(),
            operations: &self.operations,
            name: self.name.as_deref(),
            retiring: self.retiring_principal.as_deref(),
        };
        let grant = services.kms.create_grant(caller, &self.key_id, new)?;
        Ok(Reply { grant_id: grant.id.to_string() })
    }
}
