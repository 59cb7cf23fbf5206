//! Users, groups, access keys and policies of an account. The console asks for operations of the REST interface by their
//! names and with their fields; which ones there are, and who may ask for them, stands in the table here.

use serde::{Deserialize, Serialize};

use super::{Act, Command};
use crate::Bytes;

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// One account.
    Account {
        /// Its name or id.
        account: String,
    },
    /// Does an operation of the interface, as the root user of the account.
    Do {
        /// The account's name or id.
        account: String,
        /// The operation's name.
        operation: String,
        /// The id of the project that the operation is about, where its path has one.
        project: Option<String>,
        /// Its other fields, those of the path among them, as JSON: no secret. With a password among them it is refused.
        fields: Bytes,
        /// The password of the user that the fields tell of.
        password: Option<Bytes>,
        /// A code of the root user's virtual MFA device, for an operation that is protected.
        code: Option<String>,
    },
}

impl Ask {
    /// What the command is to roles, approvals and the audit log. What is approved is this very change.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::Account { .. } => Act::new(Command::IamLook),
            Self::Do { account, operation, project, fields, password, .. } => {
                let kind = kind(operation, password.is_some());
                if kind == Some(Look) {
                    return Act::new(Command::IamLook);
                }
                let mut act = Act::new(kind.map_or(Command::IamDelete, Kind::command)).on(account);
                act = act.with("operation", operation);
                if let Some(project) = project {
                    act = act.with("project", project);
                }
                act = act.with("fields", String::from_utf8_lossy(fields));
                match password {
                    Some(_) => act.with("password", "given"),
                    None => act,
                }
            }
        }
    }
}

/// What an operation does, as far as roles and operation protection go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It looks.
    Look,
    /// It makes or changes something that can be changed back.
    Change,
    /// It makes something by which somebody comes in: with operation protection on, it needs a code.
    Credential,
    /// It takes something away for good: with operation protection on, it needs a code.
    Delete,
}

impl Kind {
    const fn command(self) -> Command {
        match self {
            Self::Look => Command::IamLook,
            Self::Change => Command::IamChange,
            Self::Credential => Command::IamCredential,
            Self::Delete => Command::IamDelete,
        }
    }

    /// Whether it needs a code where operation protection is on.
    #[must_use]
    pub const fn is_protected(self) -> bool {
        matches!(self, Self::Credential | Self::Delete)
    }
}

use Kind::{Change, Credential, Delete, Look};

/// The operations that the console has.
pub const OPERATIONS: &[(&str, Kind)] = &[
    ("KeystoneListProjects", Look),
    ("KeystoneListUsers", Look),
    ("KeystoneListGroups", Look),
    ("KeystoneListGroupsForUser", Look),
    ("KeystoneListUsersForGroupByAdmin", Look),
    ("KeystoneListPermissions", Look),
    ("ListPermanentAccessKeys", Look),
    ("ListAgencies", Look),
    ("ShowAgency", Look),
    ("ShowCustomPolicy", Look),
    ("ShowDomainQuota", Look),
    ("ShowDomainRoleAssignments", Look),
    ("ShowPermanentAccessKey", Look),
    ("ShowUser", Look),
    ("KeystoneCreateProject", Change),
    ("CreateUser", Change),
    ("UpdateUser", Change),
    ("KeystoneCreateGroup", Change),
    ("KeystoneAddUserToGroup", Change),
    ("KeystoneRemoveUserFromGroup", Change),
    ("CreateCloudServiceCustomPolicy", Change),
    ("UpdateCloudServiceCustomPolicy", Change),
    ("KeystoneAssociateGroupWithDomainPermission", Change),
    ("KeystoneAssociateGroupWithProjectPermission", Change),
    ("UpdateDomainGroupInheritRole", Change),
    ("AssociateRoleToGroupOnEnterpriseProject", Change),
    ("AssociateRoleToUserOnEnterpriseProject", Change),
    ("KeystoneRemoveDomainPermissionFromGroup", Change),
    ("KeystoneRemoveProjectPermissionFromGroup", Change),
    ("DeleteDomainGroupInheritedRole", Change),
    ("RevokeRoleFromGroupOnEnterpriseProject", Change),
    ("RevokeRoleFromUserOnEnterpriseProject", Change),
    ("UpdatePermanentAccessKey", Change),
    ("CreatePermanentAccessKey", Credential),
    ("KeystoneDeleteUser", Delete),
    ("KeystoneDeleteGroup", Delete),
    ("DeleteCustomPolicy", Delete),
    ("DeletePermanentAccessKey", Delete),
];

/// What the operation of this name does, with a password or without; none that the console does not have.
#[must_use]
pub fn kind(operation: &str, password: bool) -> Option<Kind> {
    let (_, kind) = OPERATIONS.iter().find(|(name, _)| *name == operation)?;
    match (kind, password) {
        (Change, true) => Some(Credential),
        (kind, _) => Some(*kind),
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Account`].
    Account(Account),
    /// To [`Ask::Do`]: the answer as JSON, empty if there is nothing to say. It may hold the secret of a new key.
    Answer(Bytes),
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is enabled.
    pub enabled: bool,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// The id of its root user.
    pub root: String,
    /// The id of its first project.
    pub project: String,
    /// Whether what is protected needs a code.
    pub protected: bool,
    /// Whether it uses enterprise projects.
    pub enterprise_projects: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::command::Effect;

    fn ask(operation: &str, password: Option<&str>) -> Ask {
        Ask::Do {
            account: "acme".into(),
            operation: operation.into(),
            project: None,
            fields: Bytes::from(&b"{\"user\":{}}"[..]),
            password: password.map(|text| Bytes::from(text.as_bytes())),
            code: None,
        }
    }

    #[test]
    fn each_operation_is_one_of_the_commands_and_what_is_none_changes_something() {
        for (operation, kind) in OPERATIONS {
            assert_eq!(ask(operation, None).act().command, kind.command(), "{operation}");
        }
        assert_eq!(ask("UpdateUser", Some("x")).act().command, Command::IamCredential);
        assert_eq!(ask("CreateTemporaryAccessKeyByToken", None).act().command.effect(), Effect::Change);
    }

    #[test]
    fn what_is_recorded_and_approved_is_the_change_and_no_password() {
        let ask = ask("UpdateUser", Some("Correct-1-horse"));
        let act = ask.act();
        assert_eq!(act.object, Some("acme"));
        let told: Vec<_> = act.details.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let expected = [("operation", "UpdateUser"), ("fields", "{\"user\":{}}"), ("password", "given")];
        assert_eq!(told, expected);
    }
}
