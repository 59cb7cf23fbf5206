//! The organization: all accounts of the HSM, in units, and the tag policies that bind what is in them ("Tag Policies" in
//! the Organizations user guide). Its administrator is the security officer at the console; no account has a say, but one that traces
//! are gathered for.

use std::collections::HashMap;
use std::sync::Arc;

use super::directory::{Directory, Draft};
use super::id::{AccountId, TagPolicyId, UnitId};
use super::record::{Account, Attached, Member, Switch, TagPolicy, Target, TraceAdministrator, Unit};
use super::{Acting, Iam, IamError, name};
use crate::tag::Tags;

mod document;
mod predefined;

pub(super) use document::Document;
pub use document::{Breach, Rules};

/// What records call what all units are in.
const ROOT: &str = "root";
/// The most units.
const MAX_UNITS: usize = 1_000;
/// How deep units may be in each other.
const MAX_DEPTH: usize = 5;
/// The most tag policies.
const MAX_POLICIES: usize = 1_000;
/// The most tag policies of the root, a unit or an account.
const MAX_ATTACHED: usize = 10;

/// What a tag policy is to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct TagPolicyChange<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// What it is for.
    pub description: Option<&'a str>,
    /// What it says.
    pub document: Option<&'a str>,
    /// Its own tags.
    pub tags: Option<&'a [(String, String)]>,
}

impl Iam {
    /// All units, each with the accounts in it, in the order in which those were made.
    #[must_use]
    pub fn units(&self) -> Vec<(Arc<Unit>, Vec<Arc<Account>>)> {
        let directory = self.directory.read();
        let mut within: HashMap<UnitId, Vec<_>> = HashMap::new();
        for account in directory.accounts.of(()) {
            if let Some(member) = directory.members.get(account.id) {
                within.entry(member.unit).or_default().push(Arc::clone(account));
            }
        }
        let with = |unit: &Arc<Unit>| (Arc::clone(unit), within.remove(&unit.id).unwrap_or_default());
        directory.units.of(()).map(with).collect()
    }

    /// The unit of this name.
    #[must_use]
    pub fn unit_named(&self, name: &str) -> Option<Arc<Unit>> {
        self.directory.read().units.named((), name).cloned()
    }

    /// The account that traces of all accounts may be gathered for.
    #[must_use]
    pub fn trace_administrator(&self) -> Option<AccountId> {
        self.directory.read().trace_administrators.get(()).map(|there| there.account)
    }

    /// Whether tag policies can be made, and bind.
    #[must_use]
    pub fn has_tag_policies(&self) -> bool {
        has_tag_policies(&self.directory.read())
    }

    /// All tag policies, each with what it is attached to.
    #[must_use]
    pub fn tag_policies(&self) -> Vec<(Arc<TagPolicy>, Vec<Target>)> {
        let directory = self.directory.read();
        let with = |policy: &Arc<TagPolicy>| (Arc::clone(policy), attached_to(&directory, policy.id));
        directory.tag_policies.of(()).map(with).collect()
    }

    /// The tag policy of this name.
    #[must_use]
    pub fn tag_policy_named(&self, name: &str) -> Option<Arc<TagPolicy>> {
        self.directory.read().tag_policies.named((), name).cloned()
    }

    /// What a target is called: `root`, or a unit's or an account's name.
    #[must_use]
    pub fn target_name(&self, target: Target) -> String {
        let directory = self.directory.read();
        match target {
            Target::Root => Some(ROOT.to_owned()),
            Target::Unit(id) => directory.units.get(id).map(|unit| unit.name.clone()),
            Target::Account(id) => directory.accounts.get(id).map(|account| account.name.clone()),
        }
        .unwrap_or_default()
    }

    /// What the tag policies from the root down to an account come to; of what belongs to no account, those of the
    /// root.
    #[must_use]
    pub fn tag_rules(&self, account: Option<AccountId>) -> Rules {
        let directory = self.directory.read();
        if !has_tag_policies(&directory) {
            return Rules::default();
        }
        let mut path = Vec::new();
        if let Some(account) = account {
            path.push(Target::Account(account));
            let mut unit = directory.members.get(account).map(|member| member.unit);
            while let Some(id) = unit {
                path.push(Target::Unit(id));
                unit = directory.units.get(id).and_then(|unit| unit.parent);
            }
        }
        path.push(Target::Root);
        let documents = |target: &Target| -> Vec<Document> {
            let policies =
                directory.attached.of(*target).filter_map(|one| directory.tag_policies.get(one.policy));
            policies.filter_map(|policy| Document::parse(&policy.document).ok()).collect()
        };
        let levels: Vec<Vec<_>> = path.iter().rev().map(documents).collect();
        Rules::merge(levels.iter().map(|level| level.iter().collect()))
    }
}

