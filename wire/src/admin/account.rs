//! Accounts of the cloud services.

use serde::{Deserialize, Serialize};

use super::{Act, Command};
use crate::{Bytes, List};

/// The most accounts one list brings.
pub const MAX_ACCOUNTS: usize = 4096;

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Makes an account with a first project, its root user and an access key of that.
    Create {
        /// Its name.
        name: String,
        /// The region of its first project.
        region: String,
    },
    /// Every account.
    List,
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::Create { name, region } => Act::new(Command::AccountCreate).on(name).with("region", region),
            Self::List => Act::new(Command::AccountList),
        }
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Create`]: told once.
    Created(Created),
    /// To [`Ask::List`].
    Accounts(List<Account, MAX_ACCOUNTS>),
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id, which the interface calls that of a domain.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Its first project.
    pub project: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The account.
    pub account: Account,
    /// The id of its root user.
    pub user: String,
    /// The access key of that user.
    pub access_key: String,
    /// Its secret half, shown once.
    pub secret_key: Bytes,
}
