//! Shows how many of each thing the account may have, and has.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    domain_id: String,
    r#type: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ShowDomainQuota";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-QUOTA/domains/{domain_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.domain_id))?;
        desk.in_account(Some(&self.domain_id))?;
        let resources: Vec<_> = desk.iam.quotas(desk.account).into_iter().filter_map(|(quota, used)| {
            let kind = quota.kind()?;
            let wanted = self.r#type.as_deref().is_none_or(|wanted| wanted == kind);
            wanted.then(|| json!({ "type": kind, "quota": quota.most(), "used": used, "min": 0, "max": quota.most() }))
        }).collect();
        if resources.is_empty() {
            return Err(IamError::Invalid("there is no quota of that type"));
        }
        Ok(json!({ "quotas": { "resources": resources } }))
    }
}