impl Acting<'_> {
    /// Makes a unit, in another or in the root.
    ///
    /// # Errors
    /// `Name`, `Taken`, `Unknown`; `Invalid` beyond how many and how deep there may be; what the vault says.
    pub fn create_unit(self, name: &str, parent: Option<UnitId>) -> Result<Arc<Unit>, IamError> {
        name::UNIT.check(name)?;
        if name == ROOT {
            return Err(IamError::Invalid("what all units are in is called root, and no unit is"));
        }
        self.change("create a unit", |draft| {
            let units = &draft.directory.units;
            if units.count(()) >= MAX_UNITS {
                return Err(IamError::Invalid("there are 1000 units already, and more there cannot be"));
            }
            let mut above = parent;
            for depth in 1.. {
                let Some(id) = above else { break };
                if depth == MAX_DEPTH {
                    return Err(IamError::Invalid("units are in each other five deep at the most"));
                }
                above = units.get(id).ok_or(IamError::Unknown("unit"))?.parent;
            }
            let unit = Unit { id: draft.id()?, parent, name: name.to_owned(), created: draft.now };
            draft.note("unit", name);
            draft.put(unit.clone())?;
            Ok(Arc::new(unit))
        })
    }

    /// Deletes a unit that nothing is in and nothing is attached to.
    ///
    /// # Errors
    /// `Unknown`, `InUse`; what the vault says.
    pub fn delete_unit(self, id: UnitId) -> Result<(), IamError> {
        self.change("delete a unit", |draft| {
            let directory = draft.directory;
            let unit = directory.units.get(id).ok_or(IamError::Unknown("unit"))?;
            let in_use = |by| IamError::InUse { what: "the unit", by };
            if directory.units.of(()).any(|other| other.parent == Some(id)) {
                return Err(in_use("another unit is in it"));
            }
            if directory.members.count(id) > 0 {
                return Err(in_use("an account is in it: move it first"));
            }
            if directory.attached.count(Target::Unit(id)) > 0 {
                return Err(in_use("a tag policy is attached to it: detach it first"));
            }
            draft.note("unit", &unit.name);
            draft.delete::<Unit>(id)
        })
    }

    /// Moves an account into a unit, or back into the root.
    ///
    /// # Errors
    /// `Unknown`; what the vault says.
    pub fn move_account(self, account: AccountId, unit: Option<UnitId>) -> Result<(), IamError> {
        self.change("move an account", |draft| {
            let directory = draft.directory;
            let named = directory.accounts.get(account).ok_or(IamError::Unknown("account"))?;
            draft.note("account", &named.name);
            let there = directory.members.get(account).is_some();
            match unit {
                Some(id) => {
                    let unit = directory.units.get(id).ok_or(IamError::Unknown("unit"))?;
                    draft.note("unit", &unit.name);
                    draft.put(Member { account, unit: id })
                }
                None if there => {
                    draft.note("unit", ROOT);
                    draft.delete::<Member>(account)
                }
                None => Err(IamError::Invalid("the account is in the root already")),
            }
        })
    }

    /// Has the traces of all accounts be gathered for one, if its management tracker asks for that; or for none any more.
    ///
    /// # Errors
    /// `Unknown`; `Invalid` if it is so already; what the vault says.
    pub fn set_trace_administrator(self, account: Option<AccountId>) -> Result<(), IamError> {
        self.change("say whom traces of the organization are gathered for", |draft| {
            let directory = draft.directory;
            let there = directory.trace_administrators.get(()).map(|there| there.account);
            if there == account {
                return Err(IamError::Invalid("it is so already"));
            }
            let Some(account) = account else {
                draft.note("account", "none");
                return draft.delete::<TraceAdministrator>(());
            };
            let named = directory.accounts.get(account).ok_or(IamError::Unknown("account"))?;
            draft.note("account", &named.name);
            draft.put(TraceAdministrator { account })
        })
    }

    /// Lets tag policies be made and bind, or no more: those that there are stay, and bind again later.
    ///
    /// # Errors
    /// What the vault says.
    pub fn set_tag_policies(self, on: bool) -> Result<(), IamError> {
        self.change(if on { "enable tag policies" } else { "disable tag policies" }, |draft| {
            draft.note("on", on);
            draft.put(Switch { on })
        })
    }

    /// Makes a tag policy, attached to nothing yet.
    ///
    /// # Errors
    /// `Invalid` if tag policies are not enabled, or there are too many; `Name`, `Description`, `Policy`, `Taken`; what
    /// the vault says.
    pub fn create_tag_policy(self, new: TagPolicyChange<'_>) -> Result<Arc<TagPolicy>, IamError> {
        self.change("create a tag policy", |draft| {
            need_tag_policies(draft)?;
            if draft.directory.tag_policies.count(()) >= MAX_POLICIES {
                return Err(IamError::Invalid(
                    "there are 1000 tag policies already, and more there cannot be",
                ));
            }
            let policy = TagPolicy {
                id: draft.id()?,
                name: String::new(),
                description: String::new(),
                document: String::new(),
                tags: Tags::default(),
                created: draft.now,
                updated: draft.now,
            };
            put_changed(draft, policy, new)
        })
    }

    /// Gives a tag policy another form.
    ///
    /// # Errors
    /// As [`Self::create_tag_policy`]; `Unknown`.
    pub fn change_tag_policy(
        self,
        id: TagPolicyId,
        change: TagPolicyChange<'_>,
    ) -> Result<Arc<TagPolicy>, IamError> {
        self.change("change a tag policy", |draft| {
            need_tag_policies(draft)?;
            let policy = draft.directory.tag_policies.get(id).ok_or(IamError::Unknown("tag policy"))?;
            let policy = TagPolicy { updated: draft.now, ..TagPolicy::clone(policy) };
            put_changed(draft, policy, change)
        })
    }

    /// Deletes a tag policy that is attached to nothing.
    ///
    /// # Errors
    /// `Unknown`, `InUse`; what the vault says.
    pub fn delete_tag_policy(self, id: TagPolicyId) -> Result<(), IamError> {
        self.change("delete a tag policy", |draft| {
            let policy = draft.directory.tag_policies.get(id).ok_or(IamError::Unknown("tag policy"))?;
            if !attached_to(draft.directory, id).is_empty() {
                return Err(IamError::InUse {
                    what: "the tag policy",
                    by: "it is attached: detach it first",
                });
            }
            draft.note("tag_policy", &policy.name);
            draft.delete::<TagPolicy>(id)
        })
    }

    /// Attaches a tag policy.
    ///
    /// # Errors
    /// `Invalid` if tag policies are not enabled, it is attached there already, or others are, as many as may be;
    /// `Unknown`; what the vault says.
    pub fn attach_tag_policy(self, id: TagPolicyId, to: Target) -> Result<(), IamError> {
        self.change("attach a tag policy", |draft| {
            need_tag_policies(draft)?;
            note_attachment(draft, id, to)?;
            let attached = &draft.directory.attached;
            if attached.get((id, to)).is_some() {
                return Err(IamError::Invalid("the tag policy is attached there already"));
            }
            if attached.count(to) >= MAX_ATTACHED {
                return Err(IamError::Invalid(
                    "ten tag policies are attached there already, and more there cannot be",
                ));
            }
            draft.put(Attached { policy: id, to })
        })
    }

    /// Detaches a tag policy.
    ///
    /// # Errors
    /// `Unknown`; what the vault says.
    pub fn detach_tag_policy(self, id: TagPolicyId, from: Target) -> Result<(), IamError> {
        self.change("detach a tag policy", |draft| {
            note_attachment(draft, id, from)?;
            draft.delete::<Attached>((id, from))
        })
    }
}

