//! Objects that come from elsewhere, and keys that are made from the console.

use wire::admin::Told;
use wire::admin::import::Ask;

use super::talk::Talk;

/// The answer, or why there is none.
pub(super) fn answer(_: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    match *ask {}
}
