//! Which policies apply to who asks: those of a user's groups and its own, those of an agency, all there is for a root
//! user. Worked out once, and anew when anything changes.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::directory::Directory;
use super::id::{AgencyId, RoleId, UserId};
use super::identity::{Identity, Principal};
use super::policy::{self, Attached, Holder, Policy, SystemPolicy};
use super::record::{Scope, Subject};
use super::{Iam, IamError};

/// The policies that apply to somebody.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    policies: Vec<One>,
    /// What the credential is held to beside them.
    session: Option<Arc<Policy>>,
}

#[derive(Clone, Debug)]
struct One {
    policy: Which,
    scope: Where,
    to: To,
}

#[derive(Clone, Debug)]
enum Which {
    System(&'static Policy),
    Own(Arc<Policy>),
}

/// Where it holds, as the decision takes it.
#[derive(Clone, Debug)]
enum Where {
    Everywhere,
    Account,
    Project(String),
    EnterpriseProject(String),
}

#[derive(Clone, Debug)]
enum To {
    Account(String),
    Group(String),
    User(String),
    Agency(String),
}

impl Applied {
    /// The policies as the decision takes them.
    #[must_use]
    pub fn attached(&self) -> Vec<Attached<'_>> {
        self.policies.iter().map(One::attached).collect()
    }

    /// The policy that the credential is held to beside all others: what it does not allow is denied. Mostly there is none.
    #[must_use]
    pub fn session(&self) -> Vec<Attached<'_>> {
        let held =
            |policy| Attached { policy, scope: policy::Scope::Everywhere, to: Holder::User("session") };
        self.session.as_deref().map(held).into_iter().collect()
    }
}

impl One {
    fn attached(&self) -> Attached<'_> {
        Attached {
            policy: match &self.policy {
                Which::System(policy) => policy,
                Which::Own(policy) => policy,
            },
            scope: match &self.scope {
                Where::Everywhere => policy::Scope::Everywhere,
                Where::Account => policy::Scope::Domain,
                Where::Project(id) => policy::Scope::Project(id),
                Where::EnterpriseProject(id) => policy::Scope::EnterpriseProject(id),
            },
            to: match &self.to {
                To::Account(name) => Holder::Account(name),
                To::Group(name) => Holder::Group(name),
                To::User(name) => Holder::User(name),
                To::Agency(name) => Holder::Agency(name),
            },
        }
    }
}

/// Whose policies were worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose {
    User(UserId),
    Agency(AgencyId),
}

/// What was worked out, and of which directory.
#[derive(Default)]
pub(super) struct Cache(RwLock<HashMap<Whose, (u64, Arc<Applied>)>>);

/// How many are kept: beyond that all are worked out anew.
const MOST: usize = 100_000;

impl Iam {
    /// The policies that apply to somebody.
    ///
    /// # Errors
    /// `Malformed` if the credential's own policy cannot be read, which was read when it was given out.
    pub fn policies_of(&self, identity: &Identity) -> Result<Arc<Applied>, IamError> {
        let whose = match &identity.principal {
            Principal::User { id, .. } => Whose::User(*id),
            Principal::Agency { id, .. } => Whose::Agency(*id),
            Principal::Service { .. } => return Ok(Arc::default()),
        };
        let applied = self.cached(whose);
        let Some(session) = &identity.session else { return Ok(applied) };
        let session = Policy::parse("of the session", session).map_err(|_| IamError::Malformed)?;
        Ok(Arc::new(Applied { session: Some(Arc::new(session)), policies: applied.policies.clone() }))
    }

    fn cached(&self, whose: Whose) -> Arc<Applied> {
        // Held to the end, so that what is kept is of the generation that it is kept under.
        let directory = self.directory.read();
        let now = directory.generation;
        if let Some((generation, applied)) = self.cache.0.read().get(&whose)
            && *generation == now
        {
            return Arc::clone(applied);
        }
        let applied = Arc::new(work_out(&directory, whose));
        let mut cache = self.cache.0.write();
        if cache.len() >= MOST {
            cache.clear();
        }
        cache.insert(whose, (now, Arc::clone(&applied)));
        applied
    }
}

fn work_out(directory: &Directory, whose: Whose) -> Applied {
    let mut policies = Vec::new();
    match whose {
        Whose::User(id) => {
            let Some(user) = directory.users.get(id) else { return Applied::default() };
            let account = directory.accounts.get(user.account).filter(|account| account.root == id);
            // Whoever may manage groups could lock the account's owner out, if those of others bound the root user.
            if let Some(account) = account {
                let all = SystemPolicy::find("FullAccess").and_then(SystemPolicy::policy).map(Which::System);
                let to = To::Account(account.name.clone());
                policies.extend(all.map(|policy| One { policy, scope: Where::Everywhere, to }));
                return Applied { policies, session: None };
            }
            for group in user.groups.iter().filter_map(|group| directory.groups.get(*group)) {
                add(directory, Subject::Group(group.id), &To::Group(group.name.clone()), &mut policies);
            }
            add(directory, Subject::User(id), &To::User(user.name.clone()), &mut policies);
        }
        Whose::Agency(id) => {
            let Some(agency) = directory.agencies.get(id) else { return Applied::default() };
            add(directory, Subject::Agency(id), &To::Agency(agency.name.clone()), &mut policies);
        }
    }
    Applied { policies, session: None }
}

fn add(directory: &Directory, subject: Subject, to: &To, policies: &mut Vec<One>) {
    for given in directory.assignments.of(subject) {
        let scope = match given.scope {
            Scope::Account => Where::Account,
            Scope::AllProjects => Where::Everywhere,
            Scope::Project(id) => Where::Project(id.to_string()),
            Scope::EnterpriseProject(id) => Where::EnterpriseProject(id.to_string()),
        };
        if let Some(policy) = which(directory, given.role) {
            policies.push(One { policy, scope, to: to.clone() });
        }
    }
}

fn which(directory: &Directory, role: RoleId) -> Option<Which> {
    match SystemPolicy::find(&role.to_string()) {
        Some(system) => system.policy().map(Which::System),
        None => directory.compiled(role).cloned().map(Which::Own),
    }
}
