//! The users of a partition's token, by whose PINs applications log in; and the PIN of its security officer.

use serde::{Deserialize, Serialize};

use super::{Act, Command, Role};
use crate::{Bytes, List};

/// The most users of a partition, with the one that every token has.
pub const MAX_USERS: usize = 257;

/// What the console asks. A partition is named by label, serial number or slot number, a user by name; `user` is the
/// one that every token has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Every user.
    List {
        /// The partition.
        partition: String,
    },
    /// Makes a user.
    Add {
        /// The partition.
        partition: String,
        /// The user's name, at most 64 bytes of UTF-8.
        name: String,
        /// [`Role::CryptoOfficer`] or [`Role::CryptoUser`].
        role: Role,
        /// The user's PIN.
        pin: Bytes,
    },
    /// Removes a user, and ends its log-ins.
    Remove {
        /// The partition.
        partition: String,
        /// The user's name.
        name: String,
    },
    /// Gives a user another PIN, which also unlocks it.
    Pin {
        /// The partition.
        partition: String,
        /// The user's name.
        name: String,
        /// The new PIN.
        pin: Bytes,
    },
    /// Forgets a user's wrong tries.
    Unlock {
        /// The partition.
        partition: String,
        /// The user's name.
        name: String,
    },
    /// Forgets the wrong tries of the security officer's PIN.
    UnlockSoPin {
        /// The partition.
        partition: String,
    },
    /// Gives the security officer another PIN, which also unlocks it.
    ResetSoPin {
        /// The partition.
        partition: String,
        /// The new PIN.
        pin: Bytes,
    },
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::List { partition } => Act::new(Command::UserList).on(partition),
            Self::Add { partition, name, role, .. } => {
                Act::new(Command::UserAdd).on(name).within(Some(partition)).with("role", role.name())
            }
            Self::Remove { partition, name } => {
                Act::new(Command::UserRemove).on(name).within(Some(partition))
            }
            Self::Pin { partition, name, .. } => Act::new(Command::UserPin).on(name).within(Some(partition)),
            Self::Unlock { partition, name } => {
                Act::new(Command::UserUnlock).on(name).within(Some(partition))
            }
            Self::UnlockSoPin { partition } => Act::new(Command::UnlockSoPin).on(partition),
            Self::ResetSoPin { partition, .. } => Act::new(Command::ResetSoPin).on(partition),
        }
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::List`].
    Users(List<User, MAX_USERS>),
    /// The user, as it is now.
    User(User),
}

/// A user of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name.
    pub name: String,
    /// `crypto-officer` or `crypto-user`.
    pub role: String,
    /// Whether there is a PIN.
    pub pin: bool,
    /// Wrong tries of the PIN since the last right one.
    pub pin_failures: u8,
    /// Whether the PIN is locked.
    pub pin_locked: bool,
}
