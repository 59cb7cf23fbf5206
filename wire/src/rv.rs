//! Return values: `CK_RV` as a type, with the names of the standard.
//!
//! The numbers are those of the header of PKCS#11 3.2 ("Cryptoki return values").

use std::fmt;

use serde::{Deserialize, Serialize};

/// A `CK_RV`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rv(pub u64);

macro_rules! names {
    ($($name:ident = $value:literal;)*) => {
        #[allow(missing_docs)]
        impl Rv {
            $(pub const $name: Self = Self($value);)*

            /// The standard's name without its prefix, such as `PIN_LOCKED`.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

names! {
    OK = 0x0;
    CANCEL = 0x1;
    HOST_MEMORY = 0x2;
    SLOT_ID_INVALID = 0x3;
    GENERAL_ERROR = 0x5;
    FUNCTION_FAILED = 0x6;
    ARGUMENTS_BAD = 0x7;
    NO_EVENT = 0x8;
    NEED_TO_CREATE_THREADS = 0x9;
    CANT_LOCK = 0xa;
    ATTRIBUTE_READ_ONLY = 0x10;
    ATTRIBUTE_SENSITIVE = 0x11;
    ATTRIBUTE_TYPE_INVALID = 0x12;
    ATTRIBUTE_VALUE_INVALID = 0x13;
    ACTION_PROHIBITED = 0x1b;
    DATA_INVALID = 0x20;
    DATA_LEN_RANGE = 0x21;
    DEVICE_ERROR = 0x30;
    DEVICE_MEMORY = 0x31;
    DEVICE_REMOVED = 0x32;
    ENCRYPTED_DATA_INVALID = 0x40;
    ENCRYPTED_DATA_LEN_RANGE = 0x41;
    AEAD_DECRYPT_FAILED = 0x42;
    FUNCTION_CANCELED = 0x50;
    FUNCTION_NOT_PARALLEL = 0x51;
    FUNCTION_NOT_SUPPORTED = 0x54;
    KEY_HANDLE_INVALID = 0x60;
    KEY_SIZE_RANGE = 0x62;
    KEY_TYPE_INCONSISTENT = 0x63;
    KEY_NOT_NEEDED = 0x64;
    KEY_CHANGED = 0x65;
    KEY_NEEDED = 0x66;
    KEY_INDIGESTIBLE = 0x67;
    KEY_FUNCTION_NOT_PERMITTED = 0x68;
    KEY_NOT_WRAPPABLE = 0x69;
    KEY_UNEXTRACTABLE = 0x6a;
    MECHANISM_INVALID = 0x70;
    MECHANISM_PARAM_INVALID = 0x71;
    OBJECT_HANDLE_INVALID = 0x82;
    OPERATION_ACTIVE = 0x90;
    OPERATION_NOT_INITIALIZED = 0x91;
    PIN_INCORRECT = 0xa0;
    PIN_INVALID = 0xa1;
    PIN_LEN_RANGE = 0xa2;
    PIN_EXPIRED = 0xa3;
    PIN_LOCKED = 0xa4;
    SESSION_CLOSED = 0xb0;
    SESSION_COUNT = 0xb1;
    SESSION_HANDLE_INVALID = 0xb3;
    SESSION_PARALLEL_NOT_SUPPORTED = 0xb4;
    SESSION_READ_ONLY = 0xb5;
    SESSION_EXISTS = 0xb6;
    SESSION_READ_ONLY_EXISTS = 0xb7;
    SESSION_READ_WRITE_SO_EXISTS = 0xb8;
    SIGNATURE_INVALID = 0xc0;
    SIGNATURE_LEN_RANGE = 0xc1;
    TEMPLATE_INCOMPLETE = 0xd0;
    TEMPLATE_INCONSISTENT = 0xd1;
    TOKEN_NOT_PRESENT = 0xe0;
    TOKEN_NOT_RECOGNIZED = 0xe1;
    TOKEN_WRITE_PROTECTED = 0xe2;
    UNWRAPPING_KEY_HANDLE_INVALID = 0xf0;
    UNWRAPPING_KEY_SIZE_RANGE = 0xf1;
    UNWRAPPING_KEY_TYPE_INCONSISTENT = 0xf2;
    USER_ALREADY_LOGGED_IN = 0x100;
    USER_NOT_LOGGED_IN = 0x101;
    USER_PIN_NOT_INITIALIZED = 0x102;
    USER_TYPE_INVALID = 0x103;
    USER_ANOTHER_ALREADY_LOGGED_IN = 0x104;
    USER_TOO_MANY_TYPES = 0x105;
    WRAPPED_KEY_INVALID = 0x110;
    WRAPPED_KEY_LEN_RANGE = 0x112;
    WRAPPING_KEY_HANDLE_INVALID = 0x113;
    WRAPPING_KEY_SIZE_RANGE = 0x114;
    WRAPPING_KEY_TYPE_INCONSISTENT = 0x115;
    RANDOM_SEED_NOT_SUPPORTED = 0x120;
    RANDOM_NO_RNG = 0x121;
    DOMAIN_PARAMS_INVALID = 0x130;
    CURVE_NOT_SUPPORTED = 0x140;
    BUFFER_TOO_SMALL = 0x150;
    SAVED_STATE_INVALID = 0x160;
    INFORMATION_SENSITIVE = 0x170;
    STATE_UNSAVEABLE = 0x180;
    CRYPTOKI_NOT_INITIALIZED = 0x190;
    CRYPTOKI_ALREADY_INITIALIZED = 0x191;
    MUTEX_BAD = 0x1a0;
    MUTEX_NOT_LOCKED = 0x1a1;
    NEW_PIN_MODE = 0x1b0;
    NEXT_OTP = 0x1b1;
    EXCEEDED_MAX_ITERATIONS = 0x1b5;
    FIPS_SELF_TEST_FAILED = 0x1b6;
    LIBRARY_LOAD_FAILED = 0x1b7;
    PIN_TOO_WEAK = 0x1b8;
    PUBLIC_KEY_INVALID = 0x1b9;
    FUNCTION_REJECTED = 0x200;
    TOKEN_RESOURCE_EXCEEDED = 0x201;
    OPERATION_CANCEL_FAILED = 0x202;
    KEY_EXHAUSTED = 0x203;
    PENDING = 0x204;
    SESSION_ASYNC_NOT_SUPPORTED = 0x205;
    SEED_RANDOM_REQUIRED = 0x206;
    OPERATION_NOT_VALIDATED = 0x207;
    TOKEN_NOT_INITIALIZED = 0x208;
    PARAMETER_SET_NOT_SUPPORTED = 0x209;
}

impl fmt::Display for Rv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "CKR_{name}"),
            None => write!(f, "CKR_{:#x}", self.0),
        }
    }
}

impl fmt::Debug for Rv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_value_prints_the_name_of_the_standard() {
        assert_eq!(Rv::PIN_LOCKED.to_string(), "CKR_PIN_LOCKED");
        assert_eq!(Rv(0x8000_0001).to_string(), "CKR_0x80000001");
    }
}
