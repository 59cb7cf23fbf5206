//! What operations on virtual MFA devices have in common: a device is named by its account and its own name.

use dew::iam::{IamError, User, UserId};
use serde_json::{Value, json};

use super::desk::Desk;

/// The serial number of a user's device.
pub(super) fn serial(user: &User) -> String {
    let name = user.device.as_ref().map(|device| device.name.as_str()).unwrap_or_default();
    format!("iam:{}:mfa:{name}", user.account)
}

/// A user's device.
pub(super) fn shown(user: &User) -> Value {
    json!({ "serial_number": serial(user), "user_id": user.id.to_string() })
}

/// Refuses a serial number that is not that of the user's device.
///
/// # Errors
/// `Unknown`
pub(super) fn check(desk: &Desk<'_>, user: UserId, number: &str) -> Result<(), IamError> {
    let user = desk.iam.user(desk.account, user).filter(|user| user.device.is_some());
    match user.filter(|user| serial(user) == number) {
        Some(_) => Ok(()),
        None => Err(IamError::Unknown("virtual MFA device")),
    }
}
