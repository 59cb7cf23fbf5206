//! Policies that an account has made, and whom it has given these and the system's, and where.

use std::sync::Arc;

use super::directory::Draft;
use super::id::{AccountId, RoleId};
use super::policy::{self, Policy, SystemPolicy};
use super::record::{Assignment, Level, Role, Scope, Subject};
use super::table::Entity;
use super::{Acting, EnterpriseProjectId, Iam, IamError, Quota, name};

/// What changes of a policy: what is none stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoleChange<'a> {
    /// Its name for people.
    pub name: Option<&'a str>,
    /// What it is for.
    pub description: Option<&'a str>,
    /// The same in Chinese.
    pub description_cn: Option<&'a str>,
    /// Where it can be given, and its JSON.
    pub document: Option<(Level, &'a str)>,
}

impl Level {
    /// As the interface writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "AX",
            Self::Project => "XA",
        }
    }

    /// The one that the interface writes so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Global, Self::Project].into_iter().find(|level| level.name() == name)
    }
}

impl Iam {
    /// The policies that an account has made, in that order.
    #[must_use]
    pub fn roles(&self, account: AccountId) -> Vec<Arc<Role>> {
        self.directory.read().roles.of(account).cloned().collect()
    }

    /// A policy that an account has made.
    #[must_use]
    pub fn role(&self, account: AccountId, id: RoleId) -> Option<Arc<Role>> {
        self.directory.read().roles.get(id).filter(|role| role.account == account).cloned()
    }

    /// The policy of this name that an account has made.
    #[must_use]
    pub fn role_named(&self, account: AccountId, name: &str) -> Option<Arc<Role>> {
        self.directory.read().roles.named(account, name).cloned()
    }

    /// What is given to somebody, in the order in which it was.
    #[must_use]
    pub fn assignments_to(&self, subject: Subject) -> Vec<Arc<Assignment>> {
        self.directory.read().assignments.of(subject).cloned().collect()
    }

    /// All that an account has given.
    #[must_use]
    pub fn assignments(&self, account: AccountId) -> Vec<Arc<Assignment>> {
        let directory = self.directory.read();
        let groups = directory.groups.of(account).map(|group| Subject::Group(group.id));
        let agencies = directory.agencies.of(account).map(|agency| Subject::Agency(agency.id));
        let users = directory.users.of(account).map(|user| Subject::User(user.id));
        let subjects = groups.chain(agencies).chain(users);
        subjects.flat_map(|subject| directory.assignments.of(subject)).cloned().collect()
    }

    /// Whether something is given to somebody there.
    #[must_use]
    pub fn is_given(&self, to: Subject, role: RoleId, scope: Scope) -> bool {
        self.directory.read().assignments.get((to, role, scope)).is_some()
    }
}

