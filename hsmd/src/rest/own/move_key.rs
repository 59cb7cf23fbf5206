//! Moves a key to another enterprise project.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use super::NOWHERE;
use crate::rest::huawei::in_enterprise_project;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    enterprise_project_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = KmsError;
    const NAME: &'static str = "MoveKey";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = NOWHERE;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, KmsError> {
        let to = in_enterprise_project(Some(&self.enterprise_project_id), caller, services)?;
        services.kms.move_key(caller, &self.key_id, to)?;
        Ok(Nothing {})
    }
}
