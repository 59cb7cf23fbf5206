//! Rotates a key now.

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
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "RotateOnDemand";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/rotate-on-demand";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let key = services.kms.rotate_now(caller, &self.key_id)?;
        Ok(Reply { key_id: key.id.to_string() })
    }
}
