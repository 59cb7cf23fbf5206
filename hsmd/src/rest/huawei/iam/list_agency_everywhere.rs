//! Lists what an agency is given in all projects.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::Value;

use super::assignment::{Assignments, Place, To};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    domain_id: String,
    agency_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ListAllProjectsPermissionsForAgency";
    const METHOD: Method = Method::GET;
    const PATH: &'static str =
        "/v3.0/OS-INHERIT/domains/{domain_id}/agencies/{agency_id}/roles/inherited_to_projects";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let (to, place) = (To::Agency(&self.agency_id), Place::AllProjects(&self.domain_id));
        Assignments::permitted::<Self>(caller, services, to, place)?.list_at("/v3.0/OS-INHERIT/domains")
    }
}
