//! What the console and the daemon say to each other on the admin socket.
//!
//! The rows are calls as on the application's socket, in frames of the same form; the codes lie apart. A
//! call that fails answers with the reason as text, for people, in place of a reply. A command that takes long
//! is answered with any number of [`Told::Progress`] first, and one that moves much data, in either direction,
//! with chunks.
//!
//! Who may do what stands in one table, [`command`].

use serde::{Deserialize, Serialize};

use crate::{Bytes, List};

pub mod account;
pub mod approval;
pub mod audit;
pub mod backup;
pub mod command;
pub mod iam;
pub mod import;
pub mod instance;
pub mod key;
pub mod kms;
pub mod live;
pub mod organization;
pub mod people;
pub mod root;
pub mod topic;
pub mod user;

pub use command::{Act, Command, Role};

/// The longest chunk, in bytes.
pub const MAX_CHUNK: usize = 32 << 10;
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
    /// The root key: who holds it, sealing, re-keying, zeroizing.
    Root(root::Ask),
    /// People: registered with their UKeys, and who is at the console.
    People(people::Ask),
    /// Approvals of commands by several people.
    Approval(approval::Ask),
    /// The audit log.
    Audit(audit::Ask),
    /// Backup, restore and cloning.
    Backup(backup::Ask),
    /// Objects that come from elsewhere, and keys made from the console.
    Import(import::Ask),
    /// Dedicated HSM instances.
    Instance(instance::Ask),
    /// What happens now.
    Live(live::Ask),
    /// The next part of what a command moves to the daemon, at most [`MAX_CHUNK`] bytes.
    Chunk(Bytes),
    /// There are no more chunks.
    End,
    /// The users of a partition's token, and its security officer's PIN.
    User(user::Ask),
    /// Accounts of the cloud services.
    Account(account::Ask),
    /// Units of accounts, and tag policies.
    Organization(organization::Ask),
    /// Keys of which each use needs the approval of several people.
    Key(key::Ask),
    /// Keys of the KMS.
    Kms(kms::Ask),
    /// Users, groups, access keys and policies of an account.
    Iam(iam::Ask),
    /// Topics, which messages go to.
    Topic(topic::Ask),
}

impl Ask {
    /// What the command is to roles, approvals and the audit log. It holds no secret.
    #[must_use]
    pub fn act(&self) -> Act<'_> {
        match self {
            Self::Status => Act::new(Command::Status),
            Self::Unseal { .. } => Act::new(Command::Unseal),
            Self::PartitionCreate { label, policy, so_pin, user_pin } => {
                let legacy = policy == "legacy";
                Act::new(if legacy { Command::LegacyCreate } else { Command::PartitionCreate })
                    .on(label)
                    .with("policy", policy)
                    .with("so-pin", given(so_pin))
                    .with("user-pin", given(user_pin))
            }
            Self::PartitionList => Act::new(Command::PartitionList),
            Self::PartitionShow { partition } => Act::new(Command::PartitionShow).on(partition),
            Self::PartitionInit { partition, label, user_pin, .. } => {
                let act = Act::new(Command::PartitionInit).on(partition).with("user-pin", given(user_pin));
                match label {
                    Some(label) => act.with("label", label),
                    None => act,
                }
            }
            Self::PartitionRename { partition, label } => {
                Act::new(Command::PartitionRename).on(partition).with("label", label)
            }
            Self::PartitionDelete { partition } => Act::new(Command::PartitionDelete).on(partition),
            Self::ObjectList { partition, .. } => Act::new(Command::ObjectList).on(partition),
            Self::Root(ask) => ask.act(),
            Self::People(ask) => ask.act(),
            Self::Approval(ask) => ask.act(),
            Self::Audit(ask) => ask.act(),
            Self::Backup(ask) => ask.act(),
            Self::Import(ask) => ask.act(),
            Self::Instance(ask) => ask.act(),
            Self::Live(ask) => ask.act(),
            Self::User(ask) => ask.act(),
            Self::Account(ask) => ask.act(),
            Self::Organization(ask) => ask.act(),
            Self::Key(ask) => ask.act(),
            Self::Kms(ask) => ask.act(),
            Self::Iam(ask) => ask.act(),
            Self::Topic(ask) => ask.act(),
            Self::Chunk(_) | Self::End => Act::new(Command::Chunk),
        }
    }
}

/// Whether a secret is given, in place of the secret.
const fn given<T>(secret: &Option<T>) -> &'static str {
    if secret.is_some() { "given" } else { "none" }
}

/// Keys and values, as records have them.
fn listed(tags: &[(String, String)]) -> String {
    let tags: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if tags.is_empty() { "none".to_owned() } else { tags.join(", ") }
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
    /// To [`Ask::Root`].
    Root(root::Told),
    /// To [`Ask::People`].
    People(people::Told),
    /// To [`Ask::Approval`].
    Approval(approval::Told),
    /// To [`Ask::Audit`].
    Audit(audit::Told),
    /// To [`Ask::Backup`].
    Backup(backup::Told),
    /// To [`Ask::Import`].
    Import(import::Told),
    /// To [`Ask::Instance`].
    Instance(instance::Told),
    /// To [`Ask::Live`].
    Live(live::Told),
    /// The next part of what a command moves to the console, at most [`MAX_CHUNK`] bytes; an answer of another
    /// kind ends them.
    Chunk(Bytes),
    /// The daemon waits for chunks.
    Send,
    /// So far it has come; the answer follows.
    Progress {
        /// Steps done.
        done: u64,
        /// Steps in all; 0 if that is not known.
        total: u64,
    },
    /// The command failed, and nothing was changed.
    Failed {
        /// What went wrong and what was expected.
        reason: String,
    },
    /// To [`Ask::User`].
    User(user::Told),
    /// To [`Ask::Account`].
    Account(account::Told),
    /// To [`Ask::Organization`].
    Organization(organization::Told),
    /// To [`Ask::Key`].
    Key(key::Told),
    /// To [`Ask::Kms`].
    Kms(kms::Told),
    /// To [`Ask::Iam`].
    Iam(iam::Told),
    /// To [`Ask::Topic`].
    Topic(topic::Told),
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
