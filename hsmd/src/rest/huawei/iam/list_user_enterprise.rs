//! Lists what a user is given in an enterprise project.

use dew::caller::Caller;
use dew::iam::{EnterpriseProjectId, IamError, Scope, Subject};
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
    enterprise_project_id: String,
    user_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ListRolesForUserOnEnterpriseProject";
    const METHOD: Method = Method::GET;
    const PATH: &'static str =
        "/v3.0/OS-PERMISSION/enterprise-projects/{enterprise_project_id}/users/{user_id}/roles";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.user_id))?;
        let project: EnterpriseProjectId = id(&self.enterprise_project_id, "enterprise project")?;
        let to = Subject::User(id(&self.user_id, "user")?);
        desk.known(to)?;
        let roles = shown::roles_given(desk.iam, desk.account, to, Scope::EnterpriseProject(project));
        Ok(json!({ "roles": roles }))
    }
}
