//! The databases that are registered.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::Shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {}

#[derive(Serialize)]
pub(super) struct Reply {
    databases: Vec<Shown>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ListDatabases";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/csms/databases";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let databases = services.csms.databases(caller)?;
        Ok(Reply { databases: databases.iter().map(|database| (&**database).into()).collect() })
    }
}
