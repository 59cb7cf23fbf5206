//! Tells whether a group is given a policy in all projects.

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
    group_id: String,
    role_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "KeystoneCheckroleForGroup";
    const METHOD: Method = Method::HEAD;
    const PATH: &'static str =
        "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        desk.in_account(Some(&self.domain_id))?;
        desk.known(Subject::Group(id(&self.group_id, "group")?))?;
        let is_given = desk.iam.is_given(
            Subject::Group(id(&self.group_id, "group")?),
            id(&self.role_id, "policy")?,
            Scope::AllProjects,
        );
        if is_given { Ok(Nothing {}) } else { Err(IamError::Unknown("assignment")) }
    }
}
