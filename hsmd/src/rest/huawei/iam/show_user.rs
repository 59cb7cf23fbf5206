//! Shows a user, with all that is kept of it.

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
    const NAME: &'static str = "ShowUser";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-USER/users/{user_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let (desk, user) = Desk::about_user::<Self>(caller, services, &self.user_id)?;
        let user = desk.iam.user(desk.account, user).ok_or(IamError::Unknown("user"))?;
        let is_root = desk.iam.account(desk.account).is_some_and(|account| account.root == user.id);
        Ok(json!({ "user": shown::whole_user(&user, is_root) }))
    }
}
