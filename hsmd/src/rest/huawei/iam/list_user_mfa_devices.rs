//! Lists the virtual MFA devices that are bound.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ListUserMfaDevices";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-MFA/virtual-mfa-devices";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        let users = desk.iam.users(desk.account);
        let devices: Vec<_> = users
            .iter()
            .filter(|user| user.has_device())
            .map(|user| super::device_fields::shown(user))
            .collect();
        Ok(json!({ "virtual_mfa_devices": devices }))
    }
}
