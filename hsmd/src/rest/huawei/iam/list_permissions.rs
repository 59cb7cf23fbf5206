//! Lists the policies of the system, or those that the account has made.

use dew::caller::Caller;
use dew::iam::IamError;
use dew::iam::policy::{SYSTEM_POLICIES, Sort, SystemPolicy};
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
    domain_id: Option<String>,
    name: Option<String>,
    display_name: Option<String>,
    catalog: Option<String>,
    r#type: Option<String>,
    permission_type: Option<String>,
    page: Option<Number>,
    per_page: Option<Number>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneListPermissions";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/roles";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        // An account's own are listed for its id; the SDKs leave that out for the system's.
        let own = self.domain_id.is_some();
        desk.in_account(self.domain_id.as_deref())?;
        let all: Vec<Value> = match own {
            true => desk.iam.roles(desk.account).iter().map(|role| shown::role(role)).collect(),
            false => SYSTEM_POLICIES.iter().map(shown::system_role).collect(),
        };
        let kind = self.permission_type.as_deref();
        let is = |role: &Value, field: &str, wanted: &Option<String>| {
            wanted.as_deref().is_none_or(|wanted| role.get(field).and_then(Value::as_str) == Some(wanted))
        };
        // Which ones can be given where: `domain` for global services, `project` for those of projects, in all of them.
        let level = |role: &Value| match (self.r#type.as_deref(), role.get("type").and_then(Value::as_str)) {
            (None | Some("all"), _) => true,
            (Some(level), Some(kind)) => {
                matches!((level, kind), ("domain", "AX" | "AA") | ("project", "XA" | "AA"))
            }
            (Some(_), None) => false,
        };
        let sort = |role: &Value| match kind {
            Some("role" | "policy") if !own => {
                let found = role.get("id").and_then(Value::as_str).and_then(SystemPolicy::find);
                found.is_some_and(|found| (found.sort == Sort::Role) == (kind == Some("role")))
            }
            _ => true,
        };
        let wanted = all.into_iter().filter(|role| {
            is(role, "name", &self.name)
                && is(role, "display_name", &self.display_name)
                && is(role, "catalog", &self.catalog)
                && level(role)
                && sort(role)
        });
        let wanted: Vec<_> = wanted.collect();
        let total = wanted.len();
        let roles = page(wanted, self.page, self.per_page)?;
        Ok(json!({ "roles": roles, "links": shown::list_links("/v3/roles"), "total_number": total }))
    }
}
