//! What can go wrong with another maker's module.

use std::fmt;

/// Why a module did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be loaded.
    #[error("the module cannot be loaded: {0}")]
    Load(String),
    /// It lacks a function of the standard.
    #[error("the module has no {0}")]
    Missing(&'static str),
    /// This program has initialised it already.
    #[error("the module is in use in this program already (a UKey behind it?)")]
    InUse,
    /// The string for its initialisation has a zero byte in it.
    #[error("the module's parameters have a zero byte in them")]
    Parameters,
    /// It says so itself.
    #[error("{function} failed: {code}")]
    Failed {
        /// The function.
        function: &'static str,
        /// Its answer.
        code: Code,
    },
    /// It tells of something that is longer than is read.
    #[error("an attribute of {len} bytes is longer than is read")]
    TooLong {
        /// Its length.
        len: u64,
    },
}

/// What a function answered: `CK_RV`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u64);

#[allow(missing_docs)]
impl Code {
    pub const ATTRIBUTE_SENSITIVE: Self = Self(0x11);
    pub const ATTRIBUTE_TYPE_INVALID: Self = Self(0x12);
    pub const MECHANISM_INVALID: Self = Self(0x70);
    pub const PIN_INCORRECT: Self = Self(0xa0);
    pub const PIN_LOCKED: Self = Self(0xa4);
    pub const ALREADY_LOGGED_IN: Self = Self(0x100);
    pub const ALREADY_INITIALIZED: Self = Self(0x191);

    /// Names of the codes that are met here.
    const NAMES: &'static [(u64, &'static str)] = &[
        (0x02, "CKR_HOST_MEMORY"),
        (0x05, "CKR_GENERAL_ERROR"),
        (0x06, "CKR_FUNCTION_FAILED"),
        (0x07, "CKR_ARGUMENTS_BAD"),
        (0x11, "CKR_ATTRIBUTE_SENSITIVE"),
        (0x12, "CKR_ATTRIBUTE_TYPE_INVALID"),
        (0x13, "CKR_ATTRIBUTE_VALUE_INVALID"),
        (0x30, "CKR_DEVICE_ERROR"),
        (0x54, "CKR_FUNCTION_NOT_SUPPORTED"),
        (0x63, "CKR_KEY_TYPE_INCONSISTENT"),
        (0x68, "CKR_KEY_FUNCTION_NOT_PERMITTED"),
        (0x69, "CKR_KEY_NOT_WRAPPABLE"),
        (0x6a, "CKR_KEY_UNEXTRACTABLE"),
        (0x70, "CKR_MECHANISM_INVALID"),
        (0x71, "CKR_MECHANISM_PARAM_INVALID"),
        (0xa0, "CKR_PIN_INCORRECT"),
        (0xa4, "CKR_PIN_LOCKED"),
        (0xb5, "CKR_SESSION_READ_ONLY"),
        (0xd0, "CKR_TEMPLATE_INCOMPLETE"),
        (0xd1, "CKR_TEMPLATE_INCONSISTENT"),
        (0xe1, "CKR_TOKEN_NOT_RECOGNIZED"),
        (0x101, "CKR_USER_NOT_LOGGED_IN"),
        (0x113, "CKR_WRAPPING_KEY_HANDLE_INVALID"),
        (0x115, "CKR_WRAPPING_KEY_TYPE_INCONSISTENT"),
        (0x150, "CKR_BUFFER_TOO_SMALL"),
    ];
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(code, _)| *code == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{:#x}", self.0),
        }
    }
}
