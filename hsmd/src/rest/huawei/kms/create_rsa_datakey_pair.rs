//! Makes an RSA key pair whose private half is encrypted.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use super::new_data_key_pair::{NewDataKeyPair, Pair};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Op(NewDataKeyPair);

impl Operation for Op {
    type Reply = Pair;
    type Error = KmsError;
    const NAME: &'static str = "CreateRsaDatakeyPair";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/create-rsa-datakey-pair";

    fn run(self, caller: &Caller, services: &Services) -> Result<Pair, KmsError> {
        self.0.make(Self::NAME, caller, services)
    }
}
