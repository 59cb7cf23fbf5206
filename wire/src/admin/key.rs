//! Keys of which each use needs the approval of several people.
//!
//! The quorum of a key says for which usages, and by how many of whom. An authorisation, which they approve, is good
//! for so many uses within a time.

use serde::{Deserialize, Serialize};

use super::people::hex;
use super::{Act, Command};
use crate::List;

/// The most approvers of a key.
pub const MAX_APPROVERS: usize = 32;
/// The most usages of a key.
pub const MAX_USAGES: usize = 16;
/// The most keys under a quorum that one list brings.
pub const MAX_KEYS: usize = 1024;
/// The most authorisations of a partition.
pub const MAX_GRANTS: usize = 1000;

/// The names of usages, such as `sign`.
pub type Usages = List<String, MAX_USAGES>;

/// What the console asks. A partition is named by label, serial number or slot number, a key by its `CKA_UNIQUE_ID`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Puts a key under a quorum, or changes the one it is under.
    SetQuorum {
        /// The partition.
        partition: String,
        /// The key.
        key: String,
        /// The usages that are to need approval.
        usages: Usages,
        /// How many must approve.
        needed: u8,
        /// Of these.
        approvers: List<Approver, MAX_APPROVERS>,
    },
    /// Takes a key's quorum away.
    RemoveQuorum {
        /// The partition.
        partition: String,
        /// The key.
        key: String,
    },
    /// The keys of a partition that are under a quorum, with what they are authorised for.
    Quorums {
        /// The partition.
        partition: String,
        /// This key alone.
        key: Option<String>,
    },
    /// Has a key used so often within a time, with the approval of its quorum.
    Authorize {
        /// The partition.
        partition: String,
        /// The key.
        key: String,
        /// For what.
        usages: Usages,
        /// How often, all of these together.
        uses: u32,
        /// For how many seconds.
        seconds: u64,
        /// By whom.
        only: Only,
    },
}

/// Somebody who approves, as the console knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approver {
    /// The person's name.
    pub name: String,
    /// The UKey's id, which is what counts.
    pub ukey: [u8; 32],
}

/// By which application an authorisation can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Only {
    /// By each that may use the key.
    Any,
    /// By those of this user.
    Uid(u32),
    /// By this process, as long as no other has its number.
    Pid(i32),
}

impl std::fmt::Display for Only {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Uid(uid) => write!(f, "uid:{uid}"),
            Self::Pid(pid) => write!(f, "pid:{pid}"),
        }
    }
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::SetQuorum { partition, key, usages, needed, approvers } => {
                let act = Act::new(Command::KeyQuorumSet).on(key).within(Some(partition));
                let act = act.with("usages", usages.join(", ")).with("approvals", needed);
                approvers.iter().fold(act, |act, Approver { name, ukey }| {
                    act.with("approver", format!("{name} {}", hex(ukey)))
                })
            }
            Self::RemoveQuorum { partition, key } => {
                Act::new(Command::KeyQuorumRemove).on(key).within(Some(partition))
            }
            Self::Quorums { partition, .. } => Act::new(Command::KeyQuorumShow).on(partition),
            Self::Authorize { partition, key, usages, uses, seconds, only } => {
                Act::new(Command::KeyAuthorize)
                    .on(key)
                    .within(Some(partition))
                    .with("usages", usages.join(", "))
                    .with("uses", uses)
                    .with("seconds", seconds)
                    .with("application", only)
            }
        }
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Quorums`].
    Quorums(List<KeyQuorum, MAX_KEYS>),
    /// To [`Ask::SetQuorum`], and [`Ask::Authorize`]: the key as it is now.
    Quorum(Box<KeyQuorum>),
}

/// A key and its quorum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyQuorum {
    /// `CKA_UNIQUE_ID`
    pub key: String,
    /// `CKA_LABEL`
    pub label: String,
    /// The usages that need approval.
    pub usages: Vec<String>,
    /// How many must approve.
    pub needed: u8,
    /// Of these.
    pub approvers: Vec<Named>,
    /// What it is authorised for now.
    pub grants: Vec<Grant>,
}

/// An approver of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The UKey's id, in hexadecimal.
    pub ukey: String,
    /// The name of who is registered with it; nobody else's approval counts.
    pub name: Option<String>,
}

/// An authorisation that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// For what.
    pub usages: Vec<String>,
    /// How often still.
    pub left: u32,
    /// Until when, in seconds since 1970.
    pub expires: u64,
    /// By whom.
    pub only: String,
}
