//! Who asks.

use std::sync::Arc;

use crypto::Secret;

use super::id::{AccountId, AgencyId, GroupId, ProjectId, UserId};
use super::record::Account;

/// Who asks, as it was established.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account that it acts in.
    pub account: AccountId,
    /// That one's name.
    pub account_name: Arc<str>,
    /// What it is.
    pub principal: Principal,
    /// The project that its token is for; none for one of the account, and for access keys.
    pub project: Option<ProjectId>,
    /// Its groups.
    pub groups: Vec<GroupId>,
    /// Whether it is the account's root user, who may do all in it.
    pub is_root: bool,
    /// What a user had a fresh one of whenever rights were taken from it: what it is given now is good while it is so still.
    pub epoch: u64,
    /// When it last showed a second factor, in seconds since 1970; none if it did not.
    pub mfa: Option<u64>,
    /// The policy that this credential is held to beside all others, as it was asked for.
    pub session: Option<Arc<str>>,
    /// Whether it came with a token or a key that expires.
    pub temporary: bool,
    /// Whether it came with a key that expires, or with a token that was given for one.
    pub by_expiring_key: bool,
    /// Until when its credential is good, in seconds since 1970; none for one that lasts. What is given for it ends no later.
    pub until: Option<u64>,
}

/// What somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A user of the account.
    User {
        /// Its id.
        id: UserId,
        /// Its name.
        name: Arc<str>,
    },
    /// Whoever acts through an agency of the account.
    Agency {
        /// The agency's id.
        id: AgencyId,
        /// Its name.
        name: Arc<str>,
        /// Who it is.
        by: Assumed,
    },
    /// A service of this HSM, acting on its own in the account.
    Service {
        /// Its name, such as `op_service`.
        name: &'static str,
    },
}

/// Who has taken over an agency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assumed {
    /// A user of another account.
    User {
        /// That account.
        account: AccountId,
        /// Its name.
        account_name: Arc<str>,
        /// The user.
        id: UserId,
        /// Its name.
        name: Arc<str>,
        /// What it calls itself there.
        session: Option<Arc<str>>,
    },
    /// A service.
    Service(Arc<str>),
}

impl Identity {
    pub(super) fn of(account: &Account, principal: Principal) -> Self {
        Self { account: account.id, account_name: account.name.as_str().into(), principal, ..Self::nobody() }
    }

    /// Who asks without saying who.
    #[must_use]
    pub fn nobody() -> Self {
        Self {
            account: AccountId([0; 16]),
            account_name: "".into(),
            principal: Principal::Service { name: "nobody" },
            project: None,
            groups: Vec::new(),
            is_root: false,
            epoch: 0,
            mfa: None,
            session: None,
            temporary: false,
            by_expiring_key: false,
            until: None,
        }
    }

    /// Whether it may make what lasts longer than its own credential: not if that is a key that expires, or a token for one
    /// project, which were given out for less than all that their user may do.
    #[must_use]
    pub const fn makes_what_lasts(&self) -> bool {
        !self.by_expiring_key && self.project.is_none()
    }

    /// The user's id; none of who is no user of the account.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match &self.principal {
            Principal::User { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// The agency's id; none of who acts through none.
    #[must_use]
    pub const fn agency(&self) -> Option<AgencyId> {
        match &self.principal {
            Principal::Agency { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// The id that records name it by: the user's, the agency's, or the service's name.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.principal {
            Principal::User { id, .. } => id.to_string(),
            Principal::Agency { id, .. } => id.to_string(),
            Principal::Service { name } => (*name).to_owned(),
        }
    }

    /// The name that records show: an agency's with who acts through it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.principal {
            Principal::User { name, .. } => name.to_string(),
            Principal::Agency { name, by: Assumed::User { account_name, name: user, .. }, .. } => {
                format!("{name}/{account_name}/{user}")
            }
            Principal::Agency { name, by: Assumed::Service(service), .. } => format!("{name}/{service}"),
            Principal::Service { name } => (*name).to_owned(),
        }
    }
}

/// An access key that is good: what a signature by it is checked with, and who signs.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The secret half.
    pub secret: Arc<Secret>,
    /// Who signs.
    pub identity: Arc<Identity>,
}
