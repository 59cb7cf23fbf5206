//! Key policy: the one point every use of a key passes, and the profiles it follows.

/// How strict a partition is with its keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Conflicting roles are refused when a key is made.
    Strict,
    /// Conflicting roles are granted, and become exclusive when the first of them is used.
    #[default]
    Standard,
    /// As other tokens have it: nothing is refused that the standard lets pass.
    Legacy,
}
