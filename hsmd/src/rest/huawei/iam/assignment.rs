//! Who is given which policies, and where: what the operations on assignments have in common.

use dew::caller::Caller;
use dew::iam::{IamError, RoleId, Scope, Subject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::id;
use super::desk::Desk;
use super::shown;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

/// Somebody of the account, by an id as it was written.
#[derive(Clone, Copy)]
pub(super) enum To<'a> {
    Agency(&'a str),
    Group(&'a str),
    User(&'a str),
}

/// Where policies are given, by an id as it was written.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// In the account: for global services.
    Account(&'a str),
    /// In all projects of the account.
    AllProjects(&'a str),
    /// In the project of the caller, which the path names.
    Project,
    /// In an enterprise project.
    EnterpriseProject(&'a str),
}

/// What somebody is given somewhere, for whoever may do an operation to it.
pub(super) struct Assignments<'a> {
    desk: Desk<'a>,
    to: Subject,
    scope: Scope,
}

impl<'a> Assignments<'a> {
    /// # Errors
    /// `Forbidden`; `Unknown` for what is no id.
    pub(super) fn permitted<O: Operation>(
        caller: &'a Caller,
        services: &'a Services,
        to: To<'_>,
        place: Place<'_>,
    ) -> Result<Self, IamError> {
        let (To::Agency(whose) | To::Group(whose) | To::User(whose)) = to;
        let desk = Desk::permitted::<O>(caller, services, Some(whose))?;
        let scope = match place {
            Place::Account(account) => desk.in_account(Some(account)).map(|()| Scope::Account)?,
            Place::AllProjects(account) => desk.in_account(Some(account)).map(|()| Scope::AllProjects)?,
            Place::Project => Scope::Project(caller.project.ok_or(IamError::Unknown("project"))?),
            Place::EnterpriseProject(project) => Scope::EnterpriseProject(id(project, "enterprise project")?),
        };
        let to = match to {
            To::Agency(agency) => Subject::Agency(id(agency, "agency")?),
            To::Group(group) => Subject::Group(id(group, "group")?),
            To::User(user) => Subject::User(id(user, "user")?),
        };
        Ok(Self { desk, to, scope })
    }

    /// Gives a policy.
    ///
    /// # Errors
    /// As the directory says.
    pub(super) fn give(&self, policy: &str) -> Result<Nothing, IamError> {
        self.desk.acting().give(self.desk.account, self.to, id(policy, "policy")?, self.scope)?;
        Ok(Nothing {})
    }

    /// Takes a policy.
    ///
    /// # Errors
    /// As the directory says.
    pub(super) fn take(&self, policy: &str) -> Result<Nothing, IamError> {
        self.desk.acting().take(self.desk.account, self.to, id(policy, "policy")?, self.scope)?;
        Ok(Nothing {})
    }

    /// Refuses a policy that is not given.
    ///
    /// # Errors
    /// `Unknown`
    pub(super) fn check(&self, policy: &str) -> Result<Nothing, IamError> {
        self.desk.known(self.to)?;
        match self.desk.iam.is_given(self.to, id(policy, "policy")?, self.scope) {
            true => Ok(Nothing {}),
            false => Err(IamError::Unknown("assignment")),
        }
    }

    /// The policies that are given.
    ///
    /// # Errors
    /// `Unknown`
    pub(super) fn list(&self) -> Result<Vec<Value>, IamError> {
        self.desk.known(self.to)?;
        Ok(shown::roles_given(self.desk.iam, self.desk.account, self.to, self.scope))
    }

    /// The same as Keystone lists it, with where the list is.
    ///
    /// # Errors
    /// `Unknown`
    pub(super) fn list_at(&self, path: &str) -> Result<Value, IamError> {
        Ok(json!({ "roles": self.list()?, "links": shown::list_links(path) }))
    }
}

/// A policy that agencies are given in an enterprise project, as one of many in a body.
#[derive(Deserialize)]
pub(super) struct InEnterpriseProject {
    agency_id: String,
    enterprise_project_id: String,
    role_id: String,
}

impl InEnterpriseProject {
    /// What a body names, for whoever may do an operation to each of the agencies; at most 250, as the interface has it.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`; `Unknown` for what is no id.
    pub(super) fn permitted<'a, O: Operation>(
        caller: &'a Caller,
        services: &'a Services,
        body: &[Self],
    ) -> Result<(Desk<'a>, Vec<(Subject, RoleId, Scope)>), IamError> {
        if body.len() > 250 {
            return Err(IamError::Invalid("role_assignments has at most 250 elements"));
        }
        let one = |one: &Self| {
            let to = Subject::Agency(id(&one.agency_id, "agency")?);
            let scope = Scope::EnterpriseProject(id(&one.enterprise_project_id, "enterprise project")?);
            Ok((to, id(&one.role_id, "policy")?, scope))
        };
        // Whoever may do it to some agencies alone is told nothing of the others.
        for assignment in body {
            Desk::permitted::<O>(caller, services, Some(&assignment.agency_id))?;
        }
        let desk = match body {
            [] => Desk::permitted::<O>(caller, services, None)?,
            _ => Desk::open(caller, services),
        };
        Ok((desk, body.iter().map(one).collect::<Result<_, IamError>>()?))
    }
}
