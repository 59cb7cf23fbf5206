//! Lists the services. They are all at the address that this was asked at, so that none has another.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneShowCatalog";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/auth/catalog";

    fn run(self, _caller: &Caller, _services: &Services) -> Result<Value, IamError> {
        Ok(json!({ "catalog": [], "links": shown::links("/v3/auth/catalog") }))
    }
}
