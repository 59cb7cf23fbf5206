//! Tells whether an agency is given a policy in all projects.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;

use super::assignment::{Assignments, Place, To};
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
    const NAME: &'static str = "CheckAllProjectsPermissionForAgency";
    const METHOD: Method = Method::HEAD;
    const PATH: &'static str =
        "/v3.0/OS-INHERIT/domains/{domain_id}/agencies/{agency_id}/roles/{role_id}/inherited_to_projects";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let (to, place) = (To::Agency(&self.agency_id), Place::AllProjects(&self.domain_id));
        Assignments::permitted::<Self>(caller, services, to, place)?.check(&self.role_id)
    }
}
