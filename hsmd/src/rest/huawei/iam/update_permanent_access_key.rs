//! Lets requests be signed with an access key or no more, or says what it is for.

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
    access_key: String,
    credential: Change,
}

#[derive(Deserialize)]
struct Change {
    status: Option<String>,
    description: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "UpdatePermanentAccessKey";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v3.0/OS-CREDENTIAL/credentials/{access_key}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let active = match self.credential.status.as_deref() {
            None => None,
            Some("active") => Some(true),
            Some("inactive") => Some(false),
            Some(_) => return Err(IamError::Invalid("an access key is active or inactive")),
        };
        if active == Some(true) {
            Desk::check_lasting(caller)?;
        }
        let key = id(&self.access_key, "access key")?;
        let found = services
            .iam
            .access_key_of(caller.identity.account, key)
            .ok_or(IamError::Unknown("access key"))?;
        let (desk, _) = Desk::about_user::<Self>(caller, services, &found.user.to_string())?;
        let description = self.credential.description.as_deref();
        let key = desk.acting().change_access_key(desk.account, key, active, description)?;
        Ok(json!({ "credential": shown::access_key(&key) }))
    }
}
