//! The root key: who holds it, sealing, re-keying, zeroizing.

use wire::admin::Told;
use wire::admin::root::Ask;

use super::talk::Talk;

/// The answer, or why there is none.
pub(super) fn answer(_: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    match *ask {}
}
