//! Gives a secret another version.

use dew::caller::Caller;
use dew::csms::{CsmsError, NewVersion};
use hyper::Method;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::shown::{VersionMetadata, VersionReply};
use super::values::value;
use crate::rest::huawei::kms::base64::Base64;
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_name: String,
    secret_binary: Option<Base64>,
    secret_string: Option<Zeroizing<String>>,
    version_stages: Option<Vec<String>>,
    expire_time: Option<Number>,
}

impl Operation for Op {
    type Reply = VersionReply;
    type Error = CsmsError;
    const NAME: &'static str = "CreateSecretVersion";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}/versions";

    fn run(self, caller: &Caller, services: &Services) -> Result<VersionReply, CsmsError> {
        let value = value(self.secret_string, self.secret_binary)?;
        let new = NewVersion {
            value: &value,
            stages: self.version_stages.as_deref(),
            expires: self.expire_time.map(|time| time.0),
        };
        let (secret, version) = services.csms.create_version(caller, &self.secret_name, &new)?;
        Ok(VersionReply { version_metadata: VersionMetadata::of(&secret, &version) })
    }
}
