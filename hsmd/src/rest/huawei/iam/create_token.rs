//! Gives out a token: for a password, with or without a code beside it, for another token, or to act through an agency.
//! The body tells which (`KeystoneCreateUserTokenByPasswordAndMfa`, `KeystoneCreateScopedToken`,
//! `KeystoneCreateAgencyToken`).

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::desk::Desk;
use super::token_fields::{Login, SUBJECT, Scope, Through, Told, refused};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    identity: Shown,
    #[serde(default)]
    scope: Scope,
}

/// How the caller shows who it is.
#[derive(Deserialize)]
struct Shown {
    methods: Vec<String>,
    password: Option<Password>,
    totp: Option<Totp>,
    token: Option<Given>,
    assume_role: Option<Through>,
}

#[derive(Deserialize)]
struct Password {
    user: Login,
}

#[derive(Deserialize)]
struct Totp {
    user: Code,
}

#[derive(Deserialize)]
struct Code {
    id: String,
    passcode: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Given {
    id: Zeroizing<String>,
}

impl Operation for Op {
    type Reply = Told;
    type Error = IamError;
    const NAME: &'static str = "KeystoneCreateUserTokenByPassword";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3/auth/tokens";
    const SUCCESS: u16 = 201;
    const PUBLIC: bool = true;

    fn headers(reply: &Told) -> Vec<(&'static str, &str)> {
        vec![(SUBJECT, &reply.text)]
    }

    fn run(self, caller: &Caller, services: &Services) -> Result<Told, IamError> {
        let desk = Desk::open(caller, services);
        let (iam, Auth { mut identity, scope }) = (desk.iam, self.auth);
        let methods = std::mem::take(&mut identity.methods);
        let mut methods: Vec<&str> = methods.iter().map(String::as_str).collect();
        methods.sort_unstable();
        let issued = match (methods.as_slice(), identity) {
            (["password"], Shown { password: Some(Password { user }), .. }) => {
                by_password(&desk, &user, None, &scope)?
            }
            (["password", "totp"], Shown { password: Some(Password { user }), totp: Some(totp), .. }) => {
                by_password(&desk, &user, Some(&totp.user), &scope)?
            }
            (["token"], Shown { token: Some(Given { id }), .. }) => {
                let token = iam.token(&id)?;
                let scope = scope.in_account(token.identity.account, iam)?;
                iam.issue_token_for(&token.identity, scope)?
            }
            (["assume_role"], Shown { assume_role: Some(agency), .. }) => {
                let agency = agency.permitted(caller, "KeystoneCreateAgencyToken", iam)?;
                let scope = scope.in_account(agency.account, iam)?;
                iam.assume(&caller.identity, agency.id, scope)?
            }
            _ => {
                return Err(IamError::Invalid(
                    "methods is [\"password\"], [\"password\", \"totp\"], [\"token\"] or [\"assume_role\"], each with its \
                     object",
                ));
            }
        };
        Ok(Told::of(issued, iam))
    }
}

fn by_password(
    desk: &Desk<'_>,
    login: &Login,
    code: Option<&Code>,
    scope: &Scope,
) -> Result<dew::iam::Issued, IamError> {
    let user = login.find(desk.iam);
    // The code is of the same user, or of nobody.
    let same = |code: &Code| user.as_ref().is_some_and(|user| user.id.to_string() == code.id);
    let user = if code.is_none_or(same) { user.clone() } else { None };
    let passcode = code.map(|code| code.passcode.as_str());
    let logged_in = desk.acting().log_in(user.clone(), &login.password, passcode);
    let logged_in = logged_in.map_err(|error| refused(error, user.as_deref()))?;
    let scope = scope.in_account(logged_in.identity.account, desk.iam)?;
    desk.iam.issue_token(&logged_in, scope)
}
