//! Makes a policy, also one for agencies (`CreateAgencyCustomPolicy`).

use dew::caller::Caller;
use dew::iam::{IamError, Level};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::Desk;
use super::shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    role: New,
}

#[derive(Deserialize)]
struct New {
    display_name: String,
    r#type: String,
    description: String,
    description_cn: Option<String>,
    policy: Value,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "CreateCloudServiceCustomPolicy";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3.0/OS-ROLE/roles";
    const SUCCESS: u16 = 201;

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        let New { display_name, r#type, description, description_cn, policy } = self.role;
        let level = Level::named(&r#type).ok_or(IamError::Invalid("a policy is of type AX or XA"))?;
        let (text, acting) = (policy.to_string(), desk.acting());
        let description_cn = description_cn.unwrap_or_default();
        let role =
            acting.create_role(desk.account, &display_name, (&description, &description_cn), level, &text)?;
        Ok(json!({ "role": shown::role(&role) }))
    }
}
