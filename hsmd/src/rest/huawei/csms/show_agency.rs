//! Whether the agencies by which secrets of a type are rotated are there, and as they must be.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_type: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    /// A text, as the interface has it.
    agency_granted: &'static str,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ShowAgency";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/csms/agencies";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let granted = services.csms.has_agencies(caller, &self.secret_type)?;
        Ok(Reply { agency_granted: if granted { "true" } else { "false" } })
    }
}
