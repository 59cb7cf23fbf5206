//! The secrets of the project: those that an event tells of, if one is named.

use dew::caller::Caller;
use dew::csms::{CsmsError, Page};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::{PageInfo, SecretInfo};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    limit: Option<String>,
    marker: Option<String>,
    event_name: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    secrets: Vec<SecretInfo>,
    page_info: PageInfo,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ListSecrets";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/secrets";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let page = Page { limit: self.limit.as_deref(), marker: self.marker.as_deref() };
        let page = services.csms.list_secrets(caller, self.event_name.as_deref(), &page)?;
        Ok(Reply {
            page_info: (&page).into(),
            secrets: page.items.iter().map(|secret| (&**secret).into()).collect(),
        })
    }
}
