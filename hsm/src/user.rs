//! Who is logged in to a token.

/// The user of a token, as an application is logged in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum User {
    /// Nobody: only public objects are seen.
    #[default]
    Nobody,
    /// `CKU_USER`
    User,
    /// `CKU_SO`
    So,
}

impl User {
    /// The name that events and logs use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::User => "user",
            Self::So => "so",
        }
    }
}

/// `CKU_SO`
pub const CKU_SO: u64 = 0;
/// `CKU_USER`
pub const CKU_USER: u64 = 1;
/// `CKU_CONTEXT_SPECIFIC`
pub const CKU_CONTEXT_SPECIFIC: u64 = 2;
