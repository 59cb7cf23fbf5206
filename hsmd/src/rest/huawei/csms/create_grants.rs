//! Lets a user or a group read a secret.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::Deserialize;

use super::grants::{Asked, Reply};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op(Asked);

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "CreateGrants";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/csms/grants";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let (to, until) = self.0.terms()?;
        let grant = services.csms.grant_secret(caller, &self.0.resource_id, to, until)?;
        Ok((&*grant).into())
    }
}
