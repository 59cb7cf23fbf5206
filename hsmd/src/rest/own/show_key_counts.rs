//! Shows what was asked of a key, month by month.

use std::collections::BTreeMap;

use dew::caller::Caller;
use dew::kms::{Count, KmsError, Month};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::NOWHERE;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    /// The first month, such as `2026-09`; the first of all if nothing is said.
    from: Option<String>,
    /// The last one; this month if nothing is said.
    to: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    counts: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    month: String,
    billable: u64,
    requests: BTreeMap<String, u64>,
}

impl From<Count> for Shown {
    fn from(count: Count) -> Self {
        Self { month: count.month.to_string(), billable: count.billable(), requests: count.requests }
    }
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ShowKeyCounts";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = NOWHERE;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let month = |text: Option<String>, otherwise| {
            text.map_or(Ok(Month::of(otherwise)), |text| text.parse::<Month>())
        };
        let (from, to) = (month(self.from, 0)?, month(self.to, services.kms.now())?);
        let counts = services.kms.counts_of_key(caller, &self.key_id, from, to)?;
        Ok(Reply { counts: counts.into_iter().map(Shown::from).collect() })
    }
}
