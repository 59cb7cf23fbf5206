//! The directory in memory, and a change of it as it is drafted: what is to be written, and what is shown once that is
//! durable.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crypto::Secret;
use hsm::Hsm;
use hsm::service::{Kind, Read, Write};
use hsm::vault::Version;

use super::error::IamError;
use super::id::{
    AccessKeyId, AccountId, AgencyId, EnterpriseProjectId, GroupId, ProjectId, RoleId, TagPolicyId, UnitId,
    UserId,
};
use super::identity::{Identity, Principal};
use super::organization::Document;
use super::policy::Policy;
use super::record::{
    AccessKey, AccessMode, Account, Agency, Assignment, Attached, EnterpriseProject, EnterpriseSwitch, Group,
    Hidden, Member, PredefinedTags, Project, Role, Scope, Subject, Switch, TagPolicy, Target,
    TraceAdministrator, Unit, User, decoded,
};
use super::table::{Entity, Table};

/// All there is.
#[derive(Default)]
pub(super) struct Directory {
    pub(super) accounts: Table<Account>,
    pub(super) projects: Table<Project>,
    pub(super) enterprise_projects: Table<EnterpriseProject>,
    pub(super) users: Table<User>,
    pub(super) groups: Table<Group>,
    pub(super) roles: Table<Role>,
    pub(super) assignments: Table<Assignment>,
    pub(super) agencies: Table<Agency>,
    pub(super) access_keys: Table<AccessKey>,
    pub(super) units: Table<Unit>,
    pub(super) members: Table<Member>,
    pub(super) tag_policies: Table<TagPolicy>,
    pub(super) attached: Table<Attached>,
    pub(super) switches: Table<Switch>,
    pub(super) trace_administrators: Table<TraceAdministrator>,
    pub(super) predefined_tags: Table<PredefinedTags>,
    pub(super) enterprise_switches: Table<EnterpriseSwitch>,
    /// What tokens are made with; none before the first account.
    pub(super) key: Option<Arc<Secret>>,
    /// Of each user that may do anything, who it is.
    identities: HashMap<UserId, Known>,
    /// Of each policy, what is decided by.
    compiled: HashMap<RoleId, Arc<Policy>>,
    /// Of each access key, what a signature is checked with, and when it was last used.
    signers: HashMap<AccessKeyId, Arc<Signer>>,
    /// Goes up with every change: what was worked out from another one is worked out again.
    pub(super) generation: u64,
}

/// A user that may do something.
pub(super) struct Known {
    pub(super) identity: Arc<Identity>,
    /// Whether by access keys.
    pub(super) by_key: bool,
}

/// What a request's signature is checked with.
pub(super) struct Signer {
    pub(super) secret: Arc<Secret>,
    pub(super) user: UserId,
    pub(super) active: bool,
    /// In seconds since 1970; 0 for never.
    pub(super) used: AtomicU64,
}

/// Where things of a kind are, and what follows from one that is shown or hidden.
pub(super) trait Placed: Entity + Sized {
    fn table(directory: &Directory) -> &Table<Self>;
    fn table_mut(directory: &mut Directory) -> &mut Table<Self>;
    /// After it was shown.
    fn shown(_directory: &mut Directory, _value: &Arc<Self>) {}
    /// After it was hidden.
    fn hidden(_directory: &mut Directory, _id: Self::Id) {}
}

macro_rules! entities {
    ($($entity:ident $field:ident $kind:ident $what:literal, $id:ty, $owner:ty:
        |$it:ident| $get_id:expr, $get_owner:expr, $name:expr;)*) => {$(
        impl Entity for $entity {
            type Id = $id;
            type Owner = $owner;
            const KIND: Kind = Kind::$kind;
            const WHAT: &'static str = $what;
            fn id(&self) -> $id {
                let $it = self;
                $get_id
            }
            fn owner(&self) -> $owner {
                let $it = self;
                $get_owner
            }
            fn name(&self) -> Option<&str> {
                let $it = self;
                $name
            }
        }
    )*

        /// Reads every table.
        fn read_all(directory: &mut Directory, hsm: &Hsm) -> Result<(), IamError> {
            $(read::<$entity>(directory, hsm.service_records(Kind::$kind)?)?;)*
            Ok(())
        }
    };
}

