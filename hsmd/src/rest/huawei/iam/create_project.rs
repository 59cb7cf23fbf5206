//! Makes a project in the region of another.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::id;
use super::desk::Desk;
use super::shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    project: New,
}

#[derive(Deserialize)]
struct New {
    name: String,
    parent_id: String,
    domain_id: Option<String>,
    description: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneCreateProject";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3/projects";
    const SUCCESS: u16 = 201;

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        let New { name, parent_id, domain_id, description } = self.project;
        desk.in_account(domain_id.as_deref())?;
        let parent = id(&parent_id, "project")?;
        let description = description.unwrap_or_default();
        let project = desk.acting().create_project(desk.account, parent, &name, &description)?;
        Ok(json!({ "project": shown::project(&project) }))
    }
}
