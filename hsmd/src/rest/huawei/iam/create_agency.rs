//! Makes an agency.

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
    agency: New,
}

#[derive(Deserialize)]
struct New {
    name: String,
    domain_id: String,
    trust_domain_id: Option<String>,
    trust_domain_name: Option<String>,
    description: Option<String>,
    duration: Option<Value>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "CreateAgency";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3.0/OS-AGENCY/agencies";
    const SUCCESS: u16 = 201;

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        Desk::check_lasting(caller)?;
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        let New { name, domain_id, trust_domain_id, trust_domain_name, description, duration } = self.agency;
        desk.in_account(Some(&domain_id))?;
        let trust =
            super::agency_fields::trust(desk.iam, trust_domain_id.as_deref(), trust_domain_name.as_deref())?;
        let trust = trust
            .ok_or(IamError::Invalid("an agency trusts somebody: trust_domain_name or trust_domain_id"))?;
        let days = super::agency_fields::days(duration.as_ref())?.unwrap_or_default();
        let description = description.unwrap_or_default();
        let agency = desk.acting().create_agency(desk.account, &name, &description, trust, days)?;
        Ok(json!({ "agency": shown::agency(&agency, desk.iam) }))
    }
}
