//! Tells whether a group is given a policy in a project.

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
    const NAME: &'static str = "KeystoneCheckProjectPermissionForGroup";
    const METHOD: Method = Method::HEAD;
    const PATH: &'static str = "/v3/projects/{project_id}/groups/{group_id}/roles/{role_id}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        let project = caller.project.ok_or(IamError::Unknown("project"))?;
        desk.known(Subject::Group(id(&self.group_id, "group")?))?;
        let is_given = desk.iam.is_given(
            Subject::Group(id(&self.group_id, "group")?),
            id(&self.role_id, "policy")?,
            Scope::Project(project),
        );
        if is_given { Ok(Nothing {}) } else { Err(IamError::Unknown("assignment")) }
    }
}
