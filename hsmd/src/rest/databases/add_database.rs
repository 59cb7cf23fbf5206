//! Registers a database, once its administrator has logged in there.

use dew::caller::Caller;
use dew::csms::{CsmsError, Login, NewDatabase, Server};
use hyper::Method;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::shown::Shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    name: String,
    engine: String,
    host: String,
    port: u16,
    ca: String,
    database: Option<String>,
    admin: String,
    password: Zeroizing<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    database: Shown,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "AddDatabase";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/csms/databases";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let Self { name, engine, host, port, ca, database, admin, password } = self;
        let server = Server { engine: engine.parse()?, host, port, ca, database };
        let new = NewDatabase { name: &name, server, admin: Login { name: admin, password } };
        let database = services.csms.add_database(caller, new)?;
        Ok(Reply { database: (&*database).into() })
    }
}
