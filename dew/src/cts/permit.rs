//! Who may ask for traces: the policies of who asks decide, in the project of the request.

use jiff::Timestamp;

use super::{Cts, CtsError};
use crate::caller::Caller;
use crate::iam::policy::{Action, Asked, Context, Identity, Request, Resource, Source, decide};
use crate::iam::{Assumed, HeldTo, Principal, ProjectId};

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
        let project = caller.own_project(&self.iam).filter(|project| !project.suspended);
        let project = project.ok_or(CtsError::OtherProject)?.id;
        self.allow(caller, operation, Some(project))?;
        Ok(project)
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
        self.allow(caller, operation, caller.identity.project)
    }

    fn allow(&self, caller: &Caller, operation: &str, project: Option<ProjectId>) -> Result<(), CtsError> {
        let identity = &caller.identity;
        let (account, id, name) = (identity.account.to_string(), identity.id(), identity.name());
        let home = project.and_then(|id| self.iam.project(id));
        let region = home.as_ref().map(|home| home.region().to_owned()).unwrap_or_default();
        let (name_of_project, project) =
            (home.map(|home| home.name.clone()), project.map(|id| id.to_string()));
        let now = self.hsm.time();
        let context = Context {
            account_id: &account,
            account_name: Some(&identity.account_name),
            user_id: Some(&id),
            user_name: Some(&name),
            project_id: project.as_deref(),
            project_name: Some(name_of_project.as_deref().unwrap_or_default()),
            region: Some(&region),
            time: i64::try_from(now).ok().and_then(|now| Timestamp::from_second(now).ok()),
            mfa_age: identity.mfa.map(|at| now.saturating_sub(at)),
            source: caller.source,
            tls: Some(caller.tls),
            user_agent: caller.agent.as_deref(),
            ..Context::default()
        };
        let applied = self.iam.policies_of(identity)?;
        let (attached, session) = (applied.attached(), applied.session());
        let (policies, held) = (Identity(&attached), HeldTo(Identity(&session)));
        let mut sources: Vec<&dyn Source> = vec![&policies];
        if !session.is_empty() {
            sources.push(&held);
        }
        let mut actions = Action::of_operation("cts", operation).peekable();
        if actions.peek().is_none() {
            return Err(CtsError::Forbidden(format!("nobody may do {operation}")));
        }
        for action in actions {
            let resource = Resource::of(action, &region, &account, None);
            let request = Request { action: Asked::Known(action), resource, context: &context };
            if !decide(&request, &sources).is_allowed() {
                return Err(CtsError::Forbidden(format!(
                    "the policies of {name} do not allow {}",
                    action.name()
                )));
            }
        }
        Ok(())
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