fn has_tag_policies(directory: &Directory) -> bool {
    directory.switches.get(()).is_some_and(|switch| switch.on)
}

fn need_tag_policies(draft: &Draft<'_>) -> Result<(), IamError> {
    match has_tag_policies(draft.directory) {
        true => Ok(()),
        false => Err(IamError::Invalid("tag policies are not enabled: hsm-admin tag-policy enable")),
    }
}

fn attached_to(directory: &Directory, policy: TagPolicyId) -> Vec<Target> {
    let mut to: Vec<_> =
        directory.attached.all().filter(|one| one.policy == policy).map(|one| one.to).collect();
    to.sort_unstable();
    to
}

fn note_attachment(draft: &mut Draft<'_>, policy: TagPolicyId, target: Target) -> Result<(), IamError> {
    let directory = draft.directory;
    let policy = directory.tag_policies.get(policy).ok_or(IamError::Unknown("tag policy"))?;
    let target = match target {
        Target::Root => ROOT.to_owned(),
        Target::Unit(id) => {
            format!("unit {}", directory.units.get(id).ok_or(IamError::Unknown("unit"))?.name)
        }
        Target::Account(id) => {
            format!("account {}", directory.accounts.get(id).ok_or(IamError::Unknown("account"))?.name)
        }
    };
    draft.note("tag_policy", &policy.name);
    draft.note("target", target);
    Ok(())
}

fn put_changed(
    draft: &mut Draft<'_>,
    mut policy: TagPolicy,
    change: TagPolicyChange<'_>,
) -> Result<Arc<TagPolicy>, IamError> {
    if let Some(name) = change.name {
        name::TAG_POLICY.check(name)?;
        name.clone_into(&mut policy.name);
    }
    if let Some(description) = change.description {
        name::check_description(description)?;
        description.clone_into(&mut policy.description);
    }
    if let Some(document) = change.document {
        Document::parse(document).map_err(IamError::Policy)?;
        document.clone_into(&mut policy.document);
    }
    if let Some(tags) = change.tags {
        policy.tags = Tags::new(tags).map_err(|error| IamError::Name(error.to_string()))?;
    }
    draft.note("tag_policy", &policy.name);
    draft.put(policy.clone())?;
    Ok(Arc::new(policy))
}
