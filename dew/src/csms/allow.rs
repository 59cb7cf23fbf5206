//! Who may do what with secrets: asked once for each request, of the policies of who asks and of grants.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::error::{CsmsError, Result};
use super::secret::{Secret, Version};
use super::{Csms, Project};
use crate::caller::Caller;
use crate::iam::policy::{Action, ActionSet, Allowance, Resource, Role, Source};
use crate::iam::{AccountId, EnterpriseProjectId, Known, Policies, ProjectId, Question};
use crate::kms::record::Kept;
use crate::kms::{KeyId, Uuid};
use crate::tag::Tags;

/// The actions that each operation of the interface needs.
static ACTIONS: LazyLock<HashMap<&'static str, Vec<Action>>> = LazyLock::new(|| {
    let mut actions: HashMap<_, Vec<_>> = HashMap::new();
    for action in Action::all().filter(|action| action.service() == "csms") {
        for operation in action.operations() {
            // One operation for two things, told apart by a field of its body.
            let operation: &str = match (operation, action.name()) {
                ("BatchCreateOrDeleteTags", "csms:secret:batchDeleteTags") => {
                    "BatchCreateOrDeleteTags:delete"
                }
                (operation, _) => operation,
            };
            actions.entry(operation).or_default().push(action);
        }
    }
    actions
});

/// What a grant lets somebody do.
const GRANTED: &[&str] = &["ShowSecret", "ShowSecretVersion", "ListSecretVersions", "ShowSecretStage"];

/// What an operation is about.
#[derive(Clone, Copy, Default)]
pub(super) struct About<'a> {
    /// A secret that is there.
    pub(super) secret: Option<&'a Secret>,
    /// The name of one that is not, or of something else.
    pub(super) name: Option<&'a str>,
    /// The enterprise project that it is to be in.
    pub(super) enterprise_project: Option<[u8; 16]>,
    /// The tags that the request gives it.
    pub(super) tags: Option<&'a Tags>,
    /// What the caller was given on it.
    pub(super) given: ActionSet,
}

impl<'a> About<'a> {
    pub(super) fn name(name: &'a str) -> Self {
        Self { name: Some(name), ..Self::default() }
    }

    pub(super) fn secret(secret: &'a Secret) -> Self {
        Self { secret: Some(secret), ..Self::default() }
    }
}

