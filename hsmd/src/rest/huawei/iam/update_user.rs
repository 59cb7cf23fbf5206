//! Changes what is kept of a user, as an administrator does.

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
    name: Option<String>,
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
    const NAME: &'static str = "UpdateUser";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v3.0/OS-USER/users/{user_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let new = &self.user;
        let lets_in = new.enabled.is_some_and(|enabled| enabled.0) || new.access_mode.is_some();
        if lets_in || new.password.is_some() {
            Desk::check_lasting(caller)?;
        }
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.user_id))?;
        let change = UserChange {
            name: new.name.as_deref(),
            password: new.password.as_ref().map(|password| password.as_str()),
            temporary: new.pwd_status.map(|flag| !flag.0),
            enabled: new.enabled.map(|flag| flag.0),
            mode: super::user_fields::mode(new.access_mode.as_deref())?,
            description: new.description.as_deref(),
            email: new.email.as_deref(),
            areacode: new.areacode.as_deref(),
            phone: new.phone.as_deref(),
            external: super::user_fields::external(new.xuser_type.as_deref(), new.xuser_id.as_deref())?,
            protection: None,
        };
        let user = desk.acting().change_user(desk.account, id(&self.user_id, "user")?, &change)?;
        let is_root = desk.iam.account(desk.account).is_some_and(|account| account.root == user.id);
        Ok(json!({ "user": shown::whole_user(&user, is_root) }))
    }
}