// Users stand behind accounts, and access keys behind users, as what follows from them needs those.
entities! {
    Account accounts Account "account", AccountId, (): |it| it.id, { let _ = it; }, Some(&it.name);
    Project projects Project "project", ProjectId, AccountId: |it| it.id, it.account, Some(&it.name);
    EnterpriseProject enterprise_projects EnterpriseProject "enterprise project", EnterpriseProjectId, AccountId:
        |it| it.id, it.account, Some(&it.name);
    Group groups Group "group", GroupId, AccountId: |it| it.id, it.account, Some(&it.name);
    User users AccountUser "user", UserId, AccountId: |it| it.id, it.account, Some(&it.name);
    Role roles Role "policy", RoleId, AccountId: |it| it.id, it.account, Some(&it.name);
    Assignment assignments Assignment "assignment", (Subject, RoleId, Scope), Subject:
        |it| (it.to, it.role, it.scope), it.to, { let _ = it; None };
    Agency agencies Agency "agency", AgencyId, AccountId: |it| it.id, it.account, Some(&it.name);
    AccessKey access_keys AccessKey "access key", AccessKeyId, UserId: |it| it.id, it.user, { let _ = it; None };
    Unit units Unit "unit", UnitId, (): |it| it.id, { let _ = it; }, Some(&it.name);
    Member members Member "member of a unit", AccountId, UnitId: |it| it.account, it.unit, { let _ = it; None };
    TagPolicy tag_policies TagPolicy "tag policy", TagPolicyId, (): |it| it.id, { let _ = it; }, Some(&it.name);
    Attached attached Attached "attached tag policy", (TagPolicyId, Target), Target:
        |it| (it.policy, it.to), it.to, { let _ = it; None };
    EnterpriseSwitch enterprise_switches EnterpriseSwitch "switch of enterprise projects", AccountId, ():
        |it| it.account, { let _ = it; }, { let _ = it; None };
    PredefinedTags predefined_tags PredefinedTags "list of predefined tags", (), ():
        |it| { let _ = it; }, { let _ = it; }, { let _ = it; None };
    TraceAdministrator trace_administrators TraceAdministrator "administrator of traces", (), ():
        |it| { let _ = it; }, { let _ = it; }, { let _ = it; None };
    Switch switches TagPolicySwitch "switch of tag policies", (), (): |it| { let _ = it; }, { let _ = it; }, { let _ = it; None };
}

macro_rules! placed {
    ($($entity:ident $field:ident)*) => {$(
        impl Placed for $entity {
            fn table(directory: &Directory) -> &Table<Self> {
                &directory.$field
            }
            fn table_mut(directory: &mut Directory) -> &mut Table<Self> {
                &mut directory.$field
            }
        }
    )*};
}

placed! {
    Project projects
    EnterpriseProject enterprise_projects
    Group groups
    Assignment assignments
    Agency agencies
    Unit units
    Member members
    TagPolicy tag_policies
    Attached attached
    Switch switches
    TraceAdministrator trace_administrators
    PredefinedTags predefined_tags
    EnterpriseSwitch enterprise_switches
}

impl Placed for Account {
    fn table(directory: &Directory) -> &Table<Self> {
        &directory.accounts
    }
    fn table_mut(directory: &mut Directory) -> &mut Table<Self> {
        &mut directory.accounts
    }
    fn shown(directory: &mut Directory, value: &Arc<Self>) {
        let users: Vec<_> = directory.users.of(value.id).cloned().collect();
        users.iter().for_each(|user| directory.identify(user));
    }
}

impl Placed for User {
    fn table(directory: &Directory) -> &Table<Self> {
        &directory.users
    }
    fn table_mut(directory: &mut Directory) -> &mut Table<Self> {
        &mut directory.users
    }
    fn shown(directory: &mut Directory, value: &Arc<Self>) {
        directory.identify(value);
    }
    fn hidden(directory: &mut Directory, id: UserId) {
        directory.identities.remove(&id);
    }
}

impl Placed for Role {
    fn table(directory: &Directory) -> &Table<Self> {
        &directory.roles
    }
    fn table_mut(directory: &mut Directory) -> &mut Table<Self> {
        &mut directory.roles
    }
    fn shown(directory: &mut Directory, value: &Arc<Self>) {
        if let Ok(policy) = Policy::parse(&value.name, &value.document) {
            directory.compiled.insert(value.id, Arc::new(policy));
        }
    }
    fn hidden(directory: &mut Directory, id: RoleId) {
        directory.compiled.remove(&id);
    }
}

