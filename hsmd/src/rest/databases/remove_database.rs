//! Forgets a database.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    database_name: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = CsmsError;
    const NAME: &'static str = "RemoveDatabase";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v1/{project_id}/csms/databases/{database_name}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, CsmsError> {
        services.csms.remove_database(caller, &self.database_name)?;
        Ok(Nothing {})
    }
}
