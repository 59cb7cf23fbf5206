//! Lists what a group is given in a project.

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
    group_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneListProjectPermissionsForGroup";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/projects/{project_id}/groups/{group_id}/roles";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        let project = caller.project.ok_or(IamError::Unknown("project"))?;
        let to = Subject::Group(id(&self.group_id, "group")?);
        desk.known(to)?;
        let roles = shown::roles_given(desk.iam, desk.account, to, Scope::Project(project));
        Ok(json!({ "roles": roles, "links": shown::list_links("/v3/projects") }))
    }
}
