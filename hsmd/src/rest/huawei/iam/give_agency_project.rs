//! Gives an agency a policy in a project.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;

use super::assignment::{Assignments, Place, To};
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
    const NAME: &'static str = "AssociateAgencyWithProjectPermission";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v3.0/OS-AGENCY/projects/{project_id}/agencies/{agency_id}/roles/{role_id}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let (to, place) = (To::Agency(&self.agency_id), Place::Project);
        Assignments::permitted::<Self>(caller, services, to, place)?.give(&self.role_id)
    }
}
