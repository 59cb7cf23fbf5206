//! What the KMS does for the console alone, since the cloud's interface has no operation for it: its own console does it
//! some other way.

use super::huawei::KMS;
use super::operation::operations;

/// No path leads to them.
const NOWHERE: &str = "";

operations! {
    &KMS =>
    edit_grant
    move_key
    show_key_counts
    tell_deletion_risk
}
