//! Takes a policy from an agency in all projects.

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
    domain_id: String,
    agency_id: String,
    role_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "RemoveAllProjectsPermissionFromAgency";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str =
        "/v3.0/OS-INHERIT/domains/{domain_id}/agencies/{agency_id}/roles/{role_id}/inherited_to_projects";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.agency_id))?;
        desk.in_account(Some(&self.domain_id))?;
        desk.acting().take(
            desk.account,
            Subject::Agency(id(&self.agency_id, "agency")?),
            id(&self.role_id, "policy")?,
            Scope::AllProjects,
        )?;
        Ok(Nothing {})
    }
}
