//! Changes how the caller itself is reached, where the account lets it.

use dew::caller::Caller;
use dew::iam::{IamError, UserChange};
use hyper::Method;
use serde::Deserialize;

use super::desk::Desk;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    user_id: String,
    user: Change,
}

#[derive(Deserialize)]
struct Change {
    email: Option<String>,
    mobile: Option<String>,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = IamError;
    const NAME: &'static str = "UpdateUserInformation";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v3.0/OS-USER/users/{user_id}/info";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, IamError> {
        let (desk, user) = Desk::about_user::<Self>(caller, services, &self.user_id)?;
        let protection =
            desk.iam.account(desk.account).map(|account| account.protection.clone()).unwrap_or_default();
        let Change { email, mobile } = &self.user;
        if (email.is_some() && !protection.own_email) || (mobile.is_some() && !protection.own_phone) {
            return Err(IamError::Forbidden("the account does not let its users change this".to_owned()));
        }
        // The country stands in front of the number: `0086-1234`.
        let phone = mobile.as_deref().map(|mobile| mobile.split_once('-').unwrap_or(("", mobile)));
        let change = UserChange {
            email: email.as_deref(),
            areacode: phone.map(|(areacode, _)| areacode),
            phone: phone.map(|(_, phone)| phone),
            ..UserChange::default()
        };
        desk.acting().change_user(desk.account, user, &change)?;
        Ok(Nothing {})
    }
}
