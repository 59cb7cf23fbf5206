//! Lists what a group is given in all projects.

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
    group_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneListAllProjectPermissionsForGroup";
    const METHOD: Method = Method::GET;
    const PATH: &'static str =
        "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/inherited_to_projects";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let (to, place) = (To::Group(&self.group_id), Place::AllProjects(&self.domain_id));
        Assignments::permitted::<Self>(caller, services, to, place)?.list_at("/v3/OS-INHERIT/domains")
    }
}
