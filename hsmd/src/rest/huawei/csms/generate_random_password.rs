//! Makes a password, which is kept nowhere.

use dew::caller::Caller;
use dew::csms::{CsmsError, PasswordRules};
use hyper::Method;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    password_policy_name: Option<String>,
    length: Option<Number>,
    #[serde(default)]
    exclude_characters: String,
    #[serde(default)]
    exclude_lowercase: bool,
    #[serde(default)]
    exclude_uppercase: bool,
    #[serde(default)]
    exclude_numbers: bool,
    #[serde(default)]
    exclude_punctuation: bool,
    #[serde(default)]
    include_space: bool,
    #[serde(default)]
    require_each_included_type: bool,
}

#[derive(Serialize)]
pub(super) struct Reply {
    password: Zeroizing<String>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "GenerateRandomPassword";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/csms/generate-password";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        if let Some(name) = self.password_policy_name {
            return Err(CsmsError::Field(format!(
                "password_policy_name: there is no password policy {name:?}"
            )));
        }
        let rules = PasswordRules {
            length: self.length.map_or(PasswordRules::default().length, |length| length.0),
            exclude: self.exclude_characters,
            lower: !self.exclude_lowercase,
            upper: !self.exclude_uppercase,
            digits: !self.exclude_numbers,
            punctuation: !self.exclude_punctuation,
            space: self.include_space,
            each: self.require_each_included_type,
        };
        let password = services.csms.generate_password(caller, &rules)?;
        let password = String::from_utf8(password.as_bytes().to_vec());
        let password = password.map_err(|_| CsmsError::Internal("a password is of ASCII"))?;
        Ok(Reply { password: Zeroizing::new(password) })
    }
}
