//! Lists the operations that leave traces.

use std::collections::BTreeMap;

use dew::caller::Caller;
use dew::cts::{CtsError, TRACED, by_itself};
use dew::kms::Happened;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    service_type: Option<String>,
    resource_type: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    operations: Vec<Operations>,
}

/// `ListOperation`
#[derive(Serialize)]
struct Operations {
    service_type: &'static str,
    resource_type: &'static str,
    operation_list: Vec<&'static str>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CtsError;
    const NAME: &'static str = "ListOperations";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/{project_id}/operations";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CtsError> {
        services.cts.permitted(caller, Self::NAME)?;
        if self.resource_type.is_some() && self.service_type.is_none() {
            return Err(CtsError::Field("resource_type: expected service_type with it".to_owned()));
        }
        let is = |asked: &Option<String>, own: &str| asked.as_deref().is_none_or(|asked| asked == own);
        let mut operations: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let by_itself = [Happened::Deleted, Happened::Expired, Happened::Rotated].map(by_itself);
        for row in TRACED.iter().chain(&by_itself) {
            if is(&self.service_type, row.service) && is(&self.resource_type, row.resource) {
                let names = operations.entry((row.service, row.resource)).or_default();
                for name in row.names() {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
        }
        let operations = operations.into_iter().map(|((service_type, resource_type), operation_list)| {
            Operations { service_type, resource_type, operation_list }
        });
        Ok(Reply { operations: operations.collect() })
    }
}
