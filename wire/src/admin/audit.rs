//! The audit log, as the daemon writes it. What is in its files is read without the daemon.

use serde::{Deserialize, Serialize};

use super::{Act, Command};
use crate::{Bytes, List};

/// The most records that one answer brings.
pub const MAX_RECORDS: usize = 256;

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// How the log is.
    Status,
    /// The records after this one. If there are none, it waits a second or two for them.
    Tail {
        /// A record's number; 0 begins with the oldest.
        after: u64,
    },
    /// How a partition's uses of keys are recorded.
    Uses {
        /// Label, serial number or slot number.
        partition: String,
    },
    /// Sets how a partition's uses of keys are recorded.
    SetUses {
        /// Label, serial number or slot number.
        partition: String,
        /// `none`, `sampled` or `all`.
        uses: String,
    },
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::Status => Act::new(Command::AuditStatus),
            Self::Tail { .. } => Act::new(Command::AuditTail),
            Self::Uses { partition } => Act::new(Command::AuditUses).on(partition),
            Self::SetUses { partition, uses } => {
                Act::new(Command::AuditSetUses).on(partition).with("uses", uses)
            }
        }
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Status`].
    Status(Status),
    /// To [`Ask::Tail`]: records as the log has them, in their order; none if none came.
    Records(List<Bytes, MAX_RECORDS>),
    /// To [`Ask::Uses`] and [`Ask::SetUses`]: `none`, `sampled` or `all`.
    Uses(String),
}

/// How the log is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Where its files are.
    pub directory: String,
    /// The number of the newest segment.
    pub segment: u64,
    /// The number of the newest record.
    pub records: u64,
    /// The number of the newest record that is signed for and durable.
    pub signed: u64,
    /// Records that the receiver does not have yet; none if nothing is forwarded.
    pub unsent: Option<u64>,
    /// Why nothing can be recorded now, if that is so.
    pub failed: Option<String>,
    /// What people compare of the key that signs it.
    pub fingerprint: String,
}
