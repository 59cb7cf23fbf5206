//! Whether weak values are refused in the project.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {}

#[derive(Serialize)]
pub(super) struct Reply {
    checking_secret_strength: bool,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ShowSecretsConfig";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/secrets/checker/config";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        Ok(Reply { checking_secret_strength: services.csms.refuses_weak_values(caller)? })
    }
}
