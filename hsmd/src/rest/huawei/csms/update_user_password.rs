//! Changes the caller's own password in IAM, which it knows.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    password: Zeroizing<String>,
    old_password: Zeroizing<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    user_id: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "UpdateUserPassword";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/csms/users/change-password";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let id = services.csms.change_own_password(caller, &self.old_password, &self.password)?;
        Ok(Reply { user_id: id.to_string() })
    }
}
