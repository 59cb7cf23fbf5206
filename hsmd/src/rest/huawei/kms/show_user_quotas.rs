//! Tells how much of everything there may be.

use dew::caller::Caller;
use dew::kms::{KmsError, Quota};
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {}

#[derive(Serialize)]
pub(super) struct Reply {
    quotas: Quotas,
}

#[derive(Serialize)]
struct Quotas {
    resources: [Resource; 2],
}

/// `Resources`
#[derive(Serialize)]
struct Resource {
    #[serde(rename = "type")]
    name: &'static str,
    used: usize,
    quota: usize,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ShowUserQuotas";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1.0/{project_id}/kms/user-quotas";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let (keys, grants) = services.kms.quotas_of_project(caller)?;
        let row = |name, of: Quota| Resource { name, used: of.used, quota: of.quota };
        Ok(Reply { quotas: Quotas { resources: [row("CMK", keys), row("grant_per_CMK", grants)] } })
    }
}
