//! Changes a user, as an administrator does by Keystone.

use dew::caller::Caller;
use dew::iam::{IamError, UserChange};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::asked::{Flag, id};
use super::desk::Desk;
use super::shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    user_id: String,
    user: Change,
}

#[derive(Deserialize)]
struct Change {
    domain_id: Option<String>,
    name: Option<String>,
    password: Option<Zeroizing<String>>,
    pwd_status: Option<Flag>,
    enabled: Option<Flag>,
    description: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneUpdateUserByAdmin";
    const METHOD: Method = Method::PATCH;
    const PATH: &'static str = "/v3/users/{user_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        if self.user.password.is_some() || self.user.enabled.is_some_and(|enabled| enabled.0) {
            Desk::check_lasting(caller)?;
        }
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.user_id))?;
        let new = &self.user;
        desk.in_account(new.domain_id.as_deref())?;
        let change = UserChange {
            name: new.name.as_deref(),
            password: new.password.as_ref().map(|password| password.as_str()),
            temporary: new.pwd_status.map(|flag| !flag.0),
            enabled: new.enabled.map(|flag| flag.0),
            description: new.description.as_deref(),
            ..UserChange::default()
        };
        let user = desk.acting().change_user(desk.account, id(&self.user_id, "user")?, &change)?;
        Ok(json!({ "user": shown::user(&user) }))
    }
}
