//! Lists how many trackers there are, and may be.

use dew::caller::Caller;
use dew::cts::CtsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {}

#[derive(Serialize)]
pub(super) struct Reply {
    resources: Vec<Quota>,
}

/// `CtsQuota`
#[derive(Serialize)]
struct Quota {
    #[serde(rename = "type")]
    kind: String,
    used: usize,
    quota: usize,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CtsError;
    const NAME: &'static str = "ListQuotas";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/{project_id}/quotas";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CtsError> {
        let quotas = services.cts.tracker_quotas(caller)?.into_iter();
        let shown =
            quotas.map(|(kind, used, quota)| Quota { kind: format!("{}_tracker", kind.name()), used, quota });
        Ok(Reply { resources: shown.collect() })
    }
}
