//! Lists what a user is given in an enterprise project.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::assignment::{Assignments, Place, To};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    enterprise_project_id: String,
    user_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ListRolesForUserOnEnterpriseProject";
    const METHOD: Method = Method::GET;
    const PATH: &'static str =
        "/v3.0/OS-PERMISSION/enterprise-projects/{enterprise_project_id}/users/{user_id}/roles";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let (to, place) = (To::User(&self.user_id), Place::EnterpriseProject(&self.enterprise_project_id));
        let roles = Assignments::permitted::<Self>(caller, services, to, place)?.list()?;
        Ok(json!({ "roles": roles }))
    }
}
