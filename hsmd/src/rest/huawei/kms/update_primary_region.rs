//! Makes another region's key the primary one.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    primary_region: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    primary_region: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "UpdatePrimaryRegion";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v2/{project_id}/kms/keys/{key_id}/update-primary-region";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let key = services.kms.update_primary_region(caller, &self.key_id, &self.primary_region)?;
        Ok(Reply { key_id: key.to_string(), primary_region: self.primary_region })
    }
}
