//! Lists the users of the account.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::Flag;
use super::desk::Desk;
use super::shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    domain_id: Option<String>,
    name: Option<String>,
    enabled: Option<Flag>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneListUsers";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/users";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        desk.in_account(self.domain_id.as_deref())?;
        let users = desk.iam.users(desk.account).into_iter().filter(|user| {
            self.name.as_ref().is_none_or(|name| *name == user.name)
                && self.enabled.is_none_or(|enabled| enabled.0 == user.enabled)
        });
        let users: Vec<_> = users.map(|user| shown::user(&user)).collect();
        Ok(json!({ "users": users, "links": shown::list_links("/v3/users") }))
    }
}
