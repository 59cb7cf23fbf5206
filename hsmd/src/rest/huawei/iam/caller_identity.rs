//! Tells who asks: the SDKs ask by themselves.

use dew::caller::Caller;
use dew::iam::{IamError, Principal};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "GetCallerIdentity";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v5/caller-identity";

    fn run(self, caller: &Caller, _services: &Services) -> Result<Value, IamError> {
        let who = &caller.identity;
        let (account, id, name) = (who.account.to_string(), who.id(), who.name());
        let urn = match &who.principal {
            Principal::User { .. } if who.is_root => format!("iam::{account}:root"),
            Principal::User { .. } => format!("iam::{account}:user:{name}"),
            Principal::Agency { .. } => format!("sts::{account}:assumed-agency:{name}"),
            Principal::Service { .. } => format!("iam::{account}:service:{name}"),
        };
        Ok(json!({ "account_id": account, "principal_id": id, "principal_urn": urn }))
    }
}
