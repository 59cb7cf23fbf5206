//! Tells whether an agency is given a policy in a project.

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
    agency_id: String,
    role_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "CheckProjectPermissionForAgency";
    const METHOD: Method = Method::HEAD;
    const PATH: &'static str = "/v3.0/OS-AGENCY/projects/{project_id}/agencies/{agency_id}/roles/{role_id}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.agency_id))?;
        let project = caller.project.ok_or(IamError::Unknown("project"))?;
        desk.known(Subject::Agency(id(&self.agency_id, "agency")?))?;
        let is_given = desk.iam.is_given(
            Subject::Agency(id(&self.agency_id, "agency")?),
            id(&self.role_id, "policy")?,
            Scope::Project(project),
        );
        if is_given { Ok(Nothing {}) } else { Err(IamError::Unknown("assignment")) }
    }
}
