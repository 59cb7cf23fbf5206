//! Shows an agency.

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
    agency_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ShowAgency";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-AGENCY/agencies/{agency_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.agency_id))?;
        let agency = desk
            .iam
            .agency(desk.account, id(&self.agency_id, "agency")?)
            .ok_or(IamError::Unknown("agency"))?;
        Ok(json!({ "agency": shown::agency(&agency, desk.iam) }))
    }
}
