//! Makes a group.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::Desk;
use super::shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    group: New,
}

#[derive(Deserialize)]
struct New {
    name: String,
    description: Option<String>,
    domain_id: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneCreateGroup";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3/groups";
    const SUCCESS: u16 = 201;

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        let New { name, description, domain_id } = self.group;
        desk.in_account(domain_id.as_deref())?;
        let group = desk.acting().create_group(desk.account, &name, &description.unwrap_or_default())?;
        Ok(json!({ "group": shown::group(&group) }))
    }
}
