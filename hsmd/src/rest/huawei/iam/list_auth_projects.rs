//! Lists the projects that the caller can have tokens for.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::Desk;
use super::shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneListAuthProjects";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/auth/projects";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::open(caller, services);
        let projects: Vec<_> =
            desk.iam.projects(desk.account).iter().map(|project| shown::project(project)).collect();
        Ok(json!({ "projects": projects, "links": shown::links("/v3/auth/projects") }))
    }
}
