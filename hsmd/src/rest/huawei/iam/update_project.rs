//! Gives a project another name or description.

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
pub(super) struct Op {
    project: Change,
}

#[derive(Deserialize)]
struct Change {
    name: Option<String>,
    description: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneUpdateProject";
    const METHOD: Method = Method::PATCH;
    const PATH: &'static str = "/v3/projects/{project_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let (desk, project) = Desk::about_project::<Self>(caller, services)?;
        let Change { name, description } = self.project;
        let changed = desk.acting().change_project(
            desk.account,
            project.id,
            name.as_deref(),
            description.as_deref(),
            None,
        )?;
        Ok(json!({ "project": shown::project(&changed) }))
    }
}
