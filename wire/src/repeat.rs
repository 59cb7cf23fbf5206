//! For how long the answer to an `Init` holds, so that the module need not ask again.

use serde::{Deserialize, Serialize};

/// What comes back of an `Init` that succeeded: whether the same call would succeed again on the same session,
/// with no operation of its kind active there, for as long as the application's [`crate::watch`] file shows no
/// change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Repeat {
    /// Nobody knows: ask each time.
    #[default]
    Ask,
    /// It would, with the same mechanism, parameter and key.
    Same,
    /// It would also with other bytes in the parameter's byte strings, if their lengths are the same: an IV, a
    /// label.
    SameLengths,
}
