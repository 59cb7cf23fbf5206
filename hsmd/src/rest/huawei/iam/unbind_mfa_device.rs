//! Takes a virtual MFA device from its user, who shows a code of it.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;

use super::desk::Desk;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    user_id: String,
    serial_number: String,
    authentication_code: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "DeleteBindingDevice";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v3.0/OS-MFA/mfa-devices/unbind";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        Desk::check_lasting(caller)?;
        let (desk, user) = Desk::about_user::<Self>(caller, services, &self.user_id)?;
        super::device_fields::check(&desk, user, &self.serial_number)?;
        desk.acting().unbind_device(desk.account, user, &self.authentication_code)?;
        Ok(Nothing {})
    }
}
