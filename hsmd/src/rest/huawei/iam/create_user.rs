//! Makes a user, with all that is kept of one.

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
    domain_id: String,
    password: Option<Zeroizing<String>>,
    pwd_status: Option<Flag>,
    enabled: Option<Flag>,
    access_mode: Option<String>,
    description: Option<String>,
    email: Option<String>,
    areacode: Option<String>,
    phone: Option<String>,
    xuser_type: Option<String>,
    xuser_id: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "CreateUser";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3.0/OS-USER/users";
    const SUCCESS: u16 = 201;

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        Desk::check_lasting(caller)?;
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        let new = &self.user;
        desk.in_account(Some(&new.domain_id))?;
        let user = desk.acting().create_user(
            desk.account,
            &NewUser {
                name: &new.name,
                password: new.password.as_ref().map(|password| password.as_str()),
                temporary: new.pwd_status == Some(Flag(false)),
                disabled: new.enabled == Some(Flag(false)),
                mode: super::user_fields::mode(new.access_mode.as_deref())?.unwrap_or_default(),
                description: new.description.as_deref().unwrap_or_default(),
                email: new.email.as_deref().unwrap_or_default(),
                areacode: new.areacode.as_deref().unwrap_or_default(),
                phone: new.phone.as_deref().unwrap_or_default(),
                external: super::user_fields::external(new.xuser_type.as_deref(), new.xuser_id.as_deref())?,
            },
        )?;
        Ok(json!({ "user": shown::whole_user(&user, false) }))
    }
}
