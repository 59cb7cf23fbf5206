//! Shows a policy that the account has made, and how often it is given.

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
    const NAME: &'static str = "ShowCustomPolicy";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-ROLE/roles/{role_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.role_id))?;
        let role =
            desk.iam.role(desk.account, id(&self.role_id, "policy")?).ok_or(IamError::Unknown("policy"))?;
        let given = desk.iam.assignments(desk.account).iter().filter(|given| given.role == role.id).count();
        let role = shown::with(shown::role(&role), json!({ "references": given }));
        Ok(json!({ "role": role }))
    }
}
