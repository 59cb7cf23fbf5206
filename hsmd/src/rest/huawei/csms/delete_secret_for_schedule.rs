//! Has a secret deleted for good in some days.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use super::shown::SecretReply;
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_name: String,
    #[serde(default = "month")]
    recovery_window_in_days: Number,
}

impl Operation for Op {
    type Reply = SecretReply;
    type Error = CsmsError;
    const NAME: &'static str = "DeleteSecretForSchedule";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}/scheduled-deleted-tasks/create";

    fn run(self, caller: &Caller, services: &Services) -> Result<SecretReply, CsmsError> {
        let days = self.recovery_window_in_days.0;
        Ok((&*services.csms.schedule_secret_deletion(caller, &self.secret_name, days)?).into())
    }
}

/// In how many days, if nothing is said.
const fn month() -> Number {
    Number(30)
}
