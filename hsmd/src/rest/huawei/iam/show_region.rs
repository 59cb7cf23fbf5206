//! Shows a region.

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
    region_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneShowRegion";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/regions/{region_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::open(caller, services);
        let project =
            desk.iam.project_named(desk.account, &self.region_id).filter(|project| project.parent.is_none());
        let region = project.ok_or(IamError::Unknown("region"))?;
        Ok(json!({ "region": shown::region(&region.name) }))
    }
}
