//! Has weak values refused in the project, or not.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    #[serde(default)]
    checking_secret_strength: bool,
}

#[derive(Serialize)]
pub(super) struct Reply {
    checking_secret_strength: bool,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "UpdateSecretsConfig";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/secrets/checker/config";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let checking_secret_strength = self.checking_secret_strength;
        services.csms.refuse_weak_values(caller, checking_secret_strength)?;
        Ok(Reply { checking_secret_strength })
    }
}
