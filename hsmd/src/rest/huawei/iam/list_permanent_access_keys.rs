//! Lists the access keys of a user, or those of the caller.

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
    user_id: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ListPermanentAccessKeys";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-CREDENTIAL/credentials";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let own = || caller.identity.user().map(|user| user.to_string());
        let of = self.user_id.or_else(own).ok_or(IamError::NeedsUser)?;
        let (desk, user) = Desk::about_user::<Self>(caller, services, &of)?;
        desk.iam.user(desk.account, user).ok_or(IamError::Unknown("user"))?;
        let keys = desk.iam.access_keys(desk.account, user);
        let keys: Vec<_> = keys.iter().map(|key| shown::access_key(key)).collect();
        Ok(json!({ "credentials": keys }))
    }
}
