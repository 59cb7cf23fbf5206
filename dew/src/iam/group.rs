//! Groups of users: a policy that is given to one reaches all who are in it.

use std::sync::Arc;

use super::directory::Draft;
use super::id::{AccountId, GroupId};
use super::record::{Group, Subject, User};
use super::{Acting, Iam, IamError, Quota, name};

impl Iam {
    /// The groups of an account, in the order in which they were made.
    #[must_use]
    pub fn groups(&self, account: AccountId) -> Vec<Arc<Group>> {
        self.directory.read().groups.of(account).cloned().collect()
    }

    /// A group of an account.
    #[must_use]
    pub fn group(&self, account: AccountId, id: GroupId) -> Option<Arc<Group>> {
        self.directory.read().groups.get(id).filter(|group| group.account == account).cloned()
    }

    /// The group of this name of an account.
    #[must_use]
    pub fn group_named(&self, account: AccountId, name: &str) -> Option<Arc<Group>> {
        self.directory.read().groups.named(account, name).cloned()
    }

    /// The users in a group, in the order in which they were made.
    #[must_use]
    pub fn users_in(&self, account: AccountId, group: GroupId) -> Vec<Arc<User>> {
        let directory = self.directory.read();
        directory.users.of(account).filter(|user| user.groups.contains(&group)).cloned().collect()
    }
}

impl Acting<'_> {
    /// Makes a group, with nobody in it.
    ///
    /// # Errors
    /// `Name`, `Description`, `Taken`, `Quota`, `Unknown`; what the vault says.
    pub fn create_group(
        self,
        account: AccountId,
        name: &str,
        description: &str,
    ) -> Result<Arc<Group>, IamError> {
        name::GROUP.check(name)?;
        name::check_description(description)?;
        self.change("create a group", |draft| {
            if draft.directory.accounts.get(account).is_none() {
                return Err(IamError::Unknown("account"));
            }
            Quota::Group.check(draft.directory.groups.count(account))?;
            let group = Group {
                id: draft.id()?,
                account,
                name: name.to_owned(),
                description: description.to_owned(),
                created: draft.now,
            };
            draft.put_group(group)
        })
    }

    /// Gives a group another name or description.
    ///
    /// # Errors
    /// `Name`, `Description`, `Taken`, `Unknown`; what the vault says.
    pub fn change_group(
        self,
        account: AccountId,
        id: GroupId,
        name: Option<&str>,
        description: Option<&str>,
    ) -> Result<Arc<Group>, IamError> {
        name.map_or(Ok(()), |name| name::GROUP.check(name))?;
        description.map_or(Ok(()), name::check_description)?;
        self.change("change a group", |draft| {
            let mut group = draft.group(account, id)?;
            name.into_iter().for_each(|name| name.clone_into(&mut group.name));
            description.into_iter().for_each(|text| text.clone_into(&mut group.description));
            draft.put_group(group)
        })
    }

    /// Deletes a group, with what was given to it. Its users stay.
    ///
    /// # Errors
    /// `Unknown`; what the vault says.
    pub fn delete_group(self, account: AccountId, id: GroupId) -> Result<(), IamError> {
        self.change("delete a group", |draft| {
            let directory = draft.directory;
            let group = draft.group(account, id)?;
            draft.note("account", account);
            draft.note("group", id);
            draft.note("name", group.name);
            for user in directory.users.of(account).filter(|user| user.groups.contains(&id)) {
                let mut user = User::clone(user);
                user.groups.retain(|group| *group != id);
                user.updated = draft.now;
                draft.put(user)?;
            }
            draft.take_all_from(Subject::Group(id))?;
            draft.delete::<Group>(id)
        })
    }
}

impl Draft<'_> {
    /// A group of an account.
    pub(super) fn group(&self, account: AccountId, id: GroupId) -> Result<Group, IamError> {
        let group = self.directory.groups.get(id).filter(|group| group.account == account);
        group.map(|group| Group::clone(group)).ok_or(IamError::Unknown("group"))
    }

    fn put_group(&mut self, group: Group) -> Result<Arc<Group>, IamError> {
        self.note("account", group.account);
        self.note("group", group.id);
        self.note("name", &group.name);
        self.put(group.clone())?;
        Ok(Arc::new(group))
    }
}
