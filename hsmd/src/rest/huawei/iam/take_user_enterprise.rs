//! Takes a policy from a user in an enterprise project.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;

use super::assignment::{Assignments, Place, To};
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    enterprise_project_id: String,
    user_id: String,
    role_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "RevokeRoleFromUserOnEnterpriseProject";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str =
        "/v3.0/OS-PERMISSION/enterprise-projects/{enterprise_project_id}/users/{user_id}/roles/{role_id}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let (to, place) = (To::User(&self.user_id), Place::EnterpriseProject(&self.enterprise_project_id));
        Assignments::permitted::<Self>(caller, services, to, place)?.take(&self.role_id)
    }
}
