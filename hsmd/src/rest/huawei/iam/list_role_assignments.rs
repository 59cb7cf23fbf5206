//! Lists who is given what in the account.

use std::collections::HashSet;

use dew::caller::Caller;
use dew::iam::{GroupId, IamError, Scope, Subject};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Flag, page};
use super::desk::Desk;
use super::shown;
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    domain_id: String,
    role_id: Option<String>,
    subject: Option<Who>,
    #[serde(rename = "subject.user_id")]
    user_id: Option<String>,
    #[serde(rename = "subject.group_id")]
    group_id: Option<String>,
    #[serde(rename = "subject.agency_id")]
    agency_id: Option<String>,
    scope: Option<Where>,
    #[serde(rename = "scope.project_id")]
    project_id: Option<String>,
    #[serde(rename = "scope.domain_id")]
    account_id: Option<String>,
    #[serde(rename = "scope.enterprise_projects_id")]
    enterprise_project_id: Option<String>,
    /// Of what is given in the account: for all projects, or else for global services.
    is_inherited: Option<Flag>,
    /// Beside what users are given, what their groups are; so without it.
    include_group: Option<Flag>,
    page: Option<Number>,
    per_page: Option<Number>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Who {
    User,
    Group,
    Agency,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Where {
    Project,
    Domain,
    EnterpriseProject,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ShowDomainRoleAssignments";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-PERMISSION/role-assignments";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        desk.in_account(Some(&self.domain_id))?;
        desk.in_account(self.account_id.as_deref())?;
        let ids = [(Who::User, self.user_id), (Who::Group, self.group_id), (Who::Agency, self.agency_id)];
        let subject = Wanted::one(self.subject, ids, "give one of subject and subject.*_id")?;
        let ids = [
            (Where::Project, self.project_id),
            (Where::Domain, self.account_id),
            (Where::EnterpriseProject, self.enterprise_project_id),
        ];
        let scope = Wanted::one(self.scope, ids, "give one of scope and scope.*_id")?;

        let with_groups = self.include_group.is_none_or(|flag| flag.0);
        let groups = if with_groups { groups_of(&desk, &subject) } else { HashSet::new() };
        let inherited = scope.kind == Some(Where::Domain);
        let inherited = inherited.then(|| self.is_inherited.is_some_and(|flag| flag.0));
        let mut wanted = desk.iam.assignments(desk.account);
        wanted.retain(|given| {
            let is_to = match given.to {
                Subject::User(id) => subject.is(Who::User, &id),
                Subject::Group(id) => subject.is(Who::Group, &id) || groups.contains(&id),
                Subject::Agency(id) => subject.is(Who::Agency, &id),
            };
            let is_in = match given.scope {
                Scope::Project(id) => scope.is(Where::Project, &id),
                Scope::EnterpriseProject(id) => scope.is(Where::EnterpriseProject, &id),
                Scope::Account => scope.is(Where::Domain, &desk.account) && inherited != Some(true),
                Scope::AllProjects => scope.is(Where::Domain, &desk.account) && inherited != Some(false),
            };
            let role = self.role_id.as_ref();
            is_to && is_in && role.is_none_or(|role| *role == given.role.to_string())
        });
        let total = wanted.len();
        let given: Vec<_> =
            page(wanted, self.page, self.per_page)?.iter().map(|given| shown::assignment(given)).collect();
        Ok(json!({ "role_assignments": given, "total_num": total }))
    }
}

/// What is asked for: things of a kind, or one of them; all without a kind.
struct Wanted<K> {
    kind: Option<K>,
    id: Option<String>,
}

impl<K: Copy + PartialEq> Wanted<K> {
    fn one(kind: Option<K>, ids: [(K, Option<String>); 3], expected: &'static str) -> Result<Self, IamError> {
        let of_kind = kind.map(|kind| (kind, None));
        let by_id = ids.into_iter().filter_map(|(kind, id)| Some((kind, Some(id?))));
        let mut all = of_kind.into_iter().chain(by_id);
        let (kind, id) = all.next().map_or((None, None), |(kind, id)| (Some(kind), id));
        match all.next() {
            None => Ok(Self { kind, id }),
            Some(_) => Err(IamError::Invalid(expected)),
        }
    }

    fn is(&self, kind: K, id: &impl ToString) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.id.as_ref().is_none_or(|wanted| *wanted == id.to_string())
    }
}

/// The groups through which the users that are asked for are given something.
fn groups_of(desk: &Desk<'_>, subject: &Wanted<Who>) -> HashSet<GroupId> {
    if subject.kind != Some(Who::User) {
        return HashSet::new();
    }
    let users = desk.iam.users(desk.account).into_iter();
    users.filter(|user| subject.is(Who::User, &user.id)).flat_map(|user| user.groups.clone()).collect()
}
