//! Numbers that name things, each a type of its own so that one cannot be passed for another.

use serde::{Deserialize, Serialize};

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u64);
    )*};
}

numbers! {
    /// `CK_SLOT_ID`
    SlotId;
    /// `CK_SESSION_HANDLE`
    SessionHandle;
    /// `CK_OBJECT_HANDLE`
    ObjectHandle;
    /// `CK_MECHANISM_TYPE`
    MechanismId;
}

impl ObjectHandle {
    /// `CK_INVALID_HANDLE`
    pub const INVALID: Self = Self(0);
}
