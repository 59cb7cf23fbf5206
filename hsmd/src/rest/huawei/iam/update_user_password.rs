//! Changes the caller's own password, which it knows. One that must be changed before it lets anybody in is changed by
//! whoever knows it, who can have no token yet.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::desk::Desk;
use super::token_fields::refused;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    user_id: String,
    user: Change,
}

#[derive(Deserialize)]
struct Change {
    password: Zeroizing<String>,
    original_password: Zeroizing<String>,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "KeystoneUpdateUserPassword";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3/users/{user_id}/password";
    const SUCCESS: u16 = 204;
    const PUBLIC: bool = true;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let Change { password, original_password } = &self.user;
        if caller.is_nobody() {
            let desk = Desk::open(caller, services);
            let user = self.user_id.parse().ok().and_then(|id| desk.iam.any_user(id));
            let may = |identity| {
                let known = Caller { identity, ..caller.clone() };
                services.iam.permit(&known, Self::NAME, Some(&self.user_id))
            };
            let changed =
                desk.acting().change_due_password(user.as_deref(), original_password, password, may);
            return changed.map(|()| Nothing {}).map_err(|error| refused(error, user.as_deref()));
        }
        let (desk, user) = Desk::about_user::<Self>(caller, services, &self.user_id)?;
        desk.acting().change_own_password(desk.account, user, original_password, password)?;
        Ok(Nothing {})
    }
}
