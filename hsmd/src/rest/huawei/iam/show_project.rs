//! Shows a project.

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
    const NAME: &'static str = "KeystoneShowProject";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/projects/{project_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let (_, project) = Desk::about_project::<Self>(caller, services)?;
        Ok(json!({ "project": shown::project(&project) }))
    }
}
