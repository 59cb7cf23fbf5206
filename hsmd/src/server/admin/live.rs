//! What happens now: counters, for `hsm-admin top`.

use wire::admin::Told;
use wire::admin::live::Ask;

use super::talk::Talk;

/// The answer, or why there is none.
pub(super) fn answer(_: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    match *ask {}
}
