//! Accounts, with the root user that each is made with.

use std::sync::Arc;

use hsm::service::Write;

use super::access_key::NewAccessKey;
use super::directory::Directory;
use super::id::{AccountId, ProjectId, UserId};
use super::identity::Identity;
use super::record::{
    AccessKey, Account, Agency, Assignment, EnterpriseProject, EnterpriseSwitch, Group, Member, Project,
    Role, Target, TraceAdministrator, Trust, User,
};
use super::settings::{LoginPolicy, PasswordPolicy, ProtectPolicy};
use super::{Acting, Iam, IamError, Quota, name};

/// An account that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewAccount<'a> {
    /// Its name.
    pub name: &'a str,
    /// The region of its first project, which has that name.
    pub region: &'a str,
}

/// An account that was made: its root credential is shown this once.
#[derive(Debug)]
pub struct CreatedAccount {
    /// The account.
    pub account: Arc<Account>,
    /// Its project in the default region.
    pub project: ProjectId,
    /// Its root user, who is called as the account is.
    pub root: UserId,
    /// That one's access key.
    pub key: NewAccessKey,
}

impl Iam {
    /// Every account, in the order in which they were made.
    #[must_use]
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        self.directory.read().accounts.of(()).cloned().collect()
    }

    /// The account of this id.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<Arc<Account>> {
        self.directory.read().accounts.get(id).cloned()
    }

    /// Who the root user of an account is; none while that or the account is disabled.
    #[must_use]
    pub fn root_of(&self, account: &Account) -> Option<Arc<Identity>> {
        self.identity_of(account.root)
    }

    /// How many of each thing an account may have, and has.
    #[must_use]
    pub fn quotas(&self, id: AccountId) -> Vec<(Quota, usize)> {
        let directory = self.directory.read();
        let of = |quota| match quota {
            Quota::Project => Some(directory.projects.count(id)),
            Quota::EnterpriseProject => Some(directory.enterprise_projects.count(id)),
            Quota::User => Some(directory.users.count(id)),
            Quota::Group => Some(directory.groups.count(id)),
            Quota::Policy => Some(directory.roles.count(id)),
            Quota::Agency => Some(directory.agencies.count(id)),
            Quota::AccessKey | Quota::GroupsOfUser | Quota::Assignment => None,
        };
        Quota::ALL.into_iter().filter_map(|quota| Some((quota, of(quota)?))).collect()
    }

    /// What must go before an account can: what others say of it, in words.
    pub(crate) fn in_the_way_of(&self, id: AccountId) -> Vec<String> {
        in_the_way(&self.directory.read(), id)
    }

    /// The account of this name.
    #[must_use]
    pub fn account_named(&self, name: &str) -> Option<Arc<Account>> {
        self.directory.read().accounts.named((), name).cloned()
    }
}

