//! Keeps an access point from opening capsules.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    access_point_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = KmsError;
    const NAME: &'static str = "DisableAccessPoint";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/access-points/{access_point_id}/disable";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, KmsError> {
        services.kms.enable_access_point(caller, &self.access_point_id, false)?;
        Ok(Nothing {})
    }
}
