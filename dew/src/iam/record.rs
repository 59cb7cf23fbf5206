//! What is kept of each thing of the directory: one record each, a byte that says in which form in front.

use std::collections::BTreeSet;
use std::sync::Arc;

use crypto::Secret;
use hsm::pin::Verifier;
use hsm::service::FORM;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::IamError;
use super::id::{
    AccessKeyId, AccountId, AgencyId, EnterpriseProjectId, GroupId, ProjectId, RoleId, TagPolicyId, UnitId,
    UserId,
};
use super::settings::{LoginPolicy, PasswordPolicy, ProtectPolicy};
use crate::tag::Tags;

/// An account: who pays, and who owns all else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name, of which there is one.
    pub name: String,
    /// Whether anybody of it may do anything.
    pub enabled: bool,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// Its root user, who may do all in it.
    pub root: UserId,
    /// Its project in the default region.
    pub project: ProjectId,
    /// How its users log in.
    pub logins: LoginPolicy,
    /// What passwords they may have.
    pub passwords: PasswordPolicy,
    /// Which operations ask for a second factor.
    pub protection: ProtectPolicy,
}

/// A project: a region, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name: the region's, or that with `_` and more.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The project that it is a part of; none of one that is a region's.
    pub parent: Option<ProjectId>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

impl Project {
    /// Its region, by its name: a region's own project is named as it, and the others begin so.
    #[must_use]
    pub fn region(&self) -> &str {
        self.name.split('_').next().unwrap_or(&self.name)
    }
}

/// An enterprise project: a group of resources across regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnterpriseProject {
    /// Its id.
    pub id: EnterpriseProjectId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it takes resources.
    pub enabled: bool,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// When it was last changed.
    pub updated: u64,
}

/// How a user may come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessMode {
    /// By password and by access key.
    #[default]
    Default,
    /// By both, too, for programs alone.
    Programmatic,
    /// By password, not by access key.
    Console,
}

impl AccessMode {
    /// As the interface writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Programmatic => "programmatic",
            Self::Console => "console",
        }
    }

    /// The one that the interface writes so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Default, Self::Programmatic, Self::Console].into_iter().find(|mode| mode.name() == name)
    }
}

/// What is kept of a password.
#[derive(Clone, Serialize, Deserialize)]
pub struct Password {
    /// What it is checked with.
    pub(super) verifier: Verifier,
    /// When it was set, in seconds since 1970.
    pub set: u64,
    /// Whether it must be changed at the next log-in.
    pub temporary: bool,
    /// Those before it, the newest first.
    pub(super) earlier: Vec<Verifier>,
}

/// Bytes that nobody may see, as they are kept.
#[derive(Clone)]
pub(crate) struct Hidden(pub(crate) Arc<Secret>);

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.as_bytes().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(|bytes| Self(Arc::new(Secret::new(bytes))))
    }
}

/// A device that shows codes (RFC 6238).
#[derive(Clone, Serialize, Deserialize)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// What the codes are made from.
    pub(super) secret: Hidden,
    /// Whether its owner has shown two codes.
    pub bound: bool,
    /// The newest step whose code was taken: none is taken twice.
    pub(super) step: u64,
}

/// How a user shows a second time who it is when it logs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoginProtection {
    /// Not at all.
    #[default]
    Off,
    /// By a virtual MFA device.
    Device,
}

/// A user of an account.
#[derive(Clone, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it may do anything.
    pub enabled: bool,
    /// How it may come in.
    pub mode: AccessMode,
    /// Where mail reaches it.
    pub email: String,
    /// The country of its telephone.
    pub areacode: String,
    /// Its telephone.
    pub phone: String,
    /// Its type and id in another system.
    pub external: Option<(String, String)>,
    /// Its password, if it has one.
    pub password: Option<Password>,
    /// Whether a log-in asks for more.
    pub protection: LoginProtection,
    /// Its virtual MFA device, if it has one.
    pub device: Option<Device>,
    /// Its groups, in the order in which it came to them.
    pub groups: Vec<GroupId>,
    /// Changes when what it was given before is to be good no more: tokens carry it.
    pub(super) epoch: u64,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// When it was last changed.
    pub updated: u64,
}

impl User {
    /// Whether it has a device that shows codes, and has shown so.
    #[must_use]
    pub fn has_device(&self) -> bool {
        self.device.as_ref().is_some_and(|device| device.bound)
    }
}

/// A group of users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

/// Where a policy can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// For global services: `AX`.
    Global,
    /// For services of projects: `XA`.
    Project,
}

