//! The operations as the console asks for them: by name, with all fields in one body, and who asks known already.

use dew::caller::Caller;

use super::huawei;
use super::operation::Input;
use crate::services::Services;

/// Does an operation of the KMS, and gives its answer as JSON; empty if there is nothing to say.
///
/// # Errors
/// Why it was not done, with the interface's code.
pub(crate) fn kms(
    operation: &str,
    body: &[u8],
    caller: &Caller,
    services: &Services,
) -> Result<Vec<u8>, String> {
    let row = huawei::of_kms(operation).ok_or_else(|| format!("the KMS has no operation {operation:?}"))?;
    let input = Input { body: body.to_vec(), ..Input::default() };
    let done = (row.run)(row, input, caller, services);
    done.map(|done| done.body).map_err(|failure| format!("{} ({})", failure.message, failure.code))
}
