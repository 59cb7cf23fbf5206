//! Takes a stage from its version.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_name: String,
    stage_name: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = CsmsError;
    const NAME: &'static str = "DeleteSecretStage";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}/stages/{stage_name}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, CsmsError> {
        services.csms.delete_stage(caller, &self.secret_name, &self.stage_name)?;
        Ok(Nothing {})
    }
}
