//! Finds the keys that have some tags, or tells how many there are.

use dew::caller::Caller;
use dew::kms::{Kept, Key, KmsError, Search};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::{KeyDetails, TagItem, tag_items};
use crate::rest::huawei::tag_search::{Tag, TagSearch};
use crate::rest::operation::{Operation, Text};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    limit: Option<Text>,
    offset: Option<Text>,
    action: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    matches: Vec<TagItem>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<Vec<Resource>>,
    total_count: usize,
}

/// `ActionResources`
#[derive(Serialize)]
struct Resource {
    resource_id: String,
    resource_detail: KeyDetails,
    resource_name: String,
    tags: Vec<TagItem>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ListKmsByTags";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/resource_instances/action";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let Self { limit, offset, action, tags, matches } = self;
        let asked = TagSearch::of(action.as_deref(), limit.as_ref(), offset.as_ref(), tags, matches)?;
        let search = Search { name: asked.name, tags: asked.tags, ..Search::default() };
        let found = services.kms.keys_by_tags(caller, search)?;
        let region = services.region(caller);
        let shown = |key: &Kept<Key>| Resource {
            resource_id: key.id.to_string(),
            resource_detail: KeyDetails::of(key, caller.identity.account, &region),
            resource_name: key.name.clone(),
            tags: tag_items(&key.tags),
        };
        let resources = || found.iter().skip(asked.offset).take(asked.limit).map(shown).collect();
        Ok(Reply { resources: (!asked.counts).then(resources), total_count: found.len() })
    }
}
