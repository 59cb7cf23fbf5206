//! Shows how users log in.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    domain_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ShowDomainLoginPolicy";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-SECURITYPOLICY/domains/{domain_id}/login-policy";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.domain_id))?;
        desk.in_account(Some(&self.domain_id))?;
        let account = desk.iam.account(desk.account).ok_or(IamError::Unknown("account"))?;
        Ok(json!({ "login_policy": super::policy_fields::login(&account.logins) }))
    }
}
