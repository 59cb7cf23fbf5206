//! The versions of a secret, without their values.

use dew::caller::Caller;
use dew::csms::{CsmsError, Page};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::{PageInfo, VersionMetadata};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_name: String,
    limit: Option<String>,
    marker: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    version_metadatas: Vec<VersionMetadata>,
    page_info: PageInfo,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ListSecretVersions";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}/versions";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let page = Page { limit: self.limit.as_deref(), marker: self.marker.as_deref() };
        let (secret, page) = services.csms.list_versions(caller, &self.secret_name, &page)?;
        let shown = |version| VersionMetadata::of(&secret, version);
        Ok(Reply { page_info: (&page).into(), version_metadatas: page.items.iter().map(shown).collect() })
    }
}
