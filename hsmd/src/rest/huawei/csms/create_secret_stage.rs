//! Puts a stage that is not there yet on a version of a secret.

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
    name: String,
    version_id: String,
}

impl Operation for Op {
    type Reply = StageReply;
    type Error = CsmsError;
    const NAME: &'static str = "CreateSecretStage";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}/stages";

    fn run(self, caller: &Caller, services: &Services) -> Result<StageReply, CsmsError> {
        let (secret, stage) =
            services.csms.new_stage(caller, &self.secret_name, &self.name, &self.version_id)?;
        Ok(StageReply::of(&secret, stage))
    }
}
