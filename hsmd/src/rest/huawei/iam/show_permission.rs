//! Shows a policy, of the system or of the account.

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
    role_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneShowPermission";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/roles/{role_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.role_id))?;
        let role = shown::any_role(id(&self.role_id, "policy")?, desk.account, desk.iam)
            .ok_or(IamError::Unknown("policy"))?;
        Ok(json!({ "role": role }))
    }
}
