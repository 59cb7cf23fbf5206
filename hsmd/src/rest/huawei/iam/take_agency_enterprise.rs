//! Takes policies from agencies in enterprise projects.

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
    role_assignments: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    agency_id: String,
    enterprise_project_id: String,
    role_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "RevokeRoleFromAgencyOnEnterpriseProject";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str =
        "/v3.0/OS-PERMISSION/subjects/agency/scopes/enterprise-project/role-assignments";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        for One { agency_id, enterprise_project_id, role_id } in &self.role_assignments {
            let to = Subject::Agency(id(agency_id, "agency")?);
            let scope = Scope::EnterpriseProject(id(enterprise_project_id, "enterprise project")?);
            desk.acting().take(desk.account, to, id(role_id, "policy")?, scope)?;
        }
        Ok(Nothing {})
    }
}
