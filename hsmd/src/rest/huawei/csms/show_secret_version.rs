//! A version of a secret, by its number or a stage, with its value.

use dew::caller::Caller;
use dew::csms::{CsmsError, Value};
use hyper::Method;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::shown::VersionMetadata;
use crate::rest::huawei::kms::base64::Base64;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_name: String,
    version_id: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    version: Version,
}

/// `Version`
#[derive(Serialize)]
struct Version {
    version_metadata: VersionMetadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_binary: Option<Base64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_string: Option<Zeroizing<String>>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ShowSecretVersion";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}/versions/{version_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let (secret, version, value) =
            services.csms.show_version(caller, &self.secret_name, &self.version_id)?;
        let version_metadata = VersionMetadata::of(&secret, &version);
        let (secret_string, secret_binary) = match &value {
            Value::Text(text) => (Some(Zeroizing::new(text_of(text.as_bytes())?.to_owned())), None),
            Value::Binary(bytes) => (None, Some(Base64::of(bytes.as_bytes()))),
        };
        Ok(Reply { version: Version { version_metadata, secret_binary, secret_string } })
    }
}

fn text_of(bytes: &[u8]) -> Result<&str, CsmsError> {
    std::str::from_utf8(bytes).map_err(|_| CsmsError::Internal("a text is UTF-8"))
}