impl Placed for AccessKey {
    fn table(directory: &Directory) -> &Table<Self> {
        &directory.access_keys
    }
    fn table_mut(directory: &mut Directory) -> &mut Table<Self> {
        &mut directory.access_keys
    }
    fn shown(directory: &mut Directory, value: &Arc<Self>) {
        let before =
            directory.signers.get(&value.id).map(|signer| signer.used.load(super::access_key::RELAXED));
        let signer = Signer {
            secret: Arc::clone(&value.secret.0),
            user: value.user,
            active: value.active,
            used: AtomicU64::new(before.max(value.used).unwrap_or(0)),
        };
        directory.signers.insert(value.id, Arc::new(signer));
    }
    fn hidden(directory: &mut Directory, id: AccessKeyId) {
        directory.signers.remove(&id);
    }
}

impl Directory {
    /// All that is durable.
    ///
    /// # Errors
    /// `Malformed`; what the vault says.
    pub(super) fn read(hsm: &Hsm) -> Result<Self, IamError> {
        let mut directory = Self::default();
        read_all(&mut directory, hsm)?;
        let key = hsm.service_records(Kind::DirectoryKey)?.into_iter().find(|(number, ..)| *number == 0);
        directory.key = match key {
            Some((_, _, record)) => Some(decoded::<Hidden>(record.as_bytes())?.0),
            None => None,
        };
        // A policy that is not understood might be one that denies.
        let understood = directory.roles.all().all(|role| directory.compiled(role.id).is_some())
            && directory.tag_policies.all().all(|policy| Document::parse(&policy.document).is_ok());
        if understood { Ok(directory) } else { Err(IamError::Malformed) }
    }

    /// Whether an account uses enterprise projects.
    pub(super) fn uses_enterprise_projects(&self, account: AccountId) -> bool {
        self.enterprise_switches.get(account).is_none_or(|switch| switch.on)
    }

    /// Refuses what is about enterprise projects in an account that does not use them.
    pub(super) fn need_enterprise_projects(&self, account: AccountId) -> Result<(), IamError> {
        match self.uses_enterprise_projects(account) {
            true => Ok(()),
            false => Err(IamError::Invalid("the account does not use enterprise projects")),
        }
    }

    /// Who a user is, while it and its account are enabled.
    pub(super) fn known(&self, user: UserId) -> Option<&Known> {
        self.identities.get(&user)
    }

    pub(super) fn compiled(&self, role: RoleId) -> Option<&Arc<Policy>> {
        self.compiled.get(&role)
    }

    pub(super) fn signer(&self, key: AccessKeyId) -> Option<&Arc<Signer>> {
        self.signers.get(&key)
    }

    pub(super) fn signers(&self) -> impl Iterator<Item = (&AccessKeyId, &Arc<Signer>)> {
        self.signers.iter()
    }

    /// Works out who a user is; nobody, if it or its account is disabled.
    fn identify(&mut self, user: &Arc<User>) {
        let account = self.accounts.get(user.account).filter(|account| account.enabled && user.enabled);
        match account {
            Some(account) => {
                let principal = Principal::User { id: user.id, name: user.name.as_str().into() };
                let identity = Identity {
                    groups: user.groups.clone(),
                    is_root: account.root == user.id,
                    epoch: user.epoch,
                    ..Identity::of(account, principal)
                };
                let by_key = user.mode != AccessMode::Console;
                self.identities.insert(user.id, Known { identity: Arc::new(identity), by_key });
            }
            None => {
                self.identities.remove(&user.id);
            }
        }
    }

    fn put<T: Placed>(&mut self, number: u64, version: Version, value: T) {
        let value = Arc::new(value);
        T::table_mut(self).show(number, version, Arc::clone(&value));
        T::shown(self, &value);
    }
}

fn read<T: Placed>(directory: &mut Directory, records: Vec<Read>) -> Result<(), IamError> {
    for (number, version, record) in records {
        directory.put(number, version, decoded::<T>(record.as_bytes())?);
    }
    Ok(())
}

