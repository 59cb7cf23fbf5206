//! Changes an agency.

use dew::caller::Caller;
use dew::iam::{AgencyChange, IamError};
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
    agency_id: String,
    agency: Change,
}

#[derive(Deserialize)]
struct Change {
    trust_domain_id: Option<String>,
    trust_domain_name: Option<String>,
    description: Option<String>,
    duration: Option<Value>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "UpdateAgency";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v3.0/OS-AGENCY/agencies/{agency_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        Desk::check_lasting(caller)?;
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.agency_id))?;
        let Change { trust_domain_id, trust_domain_name, description, duration } = &self.agency;
        let change = AgencyChange {
            description: description.as_deref(),
            trust: super::agency_fields::trust(
                desk.iam,
                trust_domain_id.as_deref(),
                trust_domain_name.as_deref(),
            )?,
            days: super::agency_fields::days(duration.as_ref())?,
        };
        let agency = desk.acting().change_agency(desk.account, id(&self.agency_id, "agency")?, change)?;
        Ok(json!({ "agency": shown::agency(&agency, desk.iam) }))
    }
}
