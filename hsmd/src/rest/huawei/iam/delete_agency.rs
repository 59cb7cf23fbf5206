//! Deletes an agency.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;

use super::asked::id;
use super::desk::Desk;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    agency_id: String,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "DeleteAgency";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v3.0/OS-AGENCY/agencies/{agency_id}";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.agency_id))?;
        desk.acting().delete_agency(desk.account, id(&self.agency_id, "agency")?)?;
        Ok(Nothing {})
    }
}
