//! Takes a policy from a group in a project.

use dew::caller::Caller;
use dew::iam::{IamError, Scope, Subject};
use hyper::Method;
use serde::Deserialize;

use super::asked::id;
use super::desk::Desk;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    group_id: String,
    role_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "KeystoneRemoveProjectPermissionFromGroup";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v3/projects/{project_id}/groups/{group_id}/roles/{role_id}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        let project = caller.project.ok_or(IamError::Unknown("project"))?;
        desk.acting().take(
            desk.account,
            Subject::Group(id(&self.group_id, "group")?),
            id(&self.role_id, "policy")?,
            Scope::Project(project),
        )?;
        Ok(Nothing {})
    }
}
