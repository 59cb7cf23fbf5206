//! How a connection opens: who speaks which version, which application it belongs to, and everything the
//! module must know of mechanisms and attributes, as data.

use serde::{Deserialize, Serialize};

use crate::layout::{MAX_MECHANISMS, MechanismLayouts};
use crate::{AttributeType, List, Rv};

/// What every [`Hello`] begins with.
pub const MAGIC: [u8; 4] = *b"CLVG";
/// The newest version of the protocol, and the only one so far.
pub const VERSION: u16 = 1;

/// Which application a connection belongs to: a secret number that the daemon makes. A process opens
/// several connections; those that show the same token share sessions and log-in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ApplicationToken(pub [u8; 16]);

impl std::fmt::Debug for ApplicationToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApplicationToken(..)")
    }
}

/// The module's first frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`MAGIC`]
    pub magic: [u8; 4],
    /// The oldest version the module speaks.
    pub oldest: u16,
    /// The newest version the module speaks.
    pub newest: u16,
    /// The width of the caller's `CK_ULONG`, in bytes. Attribute values and inline parameters keep it.
    pub ulong_width: u8,
    /// Whether the caller's numbers are little-endian.
    pub little_endian: bool,
    /// The application this connection joins; none starts a new one.
    pub join: Option<ApplicationToken>,
}

impl Hello {
    /// A greeting by this build of the module.
    #[must_use]
    pub const fn new(join: Option<ApplicationToken>) -> Self {
        Self {
            magic: MAGIC,
            oldest: VERSION,
            newest: VERSION,
            ulong_width: size_of::<std::ffi::c_ulong>() as u8,
            little_endian: cfg!(target_endian = "little"),
            join,
        }
    }
}

/// The daemon's first frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Welcome {
    /// The connection is open.
    Open(Box<Opened>),
    /// The connection is refused, and closed after this frame.
    Refused {
        /// What the call that needed the connection returns.
        rv: Rv,
        /// For people.
        reason: String,
    },
}

/// What the module must know of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The version both speak.
    pub version: u16,
    /// The application the connection belongs to: the one asked for, or a new one if that is gone.
    pub application: ApplicationToken,
    /// The daemon's release, major and minor, for `CK_INFO.libraryVersion`.
    pub release: (u8, u8),
    /// How the parameters of mechanisms lie in memory.
    pub layouts: List<MechanismLayouts, MAX_MECHANISMS>,
    /// Attributes with the array bit whose value is not an array of attributes (`CKA_ALLOWED_MECHANISMS`).
    pub flat_arrays: List<AttributeType, 64>,
    /// The longest value of an attribute, in bytes, where that is less than for most: the module reads no
    /// more of the caller's memory.
    pub bounds: List<(AttributeType, u32), 512>,
}
