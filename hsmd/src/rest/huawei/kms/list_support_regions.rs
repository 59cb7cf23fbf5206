//! Lists the regions that a key can be replicated to.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::{Number, Operation};
use crate::services::Services;

/// How many are shown if nothing is said.
const LIMIT: usize = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    limit: Option<Number>,
    offset: Option<Number>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    regions: Vec<String>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ListSupportRegions";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v2/{project_id}/kms/regions";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let number =
            |number: Option<Number>, default| number.map_or(Some(default), |n| usize::try_from(n.0).ok());
        let limit = number(self.limit, LIMIT).filter(|limit| (1..=100).contains(limit));
        let limit = limit.ok_or_else(|| KmsError::BadLimit("limit is from 1 to 100".to_owned()))?;
        let offset =
            number(self.offset, 0).ok_or_else(|| KmsError::BadOffset("offset is too large".to_owned()))?;
        let regions = services.kms.regions(caller)?;
        Ok(Reply { regions: regions.into_iter().skip(offset).take(limit).collect() })
    }
}
