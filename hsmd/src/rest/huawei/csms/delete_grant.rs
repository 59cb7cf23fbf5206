//! Takes what a user or a group was given on a secret, or all were.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    resource_id: String,
    grantee_user: Option<String>,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = CsmsError;
    const NAME: &'static str = "DeleteGrant";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v1/{project_id}/csms/grants";

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, CsmsError> {
        services.csms.revoke_secret(caller, &self.resource_id, self.grantee_user.as_deref())?;
        Ok(Nothing {})
    }
}
