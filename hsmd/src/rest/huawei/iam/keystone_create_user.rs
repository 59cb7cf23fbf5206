//! Makes a user, as Keystone does.

use dew::caller::Caller;
use dew::iam::{IamError, NewUser};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::asked::Flag;
use super::desk::Desk;
use super::shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    user: New,
}

#[derive(Deserialize)]
struct New {
    name: String,
    domain_id: Option<String>,
    password: Option<Zeroizing<String>>,
    enabled: Option<Flag>,
    description: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneCreateUser";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3/users";
    const SUCCESS: u16 = 201;

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        Desk::check_lasting(caller)?;
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        let new = &self.user;
        desk.in_account(new.domain_id.as_deref())?;
        let user = desk.acting().create_user(
            desk.account,
            &NewUser {
                name: &new.name,
                password: new.password.as_ref().map(|password| password.as_str()),
                disabled: new.enabled == Some(Flag(false)),
                description: new.description.as_deref().unwrap_or_default(),
                ..NewUser::default()
            },
        )?;
        Ok(json!({ "user": shown::user(&user) }))
    }
}
