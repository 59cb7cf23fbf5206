//! Makes the MAC of a message.

use dew::caller::Caller;
use dew::kms::{KmsError, MacAlgorithm};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::base64::Base64;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    mac_algorithm: String,
    message: Base64,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    mac_algorithm: &'static str,
    mac: Base64,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "GenerateMac";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/generate-mac";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let algorithm = MacAlgorithm::named(&self.mac_algorithm)?;
        let (key, mac) = services.kms.generate_mac(caller, &self.key_id, algorithm, &self.message.0)?;
        Ok(Reply { key_id: key.to_string(), mac_algorithm: algorithm.name(), mac: Base64::of(&mac) })
    }
}
