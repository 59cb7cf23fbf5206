//! Takes tags from a tracker.

use dew::caller::Caller;
use dew::cts::CtsError;
use hyper::Method;
use serde::Deserialize;

use super::check_type;
use crate::rest::huawei::TagItem;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    resource_type: String,
    resource_id: String,
    tags: Vec<TagItem>,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = CtsError;
    const NAME: &'static str = "BatchDeleteResourceTags";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v3/{project_id}/{resource_type}/{resource_id}/tags/delete";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, CtsError> {
        check_type(&self.resource_type)?;
        let keys: Vec<_> = self.tags.into_iter().map(|tag| tag.key).collect();
        services.cts.untag_tracker(caller, &self.resource_id, &keys)?;
        Ok(Nothing {})
    }
}
