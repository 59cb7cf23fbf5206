//! What happens now: counters, for `hsm-admin top`.

use serde::{Deserialize, Serialize};

use super::{Act, Command, MAX_PARTITIONS};
use crate::List;

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// The counters as they stand: two looks make a rate.
    Look,
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::Look => Act::new(Command::Top),
        }
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Look`].
    Now(Now),
}

/// The counters of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// Nanoseconds since the daemon started, by its own clock.
    pub elapsed: u64,
    /// Connections of applications that are open.
    pub connections: u64,
    /// The most connections it takes.
    pub max_connections: u64,
    /// Of each partition.
    pub partitions: List<Partition, MAX_PARTITIONS>,
}

/// The counters of one partition, since the daemon started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its slot number.
    pub slot: u64,
    /// The token's label.
    pub label: String,
    /// Uses of keys that succeeded.
    pub done: u64,
    /// Uses of keys that failed.
    pub failed: u64,
    /// Sessions that are open.
    pub sessions: u64,
    /// Applications that have a session on it.
    pub applications: u64,
}
