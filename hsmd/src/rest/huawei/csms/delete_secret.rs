//! Deletes a secret for good, at once.

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
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = CsmsError;
    const NAME: &'static str = "DeleteSecret";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, CsmsError> {
        services.csms.delete_secret(caller, &self.secret_name)?;
        Ok(Nothing {})
    }
}
