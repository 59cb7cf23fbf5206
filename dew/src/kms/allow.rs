//! Who may do what: asked once for each request and key, and the same for every way in.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;

use super::error::{KmsError, Result};
use super::id::KeyId;
use super::key::Key;
use super::project::Project;
use super::record::Kept;
use super::{Kms, name};
use crate::caller::Caller;
use crate::iam::policy::{Action, Asked, Context, Identity, Request, Resource, Source, decide};
use crate::iam::{AccountId, EnterpriseProjectId, HeldTo, ProjectId};
use crate::tag::Tags;

/// The actions that each operation of the interface needs.
static ACTIONS: LazyLock<HashMap<&'static str, Vec<Action>>> = LazyLock::new(|| {
    let mut actions: HashMap<_, Vec<_>> = HashMap::new();
    for action in Action::all().filter(|action| action.service() == "kms") {
        for operation in action.operations() {
            actions.entry(operation).or_default().push(action);
        }
    }
    actions
});

/// A key that was found, and the project that it is of.
pub(super) struct Found {
    pub(super) project: Arc<Project>,
    pub(super) key: Kept<Key>,
}

/// What an operation is about.
#[derive(Clone, Copy)]
pub(super) enum About<'a> {
    /// A key that is there.
    Key(&'a Key),
    /// None yet, or many: what it would be, in an enterprise project and with tags.
    Some { enterprise_project: Option<[u8; 16]>, tags: Option<&'a Tags> },
}

impl About<'_> {
    /// Nothing that is known.
    pub(super) const NOTHING: Self = Self::Some { enterprise_project: None, tags: None };
}

impl Kms {
    /// The key that a request names by id or alias, if the caller may do this operation with it. A key that is not
    /// for the caller to know of is answered as one that is not there.
    pub(super) fn permitted(&self, caller: &Caller, operation: &'static str, named: &str) -> Result<Found> {
        let (own, account) = self.own(caller)?;
        let found = self.find(own, account, named, caller)?;
        let Found { project, key } = &found;
        if project.account != caller.identity.account || project.id != own {
            return Err(KmsError::NoKey);
        }
        self.allow(caller, operation, (project.id, project.account), About::Key(key))?;
        Ok(found)
    }

    /// As [`Self::permitted`], for what has no key.
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

    /// The key of an id or an alias, whoever may use it.
    fn find(&self, own: ProjectId, account: AccountId, named: &str, caller: &Caller) -> Result<Found> {
        let id = if name::is_default(named) {
            self.default_key(own, account, named, caller)?
        } else {
            named.parse::<KeyId>()?
        };
        // A key that is in several regions is in each under the same id: the project's own goes first.
        if let Some(project) = self.project(own)?
            && let Ok(key) = project.shelf.read().key(id)
        {
            return Ok(Found { project: Arc::clone(&project), key });
        }
        let home = self.homes.read().by_number.get(&id.home()).copied().ok_or(KmsError::NoKey)?;
        let project = self.project(home)?.ok_or(KmsError::NoKey)?;
        let key = project.shelf.read().key(id)?;
        Ok(Found { project, key })
    }

    /// Asks the policies of the caller.
    fn allow(
        &self,
        caller: &Caller,
        operation: &'static str,
        (project, account): (ProjectId, AccountId),
        about: About<'_>,
    ) -> Result<()> {
        let identity = &caller.identity;
        let (project_id, account_id) = (project.to_string(), account.to_string());
        let (own_account, user_id, user_name) =
            (identity.account.to_string(), identity.id(), identity.name());
        let region = self.iam.project(project).map(|project| project.name.clone()).unwrap_or_default();
        let (key_id, enterprise, tags) = match about {
            About::Key(key) => (Some(key.id.to_string()), Some(key.enterprise_project), Some(&key.tags)),
            About::Some { enterprise_project, tags } => (None, enterprise_project, tags),
        };
        let enterprise = EnterpriseProjectId(enterprise.unwrap_or_default()).to_string();
        let now = self.now();
        let spec = match about {
            About::Key(key) => Some(("kms:KeySpec", key.spec.name())),
            About::Some { .. } => None,
        };
        let facts: Vec<_> = spec.into_iter().collect();
        let context = Context {
            account_id: &own_account,
            account_name: Some(&identity.account_name),
            user_id: Some(&user_id),
            user_name: Some(&user_name),
            project_id: Some(&project_id),
            project_name: Some(&region),
            enterprise_project: Some(&enterprise),
            region: Some(&region),
            time: i64::try_from(now).ok().and_then(|now| Timestamp::from_millisecond(now).ok()),
            mfa_age: identity.mfa.map(|at| (now / 1000).saturating_sub(at)),
            source: caller.source,
            tls: Some(caller.tls),
            user_agent: caller.agent.as_deref(),
            resource_tags: tags.filter(|_| key_id.is_some()),
            request_tags: tags.filter(|_| key_id.is_none()),
            facts: &facts,
        };
        let applied = self.iam.policies_of(identity)?;
        let attached = applied.attached();
        let policies = Identity(&attached);
        let session = applied.session();
        let held = HeldTo(Identity(&session));
        let mut sources: Vec<&dyn Source> = vec![&policies];
        if !session.is_empty() {
            sources.push(&held);
        }
        let none = Vec::new();
        let actions = ACTIONS.get(operation).unwrap_or(&none);
        if actions.is_empty() {
            return Err(KmsError::Internal("an operation needs an action"));
        }
        for action in actions {
            let resource = Resource::of(*action, &region, &account_id, key_id.as_deref());
            let request = Request { action: Asked::Known(*action), resource, context: &context };
            if !decide(&request, &sources).is_allowed() {
                return Err(KmsError::Forbidden(format!(
                    "the policies of {user_name} do not allow {} on {resource}",
                    action.name()
                )));
            }
        }
        Ok(())
    }
}
