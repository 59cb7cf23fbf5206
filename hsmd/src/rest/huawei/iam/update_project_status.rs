//! Suspends a project, or no more.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;

use super::desk::Desk;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    project: Change,
}

#[derive(Deserialize)]
struct Change {
    status: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "UpdateProjectStatus";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v3-ext/projects/{project_id}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let (desk, project) = Desk::about_project::<Self>(caller, services)?;
        let suspended = match self.project.status.as_str() {
            "suspended" => true,
            "normal" => false,
            _ => return Err(IamError::Invalid("a project is normal or suspended")),
        };
        desk.acting().change_project(desk.account, project.id, None, None, Some(suspended))?;
        Ok(Nothing {})
    }
}
