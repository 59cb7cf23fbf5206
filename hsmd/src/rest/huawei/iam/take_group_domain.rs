//! Takes a policy from a group for global services.

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
    group_id: String,
    role_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "KeystoneRemoveDomainPermissionFromGroup";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v3/domains/{domain_id}/groups/{group_id}/roles/{role_id}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let (to, place) = (To::Group(&self.group_id), Place::Account(&self.domain_id));
        Assignments::permitted::<Self>(caller, services, to, place)?.take(&self.role_id)
    }
}
