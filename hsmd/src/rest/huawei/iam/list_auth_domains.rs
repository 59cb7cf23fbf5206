//! Tells which account the caller is of: the SDKs ask by themselves.

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
    const NAME: &'static str = "KeystoneListAuthDomains";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/auth/domains";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::open(caller, services);
        let domains: Vec<_> =
            desk.iam.account(desk.account).iter().map(|account| shown::account(account)).collect();
        Ok(json!({ "domains": domains, "links": shown::links("/v3/auth/domains") }))
    }
}
