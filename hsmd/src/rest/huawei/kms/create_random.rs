//! Gives random bits.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::hex::Hex;
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    random_data_length: Number,
}

#[derive(Serialize)]
pub(super) struct Reply {
    random_data: Hex,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "CreateRandom";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/gen-random";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let random = services.kms.random(caller, self.random_data_length.0)?;
        Ok(Reply { random_data: Hex::of(random.as_bytes()) })
    }
}
