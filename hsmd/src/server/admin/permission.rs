//! Whether a command may be given: the one place where the console's commands are let through.

use wire::admin::Act;

use super::talk::Talk;

/// Lets the command through.
///
/// # Errors
/// Why it may not be given, and by whom it may.
pub(super) fn check(_: &Talk<'_>, _: &Act<'_>) -> Result<(), String> {
    // Until people are registered, whoever may connect is the security officer of the HSM.
    Ok(())
}
