//! Lists what a group is given in all projects.

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
    const NAME: &'static str = "KeystoneListAllProjectPermissionsForGroup";
    const METHOD: Method = Method::GET;
    const PATH: &'static str =
        "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/inherited_to_projects";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        desk.in_account(Some(&self.domain_id))?;
        let to = Subject::Group(id(&self.group_id, "group")?);
        desk.known(to)?;
        let roles = shown::roles_given(desk.iam, desk.account, to, Scope::AllProjects);
        Ok(json!({ "roles": roles, "links": shown::list_links("/v3/OS-INHERIT/domains") }))
    }
}
