//! Keeps a secret that was to be deleted.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use super::shown::SecretReply;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_name: String,
}

impl Operation for Op {
    type Reply = SecretReply;
    type Error = CsmsError;
    const NAME: &'static str = "RestoreSecret";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}/scheduled-deleted-tasks/cancel";

    fn run(self, caller: &Caller, services: &Services) -> Result<SecretReply, CsmsError> {
        Ok((&*services.csms.cancel_secret_deletion(caller, &self.secret_name)?).into())
    }
}
