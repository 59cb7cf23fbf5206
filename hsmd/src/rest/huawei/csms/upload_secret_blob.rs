//! Makes a secret again from a backup.

use data_encoding::BASE64;
use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use super::shown::SecretReply;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_blob: String,
}

impl Operation for Op {
    type Reply = SecretReply;
    type Error = CsmsError;
    const NAME: &'static str = "UploadSecretBlob";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/secrets/restore";

    fn run(self, caller: &Caller, services: &Services) -> Result<SecretReply, CsmsError> {
        let blob = BASE64.decode(self.secret_blob.as_bytes()).map_err(|_| CsmsError::BadBlob)?;
        Ok((&*services.csms.restore_secret(caller, &blob)?).into())
    }
}
