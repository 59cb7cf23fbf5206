//! Changes a policy that the account has made (`UpdateAgencyCustomPolicy` too).

use dew::caller::Caller;
use dew::iam::{IamError, Level, RoleChange};
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
    role: Change,
}

#[derive(Deserialize)]
struct Change {
    display_name: String,
    r#type: String,
    description: String,
    description_cn: Option<String>,
    policy: Value,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "UpdateCloudServiceCustomPolicy";
    const METHOD: Method = Method::PATCH;
    const PATH: &'static str = "/v3.0/OS-ROLE/roles/{role_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.role_id))?;
        let Change { display_name, r#type, description, description_cn, policy } = self.role;
        let level = Level::named(&r#type).ok_or(IamError::Invalid("a policy is of type AX or XA"))?;
        let text = policy.to_string();
        let change = RoleChange {
            name: Some(&display_name),
            description: Some(&description),
            description_cn: description_cn.as_deref(),
            document: Some((level, &text)),
        };
        let role = desk.acting().change_role(desk.account, id(&self.role_id, "policy")?, change)?;
        Ok(json!({ "role": shown::role(&role) }))
    }
}
