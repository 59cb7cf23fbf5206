//! Gives out an access key that expires: for a token, or to act through an agency. The body tells which
//! (`CreateTemporaryAccessKeyByAgency`).

use dew::caller::Caller;
use dew::iam::{IamError, TemporaryKey, when};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::token_fields::Through;
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

/// For how many seconds a key is good, if nobody says.
const SECONDS: u64 = 900;

#[derive(Deserialize)]
pub(super) struct Op {
    auth: Auth,
    #[serde(rename = "x-auth-token")]
    token: Option<Zeroizing<String>>,
}

#[derive(Deserialize)]
struct Auth {
    identity: Shown,
}

#[derive(Deserialize)]
struct Shown {
    methods: Vec<String>,
    token: Option<Given>,
    assume_role: Option<Assumed>,
    policy: Option<Value>,
}

#[derive(Deserialize)]
struct Given {
    id: Option<Zeroizing<String>>,
    duration_seconds: Option<Number>,
}

#[derive(Deserialize)]
struct Assumed {
    #[serde(flatten)]
    agency: Through,
    duration_seconds: Option<Number>,
    session_user: Option<Called>,
}

#[derive(Deserialize)]
struct Called {
    name: Option<String>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "CreateTemporaryAccessKeyByToken";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3.0/OS-CREDENTIAL/securitytokens";
    const SUCCESS: u16 = 201;
    const HEADERS: &'static [&'static str] = &["x-auth-token"];

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let (iam, identity) = (&services.iam, self.auth.identity);
        let policy = identity.policy.map(|policy| policy.to_string());
        let (policy, methods) = (policy.as_deref(), identity.methods.iter().map(String::as_str));
        let seconds = |asked: Option<Number>| asked.map_or(SECONDS, |seconds| seconds.0);
        let key = match (methods.collect::<Vec<_>>().as_slice(), identity.token, identity.assume_role) {
            (["token"], given, _) => {
                let (id, asked) = given.map_or((None, None), |given| (given.id, given.duration_seconds));
                match id.or(self.token) {
                    Some(token) => iam.key_by_token(&token, seconds(asked), policy)?,
                    None => iam.key_for(&caller.identity, seconds(asked), policy)?,
                }
            }
            (["assume_role"], _, Some(assumed)) => {
                let agency = assumed.agency.permitted(caller, "CreateTemporaryAccessKeyByAgency", iam)?;
                let called = assumed.session_user.and_then(|called| called.name);
                let seconds = seconds(assumed.duration_seconds);
                iam.key_by_agency(&caller.identity, agency.id, seconds, called.as_deref(), policy)?
            }
            _ => {
                return Err(IamError::Invalid(
                    "methods is [\"token\"] or [\"assume_role\"], each with its object",
                ));
            }
        };
        Ok(told(&key))
    }
}

fn told(key: &TemporaryKey) -> Value {
    json!({
        "credential": {
            "access": key.id.as_str(),
            "secret": String::from_utf8_lossy(key.secret.as_bytes()),
            "securitytoken": String::from_utf8_lossy(key.security_token.as_bytes()),
            "expires_at": when(key.expires),
        },
    })
}
