//! A stage of a secret, and the version that it is on.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use super::shown::StageReply;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_name: String,
    stage_name: String,
}

impl Operation for Op {
    type Reply = StageReply;
    type Error = CsmsError;
    const NAME: &'static str = "ShowSecretStage";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}/stages/{stage_name}";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<StageReply, CsmsError> {
        let (secret, stage) = services.csms.show_stage(caller, &self.secret_name, &self.stage_name)?;
        Ok(StageReply::of(&secret, stage))
    }
}
