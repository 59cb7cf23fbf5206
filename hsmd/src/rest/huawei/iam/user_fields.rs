//! What operations on users have in common.

use dew::iam::{AccessMode, IamError, LoginProtection, User};
use serde_json::{Value, json};

/// How a user may come in, if that is said.
///
/// # Errors
/// `Invalid`
pub(super) fn mode(name: Option<&str>) -> Result<Option<AccessMode>, IamError> {
    let wrong = IamError::Invalid("access_mode is default, programmatic or console");
    name.map(|name| AccessMode::named(name).ok_or(wrong)).transpose()
}

/// A user's type and id in another system: both or neither.
///
/// # Errors
/// `Invalid`
pub(super) fn external<'a>(
    kind: Option<&'a str>,
    id: Option<&'a str>,
) -> Result<Option<(&'a str, &'a str)>, IamError> {
    match (kind, id) {
        (Some(kind), Some(id)) => Ok(Some((kind, id))),
        (None, None) => Ok(None),
        _ => Err(IamError::Invalid("xuser_type and xuser_id come together")),
    }
}

/// Whether a user's log-in asks for a second factor.
pub(super) fn login_protect(user: &User) -> Value {
    json!({
        "user_id": user.id.to_string(),
        "enabled": user.protection == LoginProtection::Device,
        "verification_method": "vmfa",
    })
}
