//! Lists the aliases of a key, or of all keys of a project.

use dew::caller::Caller;
use dew::kms::{Alias, Kept, KmsError, Page};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::AliasInfo;
use crate::rest::operation::{Operation, Text};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: Option<String>,
    limit: Option<Text>,
    marker: Option<Text>,
}

/// `ListAliasResponseBody`: the interface declares a list of these, and there is one.
#[derive(Serialize)]
pub(super) struct Reply {
    aliases: Vec<AliasInfo>,
    page_info: PageInfo,
}

#[derive(Serialize)]
struct PageInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    current_count: usize,
}

impl Operation for Op {
    type Reply = [Reply; 1];
    type Error = KmsError;
    const NAME: &'static str = "ListAliases";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1.0/{project_id}/kms/aliases";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<[Reply; 1], KmsError> {
        let page = Page { limit: Text::of(self.limit.as_ref()), marker: Text::of(self.marker.as_ref()) };
        let found = services.kms.list_aliases(caller, self.key_id.as_deref(), &page)?;
        let region = services.region(caller);
        let shown = |alias: &Kept<Alias>| AliasInfo::of(alias, caller.identity.account, &region);
        let page_info = PageInfo { next_marker: found.next, current_count: found.items.len() };
        Ok([Reply { aliases: found.items.iter().map(shown).collect(), page_info }])
    }
}