/// A policy that an account has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name for people, of which an account has one.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The same in Chinese.
    pub description_cn: String,
    /// Where it can be given.
    pub level: Level,
    /// Its JSON.
    pub document: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// When it was last changed.
    pub updated: u64,
}

/// Whom a policy is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Subject {
    /// The users of a group.
    Group(GroupId),
    /// Whoever acts through an agency.
    Agency(AgencyId),
    /// One user.
    User(UserId),
}

/// Where a policy is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// For global services.
    Account,
    /// In a project.
    Project(ProjectId),
    /// In all projects, also of those to come.
    AllProjects,
    /// For what is in an enterprise project.
    EnterpriseProject(EnterpriseProjectId),
}

/// A policy given to somebody somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Whose it is.
    pub account: AccountId,
    /// To whom.
    pub to: Subject,
    /// Which: one of the account's or of the system's.
    pub role: RoleId,
    /// Where.
    pub scope: Scope,
    /// Since when, in seconds since 1970.
    pub created: u64,
}

/// Whom an agency lets act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// Users of an account.
    Account(AccountId),
    /// A service, by name.
    Service(String),
}

/// An agency: others act in this account by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agency {
    /// Its id.
    pub id: AgencyId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whom it lets act.
    pub trust: Trust,
    /// For how many days since it was made; none for ever.
    pub days: Option<u32>,
    /// Changes when what was given out by it is to be good no more.
    pub(super) epoch: u64,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

impl Agency {
    /// When it ends, in seconds since 1970; never if that is none.
    #[must_use]
    pub fn expires(&self) -> Option<u64> {
        self.days.map(|days| self.created.saturating_add(u64::from(days) * 86_400))
    }
}

/// An access key that stays.
#[derive(Clone, Serialize, Deserialize)]
pub struct AccessKey {
    /// The public half.
    pub id: AccessKeyId,
    /// Whose it is.
    pub user: UserId,
    /// The secret half.
    pub(super) secret: Hidden,
    /// Whether requests may be signed with it.
    pub active: bool,
    /// What it is for.
    pub description: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// When it was last used, as far as that has been kept.
    pub(super) used: Option<u64>,
}

/// A unit of the organization: accounts, and other units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its id.
    pub id: UnitId,
    /// The unit that it is in; none of one in the root.
    pub parent: Option<UnitId>,
    /// Its name, of which there is one.
    pub name: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

/// In which unit an account is. Of one in the root there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    /// The account.
    pub account: AccountId,
    /// The unit.
    pub unit: UnitId,
}

/// A tag policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagPolicy {
    /// Its id.
    pub id: TagPolicyId,
    /// Its name, of which there is one.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it says, as it was given.
    pub document: String,
    /// Its own tags.
    pub tags: Tags,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// When it was last changed.
    pub updated: u64,
}

/// What a tag policy can be attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Target {
    /// All accounts.
    Root,
    /// A unit, and all in it.
    Unit(UnitId),
    /// An account.
    Account(AccountId),
}

/// A tag policy that is attached to something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attached {
    /// The policy.
    pub policy: TagPolicyId,
    /// To what.
    pub to: Target,
}

/// Whether tag policies can be made, and bind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Switch {
    /// They do.
    pub on: bool,
}

/// The account whose management tracker may gather the traces of all accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TraceAdministrator {
    /// It.
    pub account: AccountId,
}

/// Whether an account uses enterprise projects. One of which nothing is said does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EnterpriseSwitch {
    /// The account.
    pub account: AccountId,
    /// It does.
    pub on: bool,
}

/// The tags that are offered where some are given: keys and values, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PredefinedTags {
    /// Each once; a key may have several values.
    pub tags: BTreeSet<(String, String)>,
}

/// A record of a value.
///
/// # Errors
/// `Malformed` if it has none.
pub(super) fn encoded(value: &impl Serialize) -> Result<Vec<u8>, IamError> {
    postcard::to_extend(value, vec![FORM]).map_err(|_| IamError::Malformed)
}

/// The value of a record.
///
/// # Errors
/// `Malformed` for a record of another form, or one that goes on after its value.
pub(super) fn decoded<T: DeserializeOwned>(record: &[u8]) -> Result<T, IamError> {
    match record.split_first() {
        Some((&FORM, value)) => match postcard::take_from_bytes(value) {
            Ok((value, [])) => Ok(value),
            _ => Err(IamError::Malformed),
        },
        _ => Err(IamError::Malformed),
    }
}
