//! Shows the virtual MFA device that a user has bound.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    user_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ShowUserMfaDevice";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-MFA/users/{user_id}/virtual-mfa-device";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let (desk, user) = Desk::about_user::<Self>(caller, services, &self.user_id)?;
        let user = desk.iam.user(desk.account, user).ok_or(IamError::Unknown("user"))?;
        if !user.has_device() {
            return Err(IamError::Unknown("virtual MFA device"));
        }
        Ok(json!({ "virtual_mfa_device": super::device_fields::shown(&user) }))
    }
}
