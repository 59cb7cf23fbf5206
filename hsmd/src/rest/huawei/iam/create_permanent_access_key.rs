//! Makes an access key, whose secret half is told this once.

use dew::caller::Caller;
use dew::iam::{IamError, when};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    credential: New,
}

#[derive(Deserialize)]
struct New {
    user_id: String,
    description: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "CreatePermanentAccessKey";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3.0/OS-CREDENTIAL/credentials";
    const SUCCESS: u16 = 201;

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let New { user_id, description } = self.credential;
        Desk::check_lasting(caller)?;
        let (desk, user) = Desk::about_user::<Self>(caller, services, &user_id)?;
        let key = desk.acting().create_access_key(desk.account, user, &description.unwrap_or_default())?;
        Ok(json!({
            "credential": {
                "access": key.id.as_str(),
                "secret": String::from_utf8_lossy(key.secret.as_bytes()),
                "user_id": key.user.to_string(),
                "status": "active",
                "description": key.description,
                "create_time": when(key.created),
            },
        }))
    }
}
