//! Deletes a policy that is given to nobody.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::id;
use super::desk::Desk;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    role_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "DeleteCustomPolicy";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v3.0/OS-ROLE/roles/{role_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.role_id))?;
        desk.acting().delete_role(desk.account, id(&self.role_id, "policy")?)?;
        Ok(json!({ "message": "Delete success." }))
    }
}
