//! Deletes a group. Its users stay.

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
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "KeystoneDeleteGroup";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v3/groups/{group_id}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        desk.acting().delete_group(desk.account, id(&self.group_id, "group")?)?;
        Ok(Nothing {})
    }
}
