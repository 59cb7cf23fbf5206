//! Shows a user, as Keystone does.

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
    user_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneShowUser";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/users/{user_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let (desk, user) = Desk::about_user::<Self>(caller, services, &self.user_id)?;
        let user = desk.iam.user(desk.account, user).ok_or(IamError::Unknown("user"))?;
        Ok(json!({ "user": shown::user(&user) }))
    }
}
