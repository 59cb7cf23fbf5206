//! Lists what an agency is given in a project.

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
    agency_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ListProjectPermissionsForAgency";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-AGENCY/projects/{project_id}/agencies/{agency_id}/roles";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let (to, place) = (To::Agency(&self.agency_id), Place::Project);
        Assignments::permitted::<Self>(caller, services, to, place)?.list_at("/v3.0/OS-AGENCY/projects")
    }
}
