//! Lists the agencies of the account.

use dew::caller::Caller;
use dew::iam::{IamError, Trust};
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
    domain_id: String,
    trust_domain_id: Option<String>,
    name: Option<String>,
    page: Option<Number>,
    per_page: Option<Number>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ListAgencies";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-AGENCY/agencies";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        desk.in_account(Some(&self.domain_id))?;
        let trusted = |trust: &Trust| match trust {
            Trust::Account(id) => Some(id.to_string()),
            Trust::Service(_) => None,
        };
        let wanted = desk.iam.agencies(desk.account).into_iter().filter(|agency| {
            self.name.as_ref().is_none_or(|name| *name == agency.name)
                && (self.trust_domain_id.is_none() || self.trust_domain_id == trusted(&agency.trust))
        });
        let agencies = page(wanted.collect(), self.page, self.per_page)?;
        let agencies: Vec<_> = agencies.iter().map(|agency| shown::agency(agency, desk.iam)).collect();
        Ok(json!({ "agencies": agencies }))
    }
}
