//! The grants on a secret.

use dew::caller::Caller;
use dew::csms::{CsmsError, Grant, Grantee};
use dew::kms::Kept;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    resource_id: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    data: Data,
}

/// `GrantDTO`
#[derive(Serialize)]
struct Data {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    grantee_user: Vec<GrantUserInfo>,
    create_time: u64,
    update_time: u64,
}

/// `GrantUserInfo`
#[derive(Serialize)]
struct GrantUserInfo {
    user_id: String,
    user_name: String,
    create_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity_time: Option<u64>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ListGrants";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/csms/grants";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let (name, grants) = services.csms.secret_grants(caller, &self.resource_id)?;
        let account = caller.identity.account;
        let name_of = |to: Grantee| match to {
            Grantee::User(id) => services.iam.user(account, id).map(|user| user.name.clone()),
            Grantee::Group(id) => services.iam.group(account, id).map(|group| group.name.clone()),
        };
        let shown = |grant: &Kept<Grant>| GrantUserInfo {
            user_id: grant.to.to_string(),
            user_name: name_of(grant.to).unwrap_or_default(),
            create_time: grant.created,
            validity_time: grant.until,
        };
        let created = grants.iter().map(|grant| grant.created).min().unwrap_or_default();
        let updated = grants.iter().map(|grant| grant.updated).max().unwrap_or_default();
        Ok(Reply {
            data: Data {
                id: self.resource_id,
                name,
                kind: "SECRET",
                grantee_user: grants.iter().map(shown).collect(),
                create_time: created,
                update_time: updated,
            },
        })
    }
}