impl Acting<'_> {
    /// Makes a policy, described in English and, if it is not empty, in Chinese.
    ///
    /// # Errors
    /// `Name`, `Description`, `Policy`, `Taken`, `Quota`, `Unknown`; what the vault says.
    pub fn create_role(
        self,
        account: AccountId,
        name: &str,
        (description, description_cn): (&str, &str),
        level: Level,
        document: &str,
    ) -> Result<Arc<Role>, IamError> {
        self.change("create a policy", |draft| {
            if draft.directory.accounts.get(account).is_none() {
                return Err(IamError::Unknown("account"));
            }
            Quota::Policy.check(draft.directory.roles.count(account))?;
            let role = Role {
                id: draft.id()?,
                account,
                name: name.to_owned(),
                description: description.to_owned(),
                description_cn: description_cn.to_owned(),
                level,
                document: document.to_owned(),
                created: draft.now,
                updated: draft.now,
            };
            draft.put_role(role)
        })
    }

    /// Changes a policy, for all whom it is given to.
    ///
    /// # Errors
    /// `Name`, `Description`, `Policy`, `Taken`, `Unknown`; `InUse` if it is given where it could not be then; what
    /// the vault says.
    pub fn change_role(
        self,
        account: AccountId,
        id: RoleId,
        change: RoleChange<'_>,
    ) -> Result<Arc<Role>, IamError> {
        self.change("change a policy", |draft| {
            let mut role = draft.role(account, id)?;
            for (new, of) in [
                (change.name, &mut role.name),
                (change.description, &mut role.description),
                (change.description_cn, &mut role.description_cn),
            ] {
                new.into_iter().for_each(|new| new.clone_into(of));
            }
            if let Some((level, document)) = change.document {
                if level != role.level && draft.is_given(&role) {
                    return Err(IamError::InUse { what: "the policy", by: "it is given to somebody" });
                }
                role.level = level;
                document.clone_into(&mut role.document);
            }
            role.updated = draft.now;
            draft.put_role(role)
        })
    }

    /// Deletes a policy that is given to nobody.
    ///
    /// # Errors
    /// `InUse`, `Unknown`; what the vault says.
    pub fn delete_role(self, account: AccountId, id: RoleId) -> Result<(), IamError> {
        self.change("delete a policy", |draft| {
            let role = draft.role(account, id)?;
            if draft.is_given(&role) {
                return Err(IamError::InUse { what: "the policy", by: "it is given to somebody" });
            }
            draft.note("account", account);
            draft.note("policy", id);
            draft.note("name", role.name);
            draft.delete::<Role>(id)
        })
    }

    /// Gives a policy, one of the account's or of the system's, to somebody of the account; if that is so, nothing is
    /// done.
    ///
    /// # Errors
    /// `Unknown`, `Quota`; `Invalid` if it has no place there; `Forbidden` for what no agency is given; what the vault
    /// says.
    pub fn give(self, account: AccountId, to: Subject, role: RoleId, scope: Scope) -> Result<(), IamError> {
        self.give_all(account, &[(to, role, scope)])
    }

    /// Gives several at once: all of them, or none.
    ///
    /// # Errors
    /// As [`Self::give`].
    pub fn give_all(self, account: AccountId, all: &[(Subject, RoleId, Scope)]) -> Result<(), IamError> {
        self.change("give a policy", |draft| {
            let mut added = Vec::new();
            for one @ &(to, role, scope) in all {
                draft.next_record();
                draft.check_subject(account, to)?;
                let (name, layers) = draft.any_role(account, role)?;
                draft.check_scope(account, scope)?;
                check_layers(layers, scope)?;
                check_agency(to, role)?;
                draft.note_assignment(account, to, scope);
                draft.note("policy", name);
                if draft.directory.assignments.get(*one).is_some() || added.contains(&one) {
                    continue;
                }
                let more = added.iter().filter(|(other, ..)| *other == to).count();
                Quota::Assignment.check(draft.directory.assignments.count(to) + more)?;
                draft.put(Assignment { account, to, role, scope, created: draft.now })?;
                added.push(one);
            }
            Ok(())
        })
    }

    /// Takes a policy from somebody of the account.
    ///
    /// # Errors
    /// `Unknown`, also if it is not given there; what the vault says.
    pub fn take(self, account: AccountId, from: Subject, role: RoleId, scope: Scope) -> Result<(), IamError> {
        self.take_all(account, &[(from, role, scope)])
    }

    /// Takes several at once: all of them, or none.
    ///
    /// # Errors
    /// As [`Self::take`]; `Unknown` also for what is named twice.
    pub fn take_all(self, account: AccountId, all: &[(Subject, RoleId, Scope)]) -> Result<(), IamError> {
        self.change("take a policy", |draft| {
            for (place, one @ &(from, role, scope)) in all.iter().enumerate() {
                draft.next_record();
                draft.check_subject(account, from)?;
                let (name, _) = draft.any_role(account, role)?;
                draft.note_assignment(account, from, scope);
                draft.note("policy", name);
                if all.iter().take(place).any(|earlier| earlier == one) {
                    return Err(IamError::Unknown(Assignment::WHAT));
                }
                draft.delete::<Assignment>(*one)?;
            }
            Ok(())
        })
    }
}

