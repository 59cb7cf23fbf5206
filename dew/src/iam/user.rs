//! Users of accounts. Whatever takes rights from one (disabled, deleted, another password) ends what it was given
//! before: tokens and keys that expire carry the user's epoch.

use std::sync::Arc;

use super::directory::Draft;
use super::id::{AccountId, GroupId, UserId};
use super::identity::Identity;
use super::record::{AccessKey, AccessMode, Account, Assignment, LoginProtection, Password, Subject, User};
use super::{Acting, Iam, IamError, Quota, name};

/// A user that is to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewUser<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its password; none for a user who has none yet.
    pub password: Option<&'a str>,
    /// Whether that must be changed at the first log-in.
    pub temporary: bool,
    /// Whether it is disabled at first.
    pub disabled: bool,
    /// How it may come in.
    pub mode: AccessMode,
    /// What it is for.
    pub description: &'a str,
    /// Where mail reaches it.
    pub email: &'a str,
    /// The country of its telephone.
    pub areacode: &'a str,
    /// Its telephone.
    pub phone: &'a str,
    /// Its type and id in another system.
    pub external: Option<(&'a str, &'a str)>,
}

/// What changes of a user: what is none stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserChange<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// Its password, as an administrator sets it.
    pub password: Option<&'a str>,
    /// Whether its password must be changed at the next log-in.
    pub temporary: Option<bool>,
    /// Whether it may do anything.
    pub enabled: Option<bool>,
    /// How it may come in.
    pub mode: Option<AccessMode>,
    /// What it is for.
    pub description: Option<&'a str>,
    /// Where mail reaches it.
    pub email: Option<&'a str>,
    /// The country of its telephone.
    pub areacode: Option<&'a str>,
    /// Its telephone.
    pub phone: Option<&'a str>,
    /// Its type and id in another system.
    pub external: Option<(&'a str, &'a str)>,
    /// Whether a log-in asks for more.
    pub protection: Option<LoginProtection>,
}

impl User {
    pub(super) fn new(id: UserId, account: AccountId, name: &str, epoch: u64, now: u64) -> Self {
        Self {
            id,
            account,
            name: name.to_owned(),
            description: String::new(),
            enabled: true,
            mode: AccessMode::Default,
            email: String::new(),
            areacode: String::new(),
            phone: String::new(),
            external: None,
            password: None,
            protection: LoginProtection::Off,
            device: None,
            groups: Vec::new(),
            epoch,
            created: now,
            updated: now,
        }
    }

    fn check(&self) -> Result<(), IamError> {
        name::USER.check(&self.name)?;
        name::check_description(&self.description)?;
        name::check_contact(&self.email, &self.areacode, &self.phone)?;
        let external = self.external.iter().flat_map(|(kind, id)| [kind, id]);
        external.map(String::as_str).try_for_each(name::check_description)
    }
}

impl Iam {
    /// The users of an account, in the order in which they were made.
    #[must_use]
    pub fn users(&self, account: AccountId) -> Vec<Arc<User>> {
        self.directory.read().users.of(account).cloned().collect()
    }

    /// A user of an account.
    #[must_use]
    pub fn user(&self, account: AccountId, id: UserId) -> Option<Arc<User>> {
        self.directory.read().users.get(id).filter(|user| user.account == account).cloned()
    }

    /// The user of this name of an account.
    #[must_use]
    pub fn user_named(&self, account: AccountId, name: &str) -> Option<Arc<User>> {
        self.directory.read().users.named(account, name).cloned()
    }

    /// Who a user is; none while it or its account is disabled.
    #[must_use]
    pub fn identity_of(&self, id: UserId) -> Option<Arc<Identity>> {
        self.directory.read().known(id).map(|known| Arc::clone(&known.identity))
    }

    /// The user of this id, whoever's it is: for log-ins.
    #[must_use]
    pub fn any_user(&self, id: UserId) -> Option<Arc<User>> {
        self.directory.read().users.get(id).cloned()
    }
}

