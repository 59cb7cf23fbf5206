//! Users as answers show them. The interface has the same fields in lists and alone, of other types.

use dew::iam::{User, when};
use serde::Serialize;

/// `UsersDetailsResult`, and the answer about one.
#[derive(Serialize)]
pub(super) struct UserInfo<Flag> {
    user_id: String,
    org_id: String,
    user_name: String,
    name: String,
    mobile: String,
    email: String,
    pwd_must_modify: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pwd_change_at: Option<String>,
    created_at: String,
    updated_at: String,
    disabled: Flag,
    /// Of one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_id: Option<String>,
}

/// A user in a list, where flags are texts.
pub(super) fn listed(user: &User) -> UserInfo<&'static str> {
    info(user, if user.enabled { "false" } else { "true" }, None)
}

/// A user alone.
pub(super) fn detailed(user: &User) -> UserInfo<bool> {
    info(user, !user.enabled, Some(user.account.to_string()))
}

fn info<Flag>(user: &User, disabled: Flag, domain_id: Option<String>) -> UserInfo<Flag> {
    let password = user.password.as_ref();
    UserInfo {
        user_id: user.id.to_string(),
        org_id: user.account.to_string(),
        user_name: user.name.clone(),
        name: user.name.clone(),
        mobile: user.phone.clone(),
        email: user.email.clone(),
        pwd_must_modify: password.is_some_and(|password| password.temporary),
        pwd_change_at: password.map(|password| when(password.set)),
        created_at: when(user.created),
        updated_at: when(user.updated),
        disabled,
        domain_id,
    }
}
