//! Dedicated HSM instances.

use wire::admin::Told;
use wire::admin::instance::Ask;

use super::talk::Talk;

/// The answer, or why there is none.
pub(super) fn answer(_: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    match *ask {}
}
