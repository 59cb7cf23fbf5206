//! What operations on agencies have in common.

use dew::iam::{Iam, IamError, Trust};
use serde_json::Value;

/// Whom an agency trusts, if that is said: an account by its id or its name, or a service (`op_svc_…`) by its name.
///
/// # Errors
/// `Unknown` for an account that is not there.
pub(super) fn trust(iam: &Iam, id: Option<&str>, name: Option<&str>) -> Result<Option<Trust>, IamError> {
    let unknown = || IamError::Unknown("account");
    if let Some(id) = id {
        let account = id.parse().ok().and_then(|id| iam.account(id)).ok_or_else(unknown)?;
        return Ok(Some(Trust::Account(account.id)));
    }
    let Some(name) = name else { return Ok(None) };
    if name.starts_with("op_svc_") {
        return Ok(Some(Trust::Service(name.to_owned())));
    }
    iam.account_named(name).map(|account| Some(Trust::Account(account.id))).ok_or_else(unknown)
}

/// For how many days an agency is, if that is said: `FOREVER`, `ONEDAY`, or a number. The inner none is for ever.
///
/// # Errors
/// `Invalid`
pub(super) fn days(duration: Option<&Value>) -> Result<Option<Option<u32>>, IamError> {
    let wrong = IamError::Invalid("duration is FOREVER, ONEDAY, or a number of days");
    match duration {
        None => Ok(None),
        Some(Value::String(text)) => match text.as_str() {
            "FOREVER" => Ok(Some(None)),
            "ONEDAY" => Ok(Some(Some(1))),
            text => text.parse().map(|days| Some(Some(days))).map_err(|_| wrong),
        },
        Some(Value::Number(number)) => {
            let days = number.as_u64().and_then(|days| u32::try_from(days).ok());
            days.map(|days| Some(Some(days))).ok_or(wrong)
        }
        Some(_) => Err(wrong),
    }
}
