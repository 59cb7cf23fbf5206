//! Gives agencies policies in enterprise projects.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;

use super::assignment::InEnterpriseProject;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    role_assignments: Vec<InEnterpriseProject>,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "AssociateRoleToAgencyOnEnterpriseProject";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str =
        "/v3.0/OS-PERMISSION/subjects/agency/scopes/enterprise-project/role-assignments";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let (desk, all) = InEnterpriseProject::permitted::<Self>(caller, services, &self.role_assignments)?;
        desk.acting().give_all(desk.account, &all)?;
        Ok(Nothing {})
    }
}
