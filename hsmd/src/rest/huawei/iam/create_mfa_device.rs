//! Makes a virtual MFA device for a user, and tells its secret this once.

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
    virtual_mfa_device: New,
}

#[derive(Deserialize)]
struct New {
    name: String,
    user_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "CreateMfaDevice";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3.0/OS-MFA/virtual-mfa-devices";
    const SUCCESS: u16 = 201;

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let New { name, user_id } = &self.virtual_mfa_device;
        Desk::check_lasting(caller)?;
        let (desk, user) = Desk::about_user::<Self>(caller, services, user_id)?;
        let user = desk.acting().create_device(desk.account, user, name)?;
        let seed = user.device.as_ref().map(dew::iam::Device::seed);
        let serial = super::device_fields::serial(&user);
        Ok(json!({ "virtual_mfa_device": { "serial_number": serial, "base32_string_seed": seed } }))
    }
}
