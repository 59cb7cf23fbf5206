//! Lists whose log-ins ask for a second factor.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ListUserLoginProtects";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-USER/login-protects";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        let users = desk.iam.users(desk.account);
        let protects: Vec<_> = users.iter().map(|user| super::user_fields::login_protect(user)).collect();
        Ok(json!({ "login_protects": protects }))
    }
}
