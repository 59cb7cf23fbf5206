//! Who may ask for traces: the policies of who asks decide, in the project of the request.

use std::sync::Arc;

use super::{Cts, CtsError};
use crate::caller::Caller;
use crate::iam::policy::Action;
use crate::iam::{Assumed, Policies, Principal, Project, ProjectId, Question};
use crate::tag::Tags;

/// The tags that something has, and those that a request gives it.
#[derive(Clone, Copy, Default)]
struct Tagging<'a> {
    there: Option<&'a Tags>,
    given: Option<&'a Tags>,
}

impl Cts {
    /// The project whose traces a request can leave: the caller's own, suspended or not.
    #[must_use]
    pub fn project_of(&self, caller: &Caller) -> Option<ProjectId> {
        caller.own_project(&self.iam).map(|project| project.id)
    }

    /// The projects of the caller's account that it may work in, and that are not suspended.
    #[must_use]
    pub fn projects_of(&self, caller: &Caller) -> Vec<ProjectId> {
        let (account, only) = (caller.identity.account, caller.identity.project);
        let projects = self.iam.projects(account).into_iter().filter(|project| !project.suspended);
        projects.map(|project| project.id).filter(|id| only.is_none_or(|only| only == *id)).collect()
    }

    /// The project of the request, if it is not suspended and the caller may do this operation in it.
    ///
    /// # Errors
    /// `OtherProject`, `Forbidden`.
    pub fn permitted(&self, caller: &Caller, operation: &str) -> Result<ProjectId, CtsError> {
        self.permitted_project(caller, operation).map(|project| project.id)
    }

    /// As [`Self::permitted`], with all that is known of the project.
    pub(super) fn permitted_project(
        &self,
        caller: &Caller,
        operation: &str,
    ) -> Result<Arc<Project>, CtsError> {
        let project = self.own(caller)?;
        self.allow(caller, operation, Some(project.id), Tagging::default())?;
        Ok(project)
    }

    /// The project of the request, if it is the caller's and not suspended.
    pub(super) fn own(&self, caller: &Caller) -> Result<Arc<Project>, CtsError> {
        let project = caller.own_project(&self.iam).filter(|project| !project.suspended);
        project.ok_or(CtsError::OtherProject)
    }

    /// Lets through who may change the tags of something in a project.
    pub(super) fn allow_tagging(
        &self,
        caller: &Caller,
        operation: &str,
        project: &Project,
        there: Option<&Tags>,
        given: Option<&Tags>,
    ) -> Result<(), CtsError> {
        self.allow(caller, operation, Some(project.id), Tagging { there, given })
    }

    /// Lets through who may do this operation in the account of which a request gives the id.
    ///
    /// # Errors
    /// `OtherProject` if it is not the caller's, `Forbidden`.
    pub fn permitted_in_account(
        &self,
        caller: &Caller,
        operation: &str,
        account: &str,
    ) -> Result<(), CtsError> {
        if caller.identity.account.to_string() != account {
            return Err(CtsError::OtherProject);
        }
        self.allow(caller, operation, caller.identity.project, Tagging::default())
    }

    fn allow(
        &self,
        caller: &Caller,
        operation: &str,
        project: Option<ProjectId>,
        tags: Tagging<'_>,
    ) -> Result<(), CtsError> {
        let actions: Vec<_> = Action::of_operation("cts", operation).collect();
        if actions.is_empty() {
            return Err(CtsError::Forbidden(format!("nobody may do {operation}")));
        }
        let home = project.and_then(|id| self.iam.project(id));
        let question = Question {
            region: Some(home.as_ref().map(|home| home.region()).unwrap_or_default()),
            project,
            project_name: Some(home.as_ref().map(|home| home.name.as_str()).unwrap_or_default()),
            resource_tags: tags.there,
            request_tags: tags.given,
            ..Question::new(&actions, caller.identity.account, None)
        };
        match self.iam.refused(caller, &question, Policies::Whole, &[])? {
            None => Ok(()),
            Some(action) => Err(CtsError::Forbidden(format!(
                "the policies of {} do not allow {}",
                caller.identity.name(),
                action.name()
            ))),
        }
    }
}

impl super::User {
    /// The caller, as traces name it.
    #[must_use]
    pub fn of(caller: &Caller, access_key: Option<&str>) -> Self {
        let identity = &caller.identity;
        let kind = match &identity.principal {
            Principal::User { .. } => "User",
            Principal::Agency { by: Assumed::User { .. }, .. } => "AssumedAgency",
            Principal::Agency { .. } | Principal::Service { .. } => "Service",
        };
        Self {
            id: identity.id(),
            name: identity.name(),
            account: identity.account.to_string(),
            account_name: identity.account_name.to_string(),
            access_key: access_key.unwrap_or_default().to_owned(),
            kind: kind.to_owned(),
            is_root: identity.is_root,
            mfa: identity.mfa.is_some(),
        }
    }
}