impl Draft<'_> {
    fn role(&self, account: AccountId, id: RoleId) -> Result<Role, IamError> {
        let role = self.directory.roles.get(id).filter(|role| role.account == account);
        role.map(|role| Role::clone(role)).ok_or(IamError::Unknown("policy"))
    }

    /// The name of a policy that the account can give, and at which layers.
    fn any_role(&self, account: AccountId, id: RoleId) -> Result<(String, &'static str), IamError> {
        match SystemPolicy::find(&id.to_string()) {
            Some(system) => Ok((system.display_name.to_owned(), system.layer)),
            None => self.role(account, id).map(|role| (role.name, role.level.name())),
        }
    }

    fn is_given(&self, role: &Role) -> bool {
        let directory = self.directory;
        let groups = directory.groups.of(role.account).map(|group| Subject::Group(group.id));
        let agencies = directory.agencies.of(role.account).map(|agency| Subject::Agency(agency.id));
        let users = directory.users.of(role.account).map(|user| Subject::User(user.id));
        let mut subjects = groups.chain(agencies).chain(users);
        subjects.any(|subject| directory.assignments.of(subject).any(|one| one.role == role.id))
    }

    fn put_role(&mut self, role: Role) -> Result<Arc<Role>, IamError> {
        name::ROLE.check(&role.name)?;
        name::check_description(&role.description)?;
        name::check_description(&role.description_cn)?;
        if SystemPolicy::find(&role.name).is_some() {
            return Err(IamError::Taken { what: "policy", name: role.name });
        }
        let refused = |why: policy::PolicyError| IamError::Policy(why.to_string());
        let level = Policy::parse(&role.name, &role.document).map_err(refused)?.level();
        match (level, role.level) {
            (policy::Level::Global, Level::Project) => {
                return Err(IamError::Policy("it is for global services: its type is AX".into()));
            }
            (policy::Level::Project, Level::Global) => {
                return Err(IamError::Policy("it is for services of projects: its type is XA".into()));
            }
            _ => {}
        }
        self.note("account", role.account);
        self.note("policy", role.id);
        self.note("name", &role.name);
        self.put(role.clone())?;
        Ok(Arc::new(role))
    }

    fn check_subject(&self, account: AccountId, subject: Subject) -> Result<(), IamError> {
        match subject {
            Subject::Group(id) => self.group(account, id).map(drop),
            Subject::Agency(id) => self.agency(account, id).map(drop),
            Subject::User(id) => self.user(account, id).map(drop),
        }
    }

    fn check_scope(&self, account: AccountId, scope: Scope) -> Result<(), IamError> {
        let directory = self.directory;
        if matches!(scope, Scope::EnterpriseProject(_)) {
            directory.need_enterprise_projects(account)?;
        }
        let there = match scope {
            Scope::Account | Scope::AllProjects | Scope::EnterpriseProject(EnterpriseProjectId::DEFAULT) => {
                true
            }
            Scope::Project(id) => {
                directory.projects.get(id).is_some_and(|project| project.account == account)
            }
            Scope::EnterpriseProject(id) => {
                directory.enterprise_projects.get(id).is_some_and(|project| project.account == account)
            }
        };
        if there { Ok(()) } else { Err(IamError::Unknown("project")) }
    }

    fn note_assignment(&mut self, account: AccountId, to: Subject, scope: Scope) {
        self.note("account", account);
        match to {
            Subject::Group(id) => self.note("group", id),
            Subject::Agency(id) => self.note("agency", id),
            Subject::User(id) => self.note("user", id),
        }
        match scope {
            Scope::Account => self.note("scope", "global services"),
            Scope::AllProjects => self.note("scope", "everywhere"),
            Scope::Project(id) => self.note("project", id),
            Scope::EnterpriseProject(id) => self.note("enterprise_project", id),
        }
    }
}

/// Whether a policy of these layers (`AX`, `XA`, `AA`) does something there.
fn check_layers(layers: &str, scope: Scope) -> Result<(), IamError> {
    match (layers, scope) {
        ("XA", Scope::Account) => {
            Err(IamError::Invalid("the policy is for services of projects: give it in a project, or in all"))
        }
        ("AX", Scope::Project(_) | Scope::EnterpriseProject(_)) => {
            Err(IamError::Invalid("the policy is for global services: give it in the account"))
        }
        _ => Ok(()),
    }
}

/// Refuses the two roles that no agency is given: to manage the account, and to act by agencies (IAM API reference,
/// "Granting Permissions to an Agency for a Region-specific Project"). It goes by the role and not by what it allows: an
/// account that gives an agency `FullAccess`, or a policy of its own with `iam:*:*`, wants that.
fn check_agency(to: Subject, role: RoleId) -> Result<(), IamError> {
    let system = SystemPolicy::find(&role.to_string()).map(|system| system.name);
    match (to, system) {
        (Subject::Agency(_), Some(name @ ("secu_admin" | "te_agency"))) => {
            Err(IamError::Forbidden(format!("{name} cannot be given to an agency")))
        }
        _ => Ok(()),
    }
}
