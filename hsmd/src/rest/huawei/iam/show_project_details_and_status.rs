//! Shows a project, and whether it is suspended.

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
    const NAME: &'static str = "ShowProjectDetailsAndStatus";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3-ext/projects/{project_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let (_, project) = Desk::about_project::<Self>(caller, services)?;
        Ok(json!({ "project": shown::project_with_status(&project) }))
    }
}
