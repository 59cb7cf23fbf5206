//! Lists what a group is given for global services.

use dew::caller::Caller;
use dew::iam::{IamError, Scope, Subject};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::id;
use super::desk::Desk;
use super::shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    domain_id: String,
    group_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneListDomainPermissionsForGroup";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/domains/{domain_id}/groups/{group_id}/roles";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        desk.in_account(Some(&self.domain_id))?;
        let to = Subject::Group(id(&self.group_id, "group")?);
        desk.known(to)?;
        let roles = shown::roles_given(desk.iam, desk.account, to, Scope::Account);
        Ok(json!({ "roles": roles, "links": shown::list_links("/v3/domains") }))
    }
}
