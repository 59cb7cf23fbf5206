//! A backup of a secret with all of its versions, encrypted.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::huawei::kms::base64::Base64;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_name: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    secret_blob: Base64,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "DownloadSecretBlob";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}/backup";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let blob = services.csms.back_up_secret(caller, &self.secret_name)?;
        Ok(Reply { secret_blob: Base64::of(&blob) })
    }
}