impl Acting<'_> {
    /// Makes an account with its project in a region, its root user and that one's first access key.
    ///
    /// # Errors
    /// `Name`, `Taken`; what the vault says.
    pub fn create_account(self, new: NewAccount<'_>) -> Result<CreatedAccount, IamError> {
        name::ACCOUNT.check(new.name)?;
        name::PROJECT.check(new.region)?;
        self.change("create an account", |draft| {
            let (id, project, root): (AccountId, ProjectId, UserId) = (draft.id()?, draft.id()?, draft.id()?);
            let account = Account {
                id,
                name: new.name.to_owned(),
                enabled: true,
                created: draft.now,
                root,
                project,
                logins: LoginPolicy::default(),
                passwords: PasswordPolicy::default(),
                protection: ProtectPolicy::default(),
            };
            draft.note("account", id);
            draft.note("name", new.name);
            draft.need_key()?;
            draft.put(account.clone())?;
            draft.put(Project {
                id: project,
                account: id,
                name: new.region.to_owned(),
                description: String::new(),
                parent: None,
                suspended: false,
                created: draft.now,
            })?;
            draft.put(User::new(root, id, new.name, draft.epoch()?, draft.now))?;
            let key = draft.access_key(root, "made with the account")?;
            Ok(CreatedAccount { account: Arc::new(account), project, root, key })
        })
    }

    /// Deletes an account with all that the directory has of it, and makes the writes, all in one commit.
    ///
    /// # Errors
    /// `Unknown`; `InUse` if something else names it; what the vault says.
    pub(crate) fn delete_account(self, id: AccountId, more: Vec<Write>) -> Result<(), IamError> {
        self.change("delete an account", |draft| {
            let directory = draft.directory;
            let account = directory.accounts.get(id).ok_or(IamError::Unknown("account"))?;
            if !in_the_way(directory, id).is_empty() {
                return Err(IamError::InUse { what: "the account", by: "something names it" });
            }
            draft.note("account", id);
            draft.note("name", &account.name);
            draft.note("projects", directory.projects.count(id));
            draft.note("users", directory.users.count(id));
            let given = directory.assignments.all().filter(|given| given.account == id);
            for given in given {
                draft.delete::<Assignment>((given.to, given.role, given.scope))?;
            }
            for user in directory.users.of(id) {
                for key in directory.access_keys.of(user.id) {
                    draft.delete::<AccessKey>(key.id)?;
                }
                draft.delete::<User>(user.id)?;
            }
            directory.groups.of(id).try_for_each(|one| draft.delete::<Group>(one.id))?;
            directory.agencies.of(id).try_for_each(|one| draft.delete::<Agency>(one.id))?;
            directory.roles.of(id).try_for_each(|one| draft.delete::<Role>(one.id))?;
            directory.projects.of(id).try_for_each(|one| draft.delete::<Project>(one.id))?;
            let enterprise_projects = &directory.enterprise_projects;
            enterprise_projects.of(id).try_for_each(|one| draft.delete::<EnterpriseProject>(one.id))?;
            if directory.members.get(id).is_some() {
                draft.delete::<Member>(id)?;
            }
            if directory.enterprise_switches.get(id).is_some() {
                draft.delete::<EnterpriseSwitch>(id)?;
            }
            if directory.trace_administrators.get(()).is_some_and(|there| there.account == id) {
                draft.delete::<TraceAdministrator>(())?;
            }
            draft.also(more);
            draft.delete::<Account>(id)
        })
    }

    /// Lets nobody of an account do anything, or again.
    ///
    /// # Errors
    /// `Unknown`; what the vault says.
    pub fn enable_account(self, id: AccountId, enabled: bool) -> Result<Arc<Account>, IamError> {
        let action = if enabled { "enable an account" } else { "disable an account" };
        self.change_account(id, action, |account| {
            account.enabled = enabled;
            Ok(())
        })
    }

    /// Decides how users of an account log in, from what holds now.
    ///
    /// # Errors
    /// `Range`, `Description`, `Unknown`, what `change` says; what the vault says.
    pub fn set_login_policy(
        self,
        id: AccountId,
        change: impl FnOnce(LoginPolicy) -> Result<LoginPolicy, IamError>,
    ) -> Result<Arc<Account>, IamError> {
        self.change_account(id, "set the login policy of an account", |account| {
            account.logins = change(account.logins.clone())?;
            account.logins.check()
        })
    }

    /// Decides what passwords users of an account may have, from what holds now.
    ///
    /// # Errors
    /// `Range`, `Unknown`, what `change` says; what the vault says.
    pub fn set_password_policy(
        self,
        id: AccountId,
        change: impl FnOnce(PasswordPolicy) -> Result<PasswordPolicy, IamError>,
    ) -> Result<Arc<Account>, IamError> {
        self.change_account(id, "set the password policy of an account", |account| {
            account.passwords = change(account.passwords.clone())?;
            account.passwords.check()
        })
    }

    /// Decides which operations of an account ask for a second factor, and what users may change of themselves, from what holds
    /// now.
    ///
    /// # Errors
    /// `Contact`, `Invalid`, `Unknown`, what `change` says; what the vault says.
    pub fn set_protection(
        self,
        id: AccountId,
        change: impl FnOnce(ProtectPolicy) -> Result<ProtectPolicy, IamError>,
    ) -> Result<Arc<Account>, IamError> {
        self.change_account(id, "set the operation protection of an account", |account| {
            account.protection = change(account.protection.clone())?;
            account.protection.check()
        })
    }

    fn change_account(
        self,
        id: AccountId,
        action: &'static str,
        change: impl FnOnce(&mut Account) -> Result<(), IamError>,
    ) -> Result<Arc<Account>, IamError> {
        self.change(action, |draft| {
            let account = draft.directory.accounts.get(id).ok_or(IamError::Unknown("account"))?;
            let mut account = Account::clone(account);
            change(&mut account)?;
            draft.note("account", id);
            draft.note("name", &account.name);
            draft.put(account.clone())?;
            Ok(Arc::new(account))
        })
    }
}

/// Who else names an account: tag policies that are attached to it, and agencies of other accounts that let it act.
fn in_the_way(directory: &Directory, id: AccountId) -> Vec<String> {
    let policies = directory.attached.of(Target::Account(id));
    let policies = policies.filter_map(|attached| directory.tag_policies.get(attached.policy));
    let policies = policies.map(|policy| format!("the tag policy {:?} is attached to it", policy.name));
    let agencies = directory.agencies.all().filter(|agency| agency.trust == Trust::Account(id));
    let agencies = agencies.map(|agency| {
        let of = directory.accounts.get(agency.account).map_or("", |account| account.name.as_str());
        format!("the agency {:?} of the account {of:?} lets it act", agency.name)
    });
    policies.chain(agencies).collect()
}
