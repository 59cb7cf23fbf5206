//! Lists the regions: those that accounts have projects of.

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
    const NAME: &'static str = "KeystoneListRegions";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/regions";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::open(caller, services);
        let regions = desk.iam.projects(desk.account).into_iter().filter(|project| project.parent.is_none());
        let regions: Vec<_> = regions.map(|project| shown::region(&project.name)).collect();
        Ok(json!({ "regions": regions, "links": shown::list_links("/v3/regions") }))
    }
}
