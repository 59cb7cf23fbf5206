//! Takes a policy from a group in an enterprise project.

use dew::caller::Caller;
use dew::iam::{EnterpriseProjectId, IamError, Scope, Subject};
use hyper::Method;
use serde::Deserialize;

use super::asked::id;
use super::desk::Desk;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    enterprise_project_id: String,
    group_id: String,
    role_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "RevokeRoleFromGroupOnEnterpriseProject";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str =
        "/v3.0/OS-PERMISSION/enterprise-projects/{enterprise_project_id}/groups/{group_id}/roles/{role_id}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        let project: EnterpriseProjectId = id(&self.enterprise_project_id, "enterprise project")?;
        desk.acting().take(
            desk.account,
            Subject::Group(id(&self.group_id, "group")?),
            id(&self.role_id, "policy")?,
            Scope::EnterpriseProject(project),
        )?;
        Ok(Nothing {})
    }
}
