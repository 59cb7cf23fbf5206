//! Tells what depends on a key before somebody has it deleted.

use dew::caller::Caller;
use dew::kms::{KmsError, Month, Page};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::NOWHERE;
use crate::rest::operation::Operation;
use crate::services::Services;

/// What counts as lately.
const LATELY: u64 = 30 * dew::kms::DAY;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    key_alias: String,
    /// Grants on it; so many are looked for at most.
    grants: usize,
    /// Its aliases, likewise.
    aliases: usize,
    /// The secrets of the project that are under it.
    secrets: Vec<String>,
    /// How often it was asked for in the month of 30 days ago and since.
    requests: u64,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "TellDeletionRisk";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = NOWHERE;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let (kms, page) = (&services.kms, Page { limit: Some("100"), marker: None });
        let (key, ..) = kms.describe_key_with_home(caller, &self.key_id)?;
        let id = key.id.to_string();
        let account = caller.identity.account;
        let under = |project| services.csms.under(project, account, key.id);
        let (from, to) = (Month::of(kms.now().saturating_sub(LATELY)), Month::of(kms.now()));
        // Of a key that waits for its material or its end nothing is counted.
        let counts = kms.counts_of_key(caller, &id, from, to).unwrap_or_default();
        Ok(Reply {
            grants: kms.list_grants(caller, &id, &page).map_or(0, |found| found.items.len()),
            aliases: kms.list_aliases(caller, Some(&id), &page).map_or(0, |found| found.items.len()),
            secrets: caller.project.map(under).unwrap_or_default(),
            requests: counts.iter().flat_map(|count| count.requests.values()).sum(),
            key_id: id,
            key_alias: key.name.clone(),
        })
    }
}
