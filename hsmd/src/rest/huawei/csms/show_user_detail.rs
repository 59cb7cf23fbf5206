//! A user of the account.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use super::users::{UserInfo, detailed};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    user_id: String,
}

impl Operation for Op {
    type Reply = UserInfo<bool>;
    type Error = CsmsError;
    const NAME: &'static str = "ShowUserDetail";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/csms/users/{user_id}";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<UserInfo<bool>, CsmsError> {
        Ok(detailed(&*services.csms.show_user(caller, &self.user_id)?))
    }
}
