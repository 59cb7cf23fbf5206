//! Shows an access key, and when it was last used.

use dew::caller::Caller;
use dew::iam::{IamError, when};
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
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ShowPermanentAccessKey";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-CREDENTIAL/credentials/{access_key}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let key = id(&self.access_key, "access key")?;
        let found = services
            .iam
            .access_key_of(caller.identity.account, key)
            .ok_or(IamError::Unknown("access key"))?;
        let (desk, _) = Desk::about_user::<Self>(caller, services, &found.user.to_string())?;
        let used = desk.iam.last_use(key).map_or_else(String::new, when);
        let key = shown::with(shown::access_key(&found), json!({ "last_use_time": used }));
        Ok(json!({ "credential": key }))
    }
}