/// What the record of a change says of it.
type Details = Vec<(&'static str, String)>;

/// What is shown once it is durable.
type Show = Box<dyn FnOnce(&mut Directory, Version)>;

/// A change, as it is made: nothing of it is there before it is committed.
pub(super) struct Draft<'a> {
    pub(super) directory: &'a Directory,
    pub(super) hsm: &'a Hsm,
    pub(super) now: u64,
    writes: Vec<Write>,
    shows: Vec<Show>,
    /// Of each record that it is to have, what that says.
    details: Vec<Details>,
    /// How many records the draft adds, of any kind: each takes a number of its own.
    added: u64,
}

/// A draft that is done.
pub(super) struct Drafted {
    pub(super) writes: Vec<Write>,
    pub(super) details: Vec<Details>,
    shows: Vec<Show>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(directory: &'a Directory, hsm: &'a Hsm) -> Self {
        let (writes, shows, details) = (Vec::new(), Vec::new(), vec![Details::new()]);
        Self { directory, hsm, now: hsm.time(), writes, shows, details, added: 0 }
    }

    /// Makes a thing, or gives the one of its id another form.
    pub(super) fn put<T: Placed + Send + 'static>(&mut self, value: T) -> Result<(), IamError> {
        let table = T::table(self.directory);
        let taken = value.name().and_then(|name| table.named(value.owner(), name));
        if let Some(taken) = taken.filter(|taken| taken.id() != value.id()) {
            let name = taken.name().unwrap_or_default().to_owned();
            return Err(IamError::Taken { what: T::WHAT, name });
        }
        let write = table.write(&value, table.next().saturating_add(self.added))?;
        let number = write.number;
        self.added += u64::from(write.was.is_none());
        self.writes.push(write);
        self.shows.push(Box::new(move |directory, version| directory.put(number, version, value)));
        Ok(())
    }

    /// Deletes a thing.
    pub(super) fn delete<T: Placed>(&mut self, id: T::Id) -> Result<(), IamError>
    where
        T::Id: 'static,
    {
        let write = T::table(self.directory).deletion(id).ok_or(IamError::Unknown(T::WHAT))?;
        self.writes.push(write);
        self.shows.push(Box::new(move |directory, _| {
            T::table_mut(directory).hide(id);
            T::hidden(directory, id);
        }));
        Ok(())
    }

    /// Writes what is not the directory's in the same commit.
    pub(super) fn also(&mut self, writes: Vec<Write>) {
        self.writes.extend(writes);
    }

    /// Makes what tokens are made with, unless it is there.
    pub(super) fn need_key(&mut self) -> Result<(), IamError> {
        if self.directory.key.is_some() {
            return Ok(());
        }
        let key = Arc::new(Secret::new(self.hsm.random::<32>()?.to_vec()));
        let value = Some(super::record::encoded(&Hidden(Arc::clone(&key)))?);
        self.writes.push(Write { kind: Kind::DirectoryKey, number: 0, was: None, value });
        self.shows.push(Box::new(|directory, _| directory.key = Some(key)));
        Ok(())
    }

    /// Takes down what the record of the change is to say.
    #[allow(clippy::needless_pass_by_value)] // ids and numbers, as they come
    pub(super) fn note(&mut self, name: &'static str, value: impl ToString) {
        if let Some(details) = self.details.last_mut() {
            details.push((name, value.to_string()));
        }
    }

    /// Has a record of its own for what is taken down from here on, as one has room for a few details only.
    pub(super) fn next_record(&mut self) {
        if self.details.last().is_some_and(|details| !details.is_empty()) {
            self.details.push(Details::new());
        }
    }

    /// A random id.
    pub(super) fn id<T: From<[u8; 16]>>(&self) -> Result<T, IamError> {
        Ok(self.hsm.random::<16>()?.into())
    }

    /// A number that nothing else has had.
    pub(super) fn epoch(&self) -> Result<u64, IamError> {
        Ok(u64::from_le_bytes(self.hsm.random::<8>()?))
    }

    pub(super) fn done(self) -> Drafted {
        Drafted { writes: self.writes, details: self.details, shows: self.shows }
    }
}

impl Drafted {
    /// Shows all of it.
    pub(super) fn show(self, directory: &mut Directory, version: Version) {
        self.shows.into_iter().for_each(|show| show(directory, version));
        directory.generation += 1;
    }
}
