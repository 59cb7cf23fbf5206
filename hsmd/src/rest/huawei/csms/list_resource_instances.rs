//! Finds the secrets that have some tags, or tells how many there are.

use dew::caller::Caller;
use dew::csms::{CsmsError, Secret};
use dew::kms::Kept;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::SecretInfo;
use crate::rest::failure::Shape;
use crate::rest::huawei::kms::shown::{TagItem, tag_items};
use crate::rest::huawei::tag_search::{Tag, TagSearch};
use crate::rest::operation::{Operation, Text};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    resource_instances: String,
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
    resource_detail: SecretInfo,
    resource_name: String,
    tags: Vec<TagItem>,
    sys_tags: [TagItem; 0],
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ListResourceInstances";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/csms/{resource_instances}/action";
    const SHAPE: Option<Shape> = Some(Shape::Nested);
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        if self.resource_instances != "resource_instances" {
            return Err(CsmsError::Field("expected resource_instances in the path".to_owned()));
        }
        let Self { limit, offset, action, tags, matches, .. } = self;
        let search = TagSearch::of(action.as_deref(), limit.as_ref(), offset.as_ref(), tags, matches)?;
        let found = services.csms.secrets_by_tags(caller, &search.tags, search.name.as_deref())?;
        let shown = |secret: &Kept<Secret>| Resource {
            resource_id: secret.id.to_string(),
            resource_detail: (&**secret).into(),
            resource_name: secret.name.clone(),
            tags: tag_items(&secret.tags),
            sys_tags: [],
        };
        let page = || found.iter().skip(search.offset).take(search.limit).map(shown).collect();
        Ok(Reply { resources: (!search.counts).then(page), total_count: found.len() })
    }
}
