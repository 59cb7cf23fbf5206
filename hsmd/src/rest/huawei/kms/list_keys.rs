//! Lists the keys of a project.

use dew::caller::Caller;
use dew::kms::spec::Spec;
use dew::kms::{Kept, Key, KmsError, Page, Paged, Search, State};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::{KeyDetails, enterprise_project};
use crate::rest::operation::{Operation, Text};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    limit: Option<Text>,
    marker: Option<Text>,
    key_state: Option<Text>,
    key_spec: Option<String>,
    enterprise_project_id: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    keys: Vec<String>,
    key_details: Vec<KeyDetails>,
    next_marker: String,
    truncated: &'static str,
    total: usize,
}

/// The state that the interface writes so.
fn named(code: &str) -> Result<State, KmsError> {
    let state = State::ALL.into_iter().find(|state| state.code() == code);
    state.ok_or_else(|| KmsError::Field(format!("key_state {code:?} is unknown: expected 1 to 5")))
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ListKeys";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/list-keys";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let page = Page { limit: Text::of(self.limit.as_ref()), marker: Text::of(self.marker.as_ref()) };
        let mut search = Search {
            // That is what the interface says: who wants all says `ALL`.
            spec: match self.key_spec.as_deref() {
                None => Some(Spec::Aes256),
                Some("ALL") => None,
                Some(name) => Some(Spec::named(name)?),
            },
            enterprise_project: enterprise_project(self.enterprise_project_id.as_deref(), caller, services)?,
            ..Search::default()
        };
        let found = match Text::of(self.key_state.as_ref()) {
            // No key waits to be activated. Who may not ask learns nothing else all the same.
            Some("1") => {
                services.kms.list_keys(caller, &search, &page)?;
                Paged { items: Vec::new(), next: None, total: 0 }
            }
            state => {
                search.state = state.map(named).transpose()?;
                services.kms.list_keys(caller, &search, &page)?
            }
        };
        let region = services.region(caller);
        let details = |key: &Kept<Key>| KeyDetails::of(key, caller.identity.account, &region);
        Ok(Reply {
            keys: found.items.iter().map(|key| key.id.to_string()).collect(),
            key_details: found.items.iter().map(details).collect(),
            truncated: if found.next.is_some() { "true" } else { "false" },
            next_marker: found.next.unwrap_or_default(),
            total: found.total,
        })
    }
}
