//! The users of the account.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::users::{UserInfo, listed};
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    org_id: Option<String>,
    offset: Number,
    limit: Number,
    user_info: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    total: usize,
    users: Vec<UserInfo<&'static str>>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ListUsers";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/csms/users";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let Self { org_id, offset, limit, user_info } = &self;
        let page = (offset.0, limit.0);
        let (total, users) =
            services.csms.list_users(caller, org_id.as_deref(), user_info.as_deref(), page)?;
        Ok(Reply { total, users: users.iter().map(|user| listed(user)).collect() })
    }
}
