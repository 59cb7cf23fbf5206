//! How many of each thing an account may have.

/// A thing that there may be so many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Projects of an account.
    Project,
    /// Enterprise projects of an account.
    EnterpriseProject,
    /// Users of an account.
    User,
    /// Groups of an account.
    Group,
    /// Custom policies of an account.
    Policy,
    /// Agencies of an account.
    Agency,
    /// Access keys of a user that stay.
    AccessKey,
    /// Groups of a user.
    GroupsOfUser,
    /// Policies given to a group, a user or an agency, over all scopes.
    Assignment,
}

impl Quota {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Project,
        Self::EnterpriseProject,
        Self::User,
        Self::Group,
        Self::Policy,
        Self::Agency,
        Self::AccessKey,
        Self::GroupsOfUser,
        Self::Assignment,
    ];

    /// What it is of, as the interface names it, and the most there may be.
    const fn row(self) -> (&'static str, usize) {
        match self {
            Self::Project => ("project", 50_000),
            Self::EnterpriseProject => ("enterprise project", 100),
            Self::User => ("user", 5_000),
            Self::Group => ("group", 500),
            Self::Policy => ("policy", 500),
            Self::Agency => ("agency", 200),
            Self::AccessKey => ("access key", 2),
            Self::GroupsOfUser => ("group of a user", 10),
            Self::Assignment => ("assignment", 1_000),
        }
    }

    /// What it is of.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// As the interface names it, if it does.
    #[must_use]
    pub const fn kind(self) -> Option<&'static str> {
        match self {
            Self::Project => Some("project"),
            Self::User => Some("user"),
            Self::Group => Some("group"),
            Self::Policy => Some("policy"),
            Self::Agency => Some("agency"),
            Self::EnterpriseProject | Self::AccessKey | Self::GroupsOfUser | Self::Assignment => None,
        }
    }

    /// The most.
    #[must_use]
    pub const fn most(self) -> usize {
        self.row().1
    }

    /// Whether one more fits.
    pub(super) const fn check(self, have: usize) -> Result<(), super::IamError> {
        if have < self.most() { Ok(()) } else { Err(super::IamError::Quota(self)) }
    }
}
