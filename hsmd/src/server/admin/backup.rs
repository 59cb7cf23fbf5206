//! Backup, restore and cloning.

use wire::admin::Told;
use wire::admin::backup::Ask;

use super::talk::Talk;

/// The answer, or why there is none.
pub(super) fn answer(_: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    match *ask {}
}
