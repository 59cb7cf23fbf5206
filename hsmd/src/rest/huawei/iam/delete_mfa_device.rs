//! Deletes a virtual MFA device, for an administrator.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;

use super::asked::id;
use super::desk::Desk;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    user_id: String,
    serial_number: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "DeleteMfaDevice";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v3.0/OS-MFA/virtual-mfa-devices";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        Desk::check_lasting(caller)?;
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.user_id))?;
        let user = id(&self.user_id, "user")?;
        super::device_fields::check(&desk, user, &self.serial_number)?;
        desk.acting().delete_device(desk.account, user)?;
        Ok(Nothing {})
    }
}
