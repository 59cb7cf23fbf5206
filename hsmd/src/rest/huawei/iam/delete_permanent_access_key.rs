//! Deletes an access key.

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
    access_key: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "DeletePermanentAccessKey";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v3.0/OS-CREDENTIAL/credentials/{access_key}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let key = id(&self.access_key, "access key")?;
        let found = services
            .iam
            .access_key_of(caller.identity.account, key)
            .ok_or(IamError::Unknown("access key"))?;
        let (desk, _) = Desk::about_user::<Self>(caller, services, &found.user.to_string())?;
        desk.acting().delete_access_key(desk.account, key)?;
        Ok(Nothing {})
    }
}
