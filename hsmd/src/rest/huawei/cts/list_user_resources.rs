//! Lists who left traces in the last seven days.

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
    users: Vec<User>,
}

/// `UserResource`
#[derive(Serialize)]
struct User {
    name: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CtsError;
    const NAME: &'static str = "ListUserResources";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/{project_id}/user-resources";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CtsError> {
        let project = services.cts.permitted(caller, Self::NAME)?;
        let now = services.cts.now();
        let users = services.traces.index(now, |index| index.users(project)).map_err(CtsError::Log)?;
        Ok(Reply { users: users.into_iter().map(|name| User { name }).collect() })
    }
}
