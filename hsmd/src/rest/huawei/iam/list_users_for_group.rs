//! Lists the users in a group.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::id;
use super::desk::Desk;
use super::shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    group_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneListUsersForGroupByAdmin";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/groups/{group_id}/users";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        let group =
            desk.iam.group(desk.account, id(&self.group_id, "group")?).ok_or(IamError::Unknown("group"))?;
        let users: Vec<_> =
            desk.iam.users_in(desk.account, group.id).iter().map(|user| shown::user(user)).collect();
        let links = shown::list_links(&format!("/v3/groups/{}/users", group.id));
        Ok(json!({ "users": users, "links": links }))
    }
}