/// By what a request names a secret.
#[derive(Clone, Copy)]
pub(super) enum Named<'a> {
    Name(&'a str),
    Id(&'a str),
}

/// A secret that was found, and its project.
pub(super) struct Found {
    pub(super) project: Arc<Project>,
    pub(super) secret: Kept<Secret>,
}

impl Csms {
    /// The project that a request is made in.
    ///
    /// # Errors
    /// `OtherProject` if it is none of the caller's account, or suspended.
    pub(super) fn own(&self, caller: &Caller) -> Result<(ProjectId, AccountId)> {
        let project = caller.own_project(&self.iam).filter(|project| !project.suspended);
        project.map(|project| (project.id, project.account)).ok_or(CsmsError::OtherProject)
    }

    /// The secret of a name, if the caller may do this operation with it.
    pub(super) fn permitted(&self, caller: &Caller, operation: &'static str, name: &str) -> Result<Found> {
        self.permitted_with(caller, operation, Named::Name(name), None)
    }

    /// As [`Self::permitted`], for a request that names it by its id as well as by its name, and gives tags.
    pub(super) fn permitted_with(
        &self,
        caller: &Caller,
        operation: &'static str,
        named: Named<'_>,
        tags: Option<&Tags>,
    ) -> Result<Found> {
        let own = self.own(caller)?;
        let (project, now) = (self.project(own.0, own.1)?, self.now());
        let find = |project: &Arc<Project>| {
            let shelf = project.shelf.read();
            let found = match named {
                Named::Name(name) => shelf.named(name),
                Named::Id(id) => id.parse().map_err(|_| CsmsError::NoSecret).and_then(|id| shelf.of_id(id)),
            };
            found.ok().filter(|secret| !secret.is_gone(now)).cloned()
        };
        let Some((project, secret)) =
            project.and_then(|project| find(&project).map(|secret| (project, secret)))
        else {
            // Who may not ask for it does not learn that it is not there.
            let name = match named {
                Named::Name(name) => Some(name),
                Named::Id(_) => None,
            };
            self.allow(caller, operation, own, About { name, tags, ..About::default() })?;
            return Err(CsmsError::NoSecret);
        };
        let given = self.given(caller, &project, secret.id, now);
        self.allow(caller, operation, own, About { tags, given, ..About::secret(&secret) })?;
        Ok(Found { project, secret })
    }

    /// As [`Self::permitted`], for what has no secret yet, or many.
    pub(super) fn permitted_in(
        &self,
        caller: &Caller,
        operation: &'static str,
        about: About<'_>,
    ) -> Result<(ProjectId, AccountId)> {
        let own = self.own(caller)?;
        self.allow(caller, operation, own, about)?;
        Ok(own)
    }

    /// What grants give the caller on a secret.
    fn given(&self, caller: &Caller, project: &Project, secret: Uuid, now: u64) -> ActionSet {
        let shelf = project.shelf.read();
        let mut grants = shelf.grants_on(secret).filter(|grant| grant.until.is_none_or(|until| now < until));
        if grants.any(|grant| self.is_for(&grant.to, caller)) {
            GRANTED.iter().flat_map(|operation| Action::of_operation("csms", operation)).collect()
        } else {
            ActionSet::default()
        }
    }

    /// The id, the name and the enterprise project of a secret of a project, as traces tell them, by its name or its id.
    #[must_use]
    pub fn shown(
        &self,
        project: ProjectId,
        account: AccountId,
        named: &str,
    ) -> Option<(String, String, EnterpriseProjectId)> {
        let project = self.project(project, account).ok()??;
        let shelf = project.shelf.read();
        let by_id = || named.parse().ok().and_then(|id| shelf.of_id(id).ok());
        let secret = shelf.named(named).ok().or_else(by_id)?;
        let place = EnterpriseProjectId(secret.enterprise_project);
        Some((secret.id.to_string(), secret.name.clone(), place))
    }

    /// The names of the project's secrets of which a version, or the next one, is under a key.
    #[must_use]
    pub fn under(&self, project: ProjectId, account: AccountId, key: KeyId) -> Vec<String> {
        let Ok(Some(project)) = self.project(project, account) else { return Vec::new() };
        let (shelf, now) = (project.shelf.read(), self.now());
        let uses = |secret: &&Kept<Secret>| {
            let under_it = |version: &Version| version.key == key;
            !secret.is_gone(now) && (secret.key == key || secret.versions.iter().any(under_it))
        };
        shelf.secrets.values().filter(uses).map(|secret| secret.name.clone()).collect()
    }

    /// What policies look at of a secret; none of what is no secret of a project.
    #[must_use]
    pub fn known(&self, name: &str, within: ProjectId, account: AccountId) -> Option<Known> {
        let project = self.project(within, account).ok()??;
        let secret = project.shelf.read().named(name).ok()?.clone();
        Some(Known {
            project: project.id,
            enterprise_project: EnterpriseProjectId(secret.enterprise_project),
            tags: secret.tags.clone(),
            facts: facts(&secret).into(),
            given: Vec::new(),
        })
    }

    fn allow(
        &self,
        caller: &Caller,
        operation: &'static str,
        (project, account): (ProjectId, AccountId),
        about: About<'_>,
    ) -> Result<()> {
        let none = Vec::new();
        let actions = ACTIONS.get(operation).unwrap_or(&none);
        if actions.is_empty() {
            return Err(CsmsError::Internal("an operation needs an action"));
        }
        let home = self.iam.project(project);
        let region = home.as_ref().map(|home| home.region()).unwrap_or_default();
        let project_name = home.as_ref().map(|home| home.name.as_str()).unwrap_or_default();
        let secret = about.secret;
        let thing = secret.map(|secret| secret.name.as_str()).or(about.name);
        let place = secret.map(|secret| secret.enterprise_project).or(about.enterprise_project);
        let facts = secret.map(|secret| Vec::from(facts(secret))).unwrap_or_default();
        let question = Question {
            actions,
            account,
            region: Some(region),
            thing,
            project: Some(project),
            project_name: Some(project_name),
            enterprise_project: Some(EnterpriseProjectId(place.unwrap_or_default())),
            resource_tags: secret.map(|secret| &secret.tags),
            request_tags: about.tags,
            facts: &facts,
        };
        let account_id = account.to_string();
        let resource = |action| Resource::of(action, region, &account_id, thing);
        let grant = ACTIONS.get("ShowSecret").and_then(|actions| actions.first()).map(|action| Allowance {
            name: "a grant",
            role: Role::Gives,
            actions: about.given,
            resource: resource(*action),
        });
        let others: Vec<_> = grant.iter().map(|grant| grant as &dyn Source).collect();
        match self.iam.refused(caller, &question, Policies::Whole, &others)? {
            None => Ok(()),
            Some(action) => Err(CsmsError::Forbidden(format!(
                "the policies of {} do not allow {} on {}",
                caller.identity.name(),
                action.name(),
                resource(action)
            ))),
        }
    }
}

/// What conditions compare of a secret.
fn facts(secret: &Secret) -> [(&'static str, &'static str); 1] {
    [("csms:Type", secret.kind.name())]
}
