//! Lists the key stores of a project.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::stores::Details;
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

/// The most of one page.
const MAX: u64 = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    limit: Option<Number>,
    offset: Option<Number>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    total: usize,
    keystores: Vec<Details>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ListKeyStores";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1.0/{project_id}/keystores";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let limit = self.limit.map_or(10, |limit| limit.0);
        if !(1..=MAX).contains(&limit) {
            return Err(KmsError::BadLimit(format!("limit is from 1 to {MAX}")));
        }
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let stores = services.kms.list_key_stores(caller)?;
        let part = stores.iter().skip(number(self.offset.map_or(0, |offset| offset.0))).take(number(limit));
        Ok(Reply { total: stores.len(), keystores: part.map(|store| Details::from(&**store)).collect() })
    }
}
