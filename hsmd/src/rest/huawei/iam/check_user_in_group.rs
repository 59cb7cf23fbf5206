//! Tells whether a user is in a group.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;

use super::asked::id;
use super::desk::Desk;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    group_id: String,
    user_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "KeystoneCheckUserInGroup";
    const METHOD: Method = Method::HEAD;
    const PATH: &'static str = "/v3/groups/{group_id}/users/{user_id}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        let group = id(&self.group_id, "group")?;
        let user = desk.iam.user(desk.account, id(&self.user_id, "user")?);
        let is_in = user.is_some_and(|user| user.groups.contains(&group));
        if is_in { Ok(Nothing {}) } else { Err(IamError::Unknown("user in the group")) }
    }
}
