//! Tells whether the MAC of a message is right.

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
    mac: Base64,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    mac_algorithm: &'static str,
    mac_valid: bool,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "VerifyMac";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/verify-mac";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let algorithm = MacAlgorithm::named(&self.mac_algorithm)?;
        let (message, mac) = (&self.message.0, &self.mac.0);
        let (key, mac_valid) = services.kms.verify_mac(caller, &self.key_id, algorithm, message, mac)?;
        Ok(Reply { key_id: key.to_string(), mac_algorithm: algorithm.name(), mac_valid })
    }
}
