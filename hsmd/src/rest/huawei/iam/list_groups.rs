//! Lists the groups of the account.

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
    domain_id: Option<String>,
    name: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneListGroups";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/groups";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        desk.in_account(self.domain_id.as_deref())?;
        let groups = desk.iam.groups(desk.account).into_iter();
        let groups = groups.filter(|group| self.name.as_ref().is_none_or(|name| *name == group.name));
        let groups: Vec<_> = groups.map(|group| shown::group(&group)).collect();
        Ok(json!({ "groups": groups, "links": shown::list_links("/v3/groups") }))
    }
}
