//! Changes what a grant gives.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use super::NOWHERE;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    grant_id: String,
    operations: Vec<String>,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = KmsError;
    const NAME: &'static str = "EditGrant";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = NOWHERE;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, KmsError> {
        services.kms.edit_grant(caller, &self.key_id, &self.grant_id, &self.operations)?;
        Ok(Nothing {})
    }
}
