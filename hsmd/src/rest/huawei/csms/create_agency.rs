//! Makes the agencies by which secrets of a type are rotated.

use dew::caller::Caller;
use dew::csms::{CsmsError, MadeAgency};
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
    agencies: Vec<Agency>,
}

/// `Agency`
#[derive(Serialize)]
struct Agency {
    agency_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agency_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_msg: Option<String>,
}

impl From<MadeAgency> for Agency {
    fn from(made: MadeAgency) -> Self {
        let MadeAgency { name: agency_name, id, wrong: error_msg } = made;
        Self { agency_name, agency_id: id.map(|id| id.to_string()), error_msg }
    }
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "CreateAgency";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/csms/agencies";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let made = services.csms.create_agencies(caller, &self.secret_type)?;
        Ok(Reply { agencies: made.into_iter().map(Into::into).collect() })
    }
}
