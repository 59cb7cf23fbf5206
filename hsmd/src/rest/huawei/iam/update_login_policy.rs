//! Decides how users log in.

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
    login_policy: super::policy_fields::LoginChange,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "UpdateDomainLoginPolicy";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v3.0/OS-SECURITYPOLICY/domains/{domain_id}/login-policy";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.domain_id))?;
        desk.in_account(Some(&self.domain_id))?;
        let change = |old| self.login_policy.changed(old);
        let account = desk.acting().set_login_policy(desk.account, change)?;
        Ok(json!({ "login_policy": super::policy_fields::login(&account.logins) }))
    }
}
