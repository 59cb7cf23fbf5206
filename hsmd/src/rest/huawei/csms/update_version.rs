//! Has a version of a secret expire at a time.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use super::shown::{VersionMetadata, VersionReply};
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_name: String,
    version_id: String,
    expire_time: Number,
}

impl Operation for Op {
    type Reply = VersionReply;
    type Error = CsmsError;
    const NAME: &'static str = "UpdateVersion";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}/versions/{version_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<VersionReply, CsmsError> {
        let (secret, version) =
            services.csms.expire_version(caller, &self.secret_name, &self.version_id, self.expire_time.0)?;
        Ok(VersionReply { version_metadata: VersionMetadata::of(&secret, &version) })
    }
}
