//! Tells what a token says, if it is good: the caller's own, or that of somebody of its account.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::desk::Desk;
use super::token_fields::{SUBJECT, Told, shown};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    #[serde(rename = "x-subject-token")]
    token: Zeroizing<String>,
}

impl Operation for Op {
    type Reply = Told;
    type Error = IamError;
    const NAME: &'static str = "KeystoneValidateToken";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/auth/tokens";
    const HEADERS: &'static [&'static str] = &[SUBJECT];

    fn headers(reply: &Told) -> Vec<(&'static str, &str)> {
        vec![(SUBJECT, &reply.text)]
    }

    fn run(self, caller: &Caller, services: &Services) -> Result<Told, IamError> {
        let desk = Desk::open(caller, services);
        // Another account's token is as one that is none.
        let token = desk.iam.token(&self.token).ok().filter(|token| token.identity.account == desk.account);
        let token = token.ok_or(IamError::Unknown("token"))?;
        Ok(Told { body: shown(&token, desk.iam), text: self.token.to_string() })
    }
}
