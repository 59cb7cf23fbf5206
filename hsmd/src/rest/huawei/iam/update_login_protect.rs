//! Has a user's log-in ask for a second factor, or no more. The one there is is the virtual MFA device.

use dew::caller::Caller;
use dew::iam::{IamError, LoginProtection, UserChange};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Flag, id};
use super::desk::Desk;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    user_id: String,
    login_protect: Change,
}

#[derive(Deserialize)]
struct Change {
    enabled: Flag,
    verification_method: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "UpdateLoginProtect";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v3.0/OS-USER/users/{user_id}/login-protect";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        Desk::check_lasting(caller)?;
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.user_id))?;
        let Change { enabled, verification_method } = self.login_protect;
        if enabled.0 && verification_method != "vmfa" {
            return Err(IamError::Invalid("no mail and no messages are sent from here: the method is vmfa"));
        }
        let protection = if enabled.0 { LoginProtection::Device } else { LoginProtection::Off };
        let change = UserChange { protection: Some(protection), ..UserChange::default() };
        let user = desk.acting().change_user(desk.account, id(&self.user_id, "user")?, &change)?;
        Ok(json!({ "login_protect": super::user_fields::login_protect(&user) }))
    }
}
