//! Changes how a database is known or who sets passwords there, once that account has logged in.

use dew::caller::Caller;
use dew::csms::{CsmsError, DatabaseChange};
use hyper::Method;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::shown::Shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    database_name: String,
    ca: Option<String>,
    admin: Option<String>,
    password: Zeroizing<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    database: Shown,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "UpdateDatabase";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v1/{project_id}/csms/databases/{database_name}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let change = DatabaseChange {
            ca: self.ca.as_deref(),
            admin: self.admin.as_deref(),
            password: self.password,
        };
        let database = services.csms.update_database(caller, &self.database_name, change)?;
        Ok(Reply { database: (&*database).into() })
    }
}
