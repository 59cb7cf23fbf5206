//! Lists the services and types of resource that there are traces of in the last seven days.

use dew::caller::Caller;
use dew::cts::CtsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    domain_id: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    resources: Vec<Resources>,
}

/// `TraceResource`
#[derive(Serialize)]
struct Resources {
    service_type: String,
    resource: Vec<String>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CtsError;
    const NAME: &'static str = "ListTraceResources";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/{domain_id}/resources";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CtsError> {
        services.cts.permitted_in_account(caller, Self::NAME, &self.domain_id)?;
        let projects = services.cts.projects_of(caller);
        let now = services.cts.now();
        let found = services.traces.index(now, |index| index.resources(&projects)).map_err(CtsError::Log)?;
        let resources =
            found.into_iter().map(|(service_type, resource)| Resources { service_type, resource });
        Ok(Reply { resources: resources.collect() })
    }
}
