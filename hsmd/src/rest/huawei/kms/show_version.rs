//! Shows a version of this interface.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::show_versions::{Version, versions};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    version_id: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    version: Version,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ShowVersion";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/{version_id}";
    const PUBLIC: bool = true;
    const WAITS: bool = false;

    fn run(self, _: &Caller, _: &Services) -> Result<Reply, KmsError> {
        let version = versions().find(|version| version.id == self.version_id);
        Ok(Reply { version: version.ok_or(KmsError::NoSuch("version"))? })
    }
}
