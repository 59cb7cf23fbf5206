//! Gives a group another name or description.

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
    group: Change,
}

#[derive(Deserialize)]
struct Change {
    name: Option<String>,
    description: Option<String>,
    domain_id: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneUpdateGroup";
    const METHOD: Method = Method::PATCH;
    const PATH: &'static str = "/v3/groups/{group_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        let Change { name, description, domain_id } = &self.group;
        desk.in_account(domain_id.as_deref())?;
        let group = id(&self.group_id, "group")?;
        let group =
            desk.acting().change_group(desk.account, group, name.as_deref(), description.as_deref())?;
        Ok(json!({ "group": shown::group(&group) }))
    }
}
