//! Lists the grants on a key.

use dew::caller::Caller;
use dew::kms::{KmsError, Page};
use hyper::Method;
use serde::Deserialize;

use super::grants::GrantList;
use crate::rest::operation::{Operation, Text};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    limit: Option<Text>,
    marker: Option<Text>,
}

impl Operation for Op {
    type Reply = GrantList;
    type Error = KmsError;
    const NAME: &'static str = "ListGrants";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/list-grants";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<GrantList, KmsError> {
        let page = Page { limit: Text::of(self.limit.as_ref()), marker: Text::of(self.marker.as_ref()) };
        Ok(services.kms.list_grants(caller, &self.key_id, &page)?.into())
    }
}
