//! What the console and the daemon say to each other on the admin socket.
//!
//! The rows are calls as on the application's socket, in frames of the same form; the codes lie apart. A
//! call that fails answers with the reason as text, for people, in place of a reply.

use serde::{Deserialize, Serialize};

use crate::{Bytes, List};

/// The most partitions one list brings.
pub const MAX_PARTITIONS: usize = 4096;
/// The most objects one page of a list brings.
pub const MAX_OBJECTS: usize = 1024;

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// The daemon as a whole.
    Status,
    /// Opens a sealed daemon with the passphrase of its root key.
    Unseal {
        /// The passphrase.
        passphrase: Bytes,
    },
    /// Makes a partition: a slot with a token in it, initialised if PINs are given.
    PartitionCreate {
        /// The token's label, at most 32 bytes of UTF-8.
        label: String,
        /// The key policy: `strict`, `standard` or `legacy`.
        policy: String,
        /// The security officer's PIN; none leaves the token to `C_InitToken`.
        so_pin: Option<Bytes>,
        /// The user's PIN; needs the security officer's.
        user_pin: Option<Bytes>,
    },
    /// Every partition.
    PartitionList,
    /// One partition.
    PartitionShow {
        /// Label, serial number or slot number.
        partition: String,
    },
    /// Initialises a partition's token; on one that is initialised, all its objects go.
    PartitionInit {
        /// Label, serial number or slot number.
        partition: String,
        /// The token's new label; none keeps the one it has.
        label: Option<String>,
        /// The security officer's PIN: of an initialised token, the one it has.
        so_pin: Bytes,
        /// The user's PIN.
        user_pin: Option<Bytes>,
    },
    /// Gives a partition another label.
    PartitionRename {
        /// Label, serial number or slot number.
        partition: String,
        /// The new label.
        label: String,
    },
    /// Destroys a partition and all in it.
    PartitionDelete {
        /// Label, serial number or slot number.
        partition: String,
    },
    /// A page of a partition's token objects, without the values of any key.
    ObjectList {
        /// Label, serial number or slot number.
        partition: String,
        /// Only objects after this number; 0 begins.
        after: u64,
    },
}

impl Ask {
    /// The command's name, as the console has it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Unseal { .. } => "unseal",
            Self::PartitionCreate { .. } => "partition create",
            Self::PartitionList => "partition list",
            Self::PartitionShow { .. } => "partition show",
            Self::PartitionInit { .. } => "partition init",
            Self::PartitionRename { .. } => "partition rename",
            Self::PartitionDelete { .. } => "partition delete",
            Self::ObjectList { .. } => "object list",
        }
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Status`].
    Status(Status),
    /// Done, with nothing to tell.
    Done,
    /// One partition: made, shown, initialised or renamed.
    Partition(Box<Partition>),
    /// To [`Ask::PartitionList`].
    Partitions(List<Partition, MAX_PARTITIONS>),
    /// To [`Ask::ObjectList`]: in the order of their numbers; fewer than asked for is the end.
    Objects(List<Object, MAX_OBJECTS>),
    /// The command failed, and nothing was changed.
    Failed {
        /// What went wrong and what was expected.
        reason: String,
    },
}

/// The daemon as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's release.
    pub version: String,
    /// Its process number.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime: u64,
    /// Whether it waits for its root key.
    pub sealed: bool,
    /// The kind of its store.
    pub store: String,
    /// The application socket's path.
    pub socket: String,
    /// Connections from applications that are open.
    pub connections: u64,
    /// The most connections it takes.
    pub max_connections: u64,
    /// Sessions that are open.
    pub sessions: u64,
    /// Partitions.
    pub partitions: u64,
    /// Token objects in all partitions.
    pub objects: u64,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its slot number, kept for ever.
    pub slot: u64,
    /// The token's label.
    pub label: String,
    /// The token's serial number.
    pub serial: String,
    /// The token's `pkcs11:` URI (RFC 7512).
    pub uri: String,
    /// The key policy.
    pub policy: String,
    /// Whether the token is initialised.
    pub initialized: bool,
    /// Whether the user has a PIN.
    pub user_pin: bool,
    /// Wrong tries of the security officer's PIN since the last right one.
    pub so_pin_failures: u8,
    /// Wrong tries of the user's PIN since the last right one.
    pub user_pin_failures: u8,
    /// Whether the security officer's PIN is locked.
    pub so_pin_locked: bool,
    /// Whether the user's PIN is locked.
    pub user_pin_locked: bool,
    /// Token objects.
    pub objects: u64,
    /// Sessions open on it.
    pub sessions: u64,
}

/// A token object, as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its number in the partition.
    pub number: u64,
    /// `CKA_UNIQUE_ID`
    pub unique_id: String,
    /// The standard's name of its class, such as `CKO_PRIVATE_KEY`.
    pub class: String,
    /// The standard's name of its key or certificate type; empty if it has none.
    pub kind: String,
    /// Bits of a key; 0 where that says nothing.
    pub bits: u64,
    /// `CKA_LABEL`
    pub label: String,
    /// `CKA_ID`, in hexadecimal.
    pub id: String,
    /// `CKA_PRIVATE`
    pub private: bool,
    /// `CKA_SENSITIVE`, of a key.
    pub sensitive: bool,
    /// `CKA_EXTRACTABLE`, of a key.
    pub extractable: bool,
    /// What a key may be used for, as words.
    pub usages: Vec<String>,
}
