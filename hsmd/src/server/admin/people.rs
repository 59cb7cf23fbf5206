//! People: who is registered with which UKey, in which role, and who is at the console.

use wire::admin::Told;
use wire::admin::people::Ask;

use super::talk::Talk;

/// The answer, or why there is none.
pub(super) fn answer(_: &mut Talk<'_>, _: &Ask) -> Result<Told, String> {
    Err("people are not there yet".into())
}