impl Acting<'_> {
    /// Makes a user. It is in no group, and may do nothing.
    ///
    /// # Errors
    /// `Name`, `Description`, `Contact`, `Password`, `Taken`, `Quota`, `Unknown`; what the vault says.
    pub fn create_user(self, account: AccountId, new: &NewUser<'_>) -> Result<Arc<User>, IamError> {
        let owner = self.iam.account(account).ok_or(IamError::Unknown("account"))?;
        let password = new
            .password
            .map(|text| self.password(&owner, new.name, text, new.temporary, None))
            .transpose()?;
        self.change("create a user", |draft| {
            Quota::User.check(draft.directory.users.count(account))?;
            let mut user = User::new(draft.id()?, account, new.name, draft.epoch()?, draft.now);
            user.password = password;
            user.enabled = !new.disabled;
            user.mode = new.mode;
            new.description.clone_into(&mut user.description);
            new.email.clone_into(&mut user.email);
            new.areacode.clone_into(&mut user.areacode);
            new.phone.clone_into(&mut user.phone);
            user.external = new.external.map(owned);
            user.check()?;
            draft.note("account", account);
            draft.note("user", user.id);
            draft.note("name", new.name);
            draft.put(user.clone())?;
            Ok(Arc::new(user))
        })
    }

    /// Changes a user, as an administrator does.
    ///
    /// # Errors
    /// As [`Self::create_user`]; `Protected` for disabling the root user; `Invalid` for a protection without a device.
    pub fn change_user(
        self,
        account: AccountId,
        id: UserId,
        change: &UserChange<'_>,
    ) -> Result<Arc<User>, IamError> {
        let owner = self.iam.account(account).ok_or(IamError::Unknown("account"))?;
        let before = self.iam.user(account, id).ok_or(IamError::Unknown("user"))?;
        let name = change.name.unwrap_or(&before.name);
        let temporary = change.temporary.unwrap_or(true);
        let kept = before.password.as_ref();
        let password =
            change.password.map(|text| self.password(&owner, name, text, temporary, kept)).transpose()?;
        self.change("change a user", |draft| {
            let mut user = draft.user(account, id)?;
            // A password is looked at beside the name, and those before it.
            if password.is_some() && (user.epoch != before.epoch || user.name != before.name) {
                return Err(IamError::ChangedMeanwhile);
            }
            if let Some(name) = change.name.filter(|name| **name != user.name) {
                draft.note("name", name);
                name.clone_into(&mut user.name);
            }
            if let Some(enabled) = change.enabled {
                if !enabled && owner.root == id {
                    return Err(IamError::Protected("the root user of an account"));
                }
                user.enabled = enabled;
                draft.note("enabled", enabled);
            }
            if password.is_some() {
                user.password = password;
                draft.note("password", "changed");
            }
            if let (Some(temporary), Some(password)) = (change.temporary, &mut user.password) {
                password.temporary = temporary;
            }
            if change.password.is_some() || change.enabled == Some(false) {
                user.epoch = draft.epoch()?;
            }
            for (new, of) in [
                (change.description, &mut user.description),
                (change.email, &mut user.email),
                (change.areacode, &mut user.areacode),
                (change.phone, &mut user.phone),
            ] {
                new.into_iter().for_each(|new| new.clone_into(of));
            }
            user.mode = change.mode.unwrap_or(user.mode);
            user.external = change.external.map(owned).or(user.external);
            if let Some(protection) = change.protection {
                if protection == LoginProtection::Device && !user.has_device() {
                    return Err(IamError::Invalid(
                        "a user's log-in is protected by the device that it has bound",
                    ));
                }
                user.protection = protection;
                draft.note("login_protection", protection == LoginProtection::Device);
            }
            user.check()?;
            draft.put_user(user)
        })
    }

    /// Changes a user's password for the user, who knows the one before.
    ///
    /// # Errors
    /// `WrongLogin`, `Locked`, `Password`, `Unknown`, `ChangedMeanwhile`; what the vault says.
    pub fn change_own_password(
        self,
        account: AccountId,
        id: UserId,
        old: &str,
        new: &str,
    ) -> Result<(), IamError> {
        let known = self.iam.user(account, id).ok_or(IamError::Unknown("user"))?;
        self.iam.check_password(Some(&known), old)?;
        self.iam.take_back_try(id);
        self.replace_password(&known, new)
    }

    /// Changes a password that must be changed before anybody is let in, for whoever knows it; of a second factor nothing is
    /// asked. One that has expired is changed where the user `may` change its own; a temporary one must be. A user that is not
    /// there, and one whose password is good still, are refused as one whose password is wrong.
    ///
    /// # Errors
    /// `WrongLogin`, `Locked`, `Password`, `ChangedMeanwhile`; what `may` says; what the vault says.
    pub fn change_due_password(
        self,
        user: Option<&User>,
        old: &str,
        new: &str,
        may: impl FnOnce(Arc<Identity>) -> Result<(), IamError>,
    ) -> Result<(), IamError> {
        self.iam.check_password(user, old)?;
        let user = user.ok_or(IamError::WrongLogin)?;
        let identity = self.iam.identity_of(user.id).ok_or(IamError::WrongLogin)?;
        let owner = self.iam.account(user.account).ok_or(IamError::WrongLogin)?;
        let now = self.iam.hsm.time();
        let due = user.password.as_ref().filter(|kept| kept.is_due(&owner.passwords, now));
        let due = due.ok_or(IamError::WrongLogin)?;
        self.iam.take_back_try(user.id);
        if !due.temporary {
            may(identity)?;
        }
        self.replace_password(user, new)
    }

    /// Puts a password in place of one that was shown.
    fn replace_password(self, known: &User, new: &str) -> Result<(), IamError> {
        let (account, id) = (known.account, known.id);
        let owner = self.iam.account(account).ok_or(IamError::Unknown("account"))?;
        let Some(before) = &known.password else { return Err(IamError::WrongLogin) };
        let least = u64::from(owner.passwords.least_minutes) * 60;
        let now = self.iam.hsm.time();
        if now < before.set.saturating_add(least) && !before.is_due(&owner.passwords, now) {
            return Err(IamError::Password(
                "the password was changed a short while ago, and cannot be again yet".into(),
            ));
        }
        let password = self.password(&owner, &known.name, new, false, Some(before))?;
        self.change("change the password of a user", |draft| {
            let mut user = draft.user(account, id)?;
            // Whoever set another one since does not know that this one was shown.
            if user.epoch != known.epoch {
                return Err(IamError::ChangedMeanwhile);
            }
            user.password = Some(password);
            user.epoch = draft.epoch()?;
            draft.put_user(user).map(drop)
        })
    }

    /// Deletes a user, with its access keys and what was given to it.
    ///
    /// # Errors
    /// `Protected` for the root user, `Unknown`; what the vault says.
    pub fn delete_user(self, account: AccountId, id: UserId) -> Result<(), IamError> {
        self.change("delete a user", |draft| {
            let directory = draft.directory;
            let user = draft.user(account, id)?;
            if directory.accounts.get(account).is_some_and(|account| account.root == id) {
                return Err(IamError::Protected("the root user of an account"));
            }
            draft.note("account", account);
            draft.note("user", id);
            draft.note("name", user.name);
            for key in directory.access_keys.of(id) {
                draft.delete::<AccessKey>(key.id)?;
            }
            draft.take_all_from(Subject::User(id))?;
            draft.delete::<User>(id)
        })
    }

    /// Puts a user into a group.
    ///
    /// # Errors
    /// `Unknown`, `Quota`; what the vault says.
    pub fn add_to_group(self, account: AccountId, group: GroupId, user: UserId) -> Result<(), IamError> {
        self.change("add a user to a group", |draft| {
            draft.group(account, group)?;
            let mut user = draft.user(account, user)?;
            draft.note("group", group);
            if !user.groups.contains(&group) {
                Quota::GroupsOfUser.check(user.groups.len())?;
                user.groups.push(group);
            }
            draft.put_user(user).map(drop)
        })
    }

    /// Takes a user out of a group.
    ///
    /// # Errors
    /// `Unknown`, also if it is not in it; what the vault says.
    pub fn remove_from_group(self, account: AccountId, group: GroupId, user: UserId) -> Result<(), IamError> {
        self.change("remove a user from a group", |draft| {
            draft.group(account, group)?;
            let mut user = draft.user(account, user)?;
            let at = user.groups.iter().position(|one| *one == group);
            user.groups.remove(at.ok_or(IamError::Unknown("user in the group"))?);
            draft.note("group", group);
            draft.put_user(user).map(drop)
        })
    }

    /// What is to be kept of a password. Takes its time, and no lock of the directory.
    fn password(
        self,
        account: &Account,
        name: &str,
        text: &str,
        temporary: bool,
        before: Option<&Password>,
    ) -> Result<Password, IamError> {
        account.passwords.accept(text, name)?;
        let recent = usize::try_from(account.passwords.recent).unwrap_or(0);
        let earlier: Vec<_> = before
            .into_iter()
            .flat_map(|kept| std::iter::once(&kept.verifier).chain(&kept.earlier))
            .collect();
        let _one_at_a_time = self.iam.checking.lock();
        for one in earlier.iter().take(recent) {
            if one.matches(text.as_bytes())? {
                return Err(IamError::Password(format!("a password is none of the last {recent}")));
            }
        }
        let earlier = earlier.into_iter().take(recent.saturating_sub(1)).cloned().collect();
        let verifier = self.iam.hsm.keep_password(text.as_bytes())?;
        Ok(Password { verifier, set: self.iam.hsm.time(), temporary, earlier })
    }
}

impl Draft<'_> {
    /// A user of an account.
    pub(super) fn user(&self, account: AccountId, id: UserId) -> Result<User, IamError> {
        let user = self.directory.users.get(id).filter(|user| user.account == account);
        user.map(|user| User::clone(user)).ok_or(IamError::Unknown("user"))
    }

    /// Puts back a user that was changed.
    pub(super) fn put_user(&mut self, mut user: User) -> Result<Arc<User>, IamError> {
        user.updated = self.now;
        self.note("account", user.account);
        self.note("user", user.id);
        self.put(user.clone())?;
        Ok(Arc::new(user))
    }

    /// Deletes all assignments to somebody.
    pub(super) fn take_all_from(&mut self, from: Subject) -> Result<(), IamError> {
        let given: Vec<_> = self.directory.assignments.of(from).cloned().collect();
        given.iter().try_for_each(|one| self.delete::<Assignment>((one.to, one.role, one.scope)))
    }
}

fn owned((kind, id): (&str, &str)) -> (String, String) {
    (kind.to_owned(), id.to_owned())
}
