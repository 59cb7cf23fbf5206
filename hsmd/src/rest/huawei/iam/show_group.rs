//! Shows a group.

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
    const NAME: &'static str = "KeystoneShowGroup";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/groups/{group_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        let group =
            desk.iam.group(desk.account, id(&self.group_id, "group")?).ok_or(IamError::Unknown("group"))?;
        Ok(json!({ "group": shown::group(&group) }))
    }
}
