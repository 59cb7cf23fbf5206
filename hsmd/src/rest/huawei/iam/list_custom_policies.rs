//! Lists the policies that the account has made.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::page;
use super::desk::Desk;
use super::shown;
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    page: Option<Number>,
    per_page: Option<Number>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ListCustomPolicies";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-ROLE/roles";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        let all = desk.iam.roles(desk.account);
        let total = all.len();
        let roles: Vec<_> =
            page(all, self.page, self.per_page)?.iter().map(|role| shown::role(role)).collect();
        let links = shown::list_links("/v3.0/OS-ROLE/roles");
        Ok(json!({ "roles": roles, "links": links, "total_number": total }))
    }
}
