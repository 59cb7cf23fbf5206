//! The file through which the daemon tells an application that answers it was given may not hold any more.
//!
//! The daemon passes it with the [`crate::handshake::Welcome`] frame (`SCM_RIGHTS`), to be read only, and the
//! module maps it. It holds two counts, each a `u64` in the machine's order: changes that have begun, then
//! changes that have ended. The daemon counts a change before any of it can be seen, and again when all of it
//! can. While the counts differ nothing is certain; while both are what they were, nothing has changed.

/// The file's length in bytes: the count of changes begun, then that of changes ended.
pub const LEN: usize = 16;
/// Where the count of changes that have begun stands.
pub const BEGUN: usize = 0;
/// Where the count of changes that have ended stands.
pub const ENDED: usize = 8;
