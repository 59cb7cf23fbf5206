//! Who may do what: asked once for each request and key, and the same for every way in.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::error::{KmsError, Result};
use super::grant::{self, Grants};
use super::id::KeyId;
use super::key::Key;
use super::project::Project;
use super::record::Kept;
use super::{Kms, name};
use crate::caller::Caller;
use crate::cts::{self, Act};
use crate::iam::policy::{Action, ActionSet, Allowance, Resource, Role, Source};
use crate::iam::{AccountId, EnterpriseProjectId, Identity, Known, Policies, ProjectId, Question};
use crate::tag::Tags;

/// The actions that each operation of the interface needs.
static ACTIONS: LazyLock<HashMap<&'static str, Vec<Action>>> = LazyLock::new(|| {
    let mut actions: HashMap<_, Vec<_>> = HashMap::new();
    for action in Action::all().filter(|action| action.service() == "kms") {
        for operation in action.operations() {
            // One operation for two things, told apart by a field of its body.
            let operation: &str = match (operation, action.name()) {
                ("BatchCreateKmsTags", "kms:cmk:batchDeleteTags") => "BatchCreateKmsTags:delete",
                (operation, _) => operation,
            };
            actions.entry(operation).or_default().push(action);
        }
    }
    actions
});

/// What is not done with keys of a key store that is disabled, beside what uses them: they can be looked at, disabled and
/// deleted.
const NOT_IN_DISABLED_STORES: &[&str] = &["CreateGrant", "EnableKey", "ShowPublicKey"];

/// Whether an operation uses a key, as its trace tells it.
pub(super) fn is_use(operation: &str) -> bool {
    cts::traced("KMS", operation).is_some_and(|row| row.act == Act::Use)
}

/// A key that was found, and the project that it is of.
pub(super) struct Found {
    pub(super) project: Arc<Project>,
    pub(super) key: Kept<Key>,
}

/// What an operation is about.
#[derive(Clone, Copy)]
pub(super) enum About<'a> {
    /// A key that is there, and the tags that the request gives it.
    Key(&'a Key, Option<&'a Tags>),
    /// None yet, or many: what it would be, in an enterprise project and with tags.
    Some { enterprise_project: Option<[u8; 16]>, tags: Option<&'a Tags> },
}

impl About<'_> {
    /// Nothing that is known.
    pub(super) const NOTHING: Self = Self::Some { enterprise_project: None, tags: None };
}

/// What can let a caller in.
struct Ways {
    /// Its policies: all that they say, if the key is in the project of the request, and else what they deny.
    policies: Policies,
    /// What it was given on the key.
    given: ActionSet,
}

/// What conditions compare of a key.
const fn facts(key: &Key) -> [(&'static str, &'static str); 1] {
    [("kms:KeySpec", key.spec.name())]
}

impl Kms {
    /// The key that a request names by id or alias, if the caller may do this operation with it: by policies, if it is
    /// a key of the project of the request, or by grants. A key that is not for the caller to know of is answered as one
    /// that is not there.
    pub(super) fn permitted(&self, caller: &Caller, operation: &'static str, named: &str) -> Result<Found> {
        self.permitted_with(caller, operation, named, None)
    }

    /// As [`Self::permitted`], for a request that gives tags.
    pub(super) fn permitted_with(
        &self,
        caller: &Caller,
        operation: &'static str,
        named: &str,
        tags: Option<&Tags>,
    ) -> Result<Found> {
        let given = |grants: &Grants, key: &Key| grant::actions(&grants.given(key.id, &caller.identity));
        self.let_in(caller, operation, named, tags, given)
    }

    /// As [`Self::permitted`], for what no grant gives: the owner's business.
    pub(super) fn owned(&self, caller: &Caller, operation: &'static str, named: &str) -> Result<Found> {
        self.let_in(caller, operation, named, None, |_, _| ActionSet::default())
    }

    /// As [`Self::permitted`], for who retires a grant, which somebody may do who is named in it for that.
    pub(super) fn retirable(
        &self,
        caller: &Caller,
        named: &str,
        is_named: impl Fn(&Grants, &Key) -> bool,
    ) -> Result<Found> {
        let operation = "CancelSelfGrant";
        self.let_in(caller, operation, named, None, |grants, key| match is_named(grants, key) {
            true => Action::of_operation("kms", operation).collect(),
            false => grant::actions(&grants.given(key.id, &caller.identity)),
        })
    }

    fn let_in(
        &self,
        caller: &Caller,
        operation: &'static str,
        named: &str,
        tags: Option<&Tags>,
        given: impl Fn(&Grants, &Key) -> ActionSet,
    ) -> Result<Found> {
        let (own, account) = self.own(caller)?;
        if let Some(key) = self.default_to_be(own, named, caller)? {
            // It is made for who may use it, and for nobody else.
            let ways = Ways { policies: Policies::Whole, given: ActionSet::default() };
            self.allow(caller, operation, (own, account), About::Key(&key, tags), &ways)?;
        }
        let found = self.find(own, account, named, caller)?;
        let Found { project, key } = &found;
        let policies = match project.account == account && project.id == own {
            true => Policies::Whole,
            false => Policies::Denials,
        };
        let ways = Ways { policies, given: given(&project.shelf.read().grants, key) };
        if policies == Policies::Denials && ways.given == ActionSet::default() {
            return Err(KmsError::NoKey);
        }
        self.allow(caller, operation, (project.id, project.account), About::Key(key, tags), &ways)?;
        if key.store.is_some() && (is_use(operation) || NOT_IN_DISABLED_STORES.contains(&operation)) {
            self.stores.check_enabled(key.store)?;
        }
        let now = self.now();
        project.counts.lock().add(key.id, operation, now);
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
        let ways = Ways { policies: Policies::Whole, given: ActionSet::default() };
        self.allow(caller, operation, own, about, &ways)?;
        Ok(own)
    }

    /// The key of an id or an alias, whoever may use it.
    pub(super) fn find(
        &self,
        own: ProjectId,
        account: AccountId,
        named: &str,
        caller: &Caller,
    ) -> Result<Found> {
        let id = if name::is_default(named) {
            self.default_key(own, account, named, caller)?
        } else if let Ok(id) = named.parse::<KeyId>() {
            id
        } else {
            // What could not be an alias is no id either.
            name::check_name("key_id", named).map_err(|_| KmsError::BadKeyId)?;
            let project = self.project(own)?.ok_or(KmsError::NoAlias)?;
            let alias = project.shelf.read().alias(named);
            alias.map_err(|_| KmsError::NoAlias)?.key
        };
        self.find_by_id(self.project(own)?, id)
    }

    /// What policies look at of a key, as it is in this project, or else where it was made, and what somebody was given of it;
    /// none of what is no key.
    #[must_use]
    pub fn known(&self, who: &Identity, id: &str, within: Option<ProjectId>) -> Option<Known> {
        let own = within.and_then(|project| self.project(project).ok().flatten());
        let Found { project, key } = self.find_by_id(own, id.parse().ok()?).ok()?;
        let given = project.shelf.read().grants.each_given(key.id, who);
        Some(Known {
            project: project.id,
            enterprise_project: EnterpriseProjectId(key.enterprise_project),
            tags: key.tags.clone(),
            facts: facts(&key).into(),
            given: given
                .into_iter()
                .map(|(grant, actions)| (format!("the grant {grant}"), actions))
                .collect(),
        })
    }

    fn find_by_id(&self, own: Option<Arc<Project>>, id: KeyId) -> Result<Found> {
        // A key that is in several regions is in each under the same id: the project's own goes first.
        let own = own.filter(|project| project.shelf.read().keys.contains_key(&id));
        let project = match own {
            Some(project) => project,
            None => {
                let home = self.homes.read().by_number.get(&id.home()).copied().ok_or(KmsError::NoKey)?;
                // What is closed to its owner is closed to whom it gave something.
                self.iam.project(home).filter(|home| !home.suspended).ok_or(KmsError::NoKey)?;
                self.project(home)?.ok_or(KmsError::NoKey)?
            }
        };
        let (key, now) = (project.shelf.read().key(id)?, self.now());
        if key.is_gone(now) {
            return Err(KmsError::NoKey);
        }
        Ok(Found { project, key: key.standing_at(now) })
    }

    /// Asks the policies of the caller, and what it was given.
    fn allow(
        &self,
        caller: &Caller,
        operation: &'static str,
        (project, account): (ProjectId, AccountId),
        about: About<'_>,
        ways: &Ways,
    ) -> Result<()> {
        let none = Vec::new();
        let actions = ACTIONS.get(operation).unwrap_or(&none);
        if actions.is_empty() {
            return Err(KmsError::Internal("an operation needs an action"));
        }
        let home = self.iam.project(project);
        let region = home.as_ref().map(|home| home.region()).unwrap_or_default();
        let project_name = home.as_ref().map(|home| home.name.as_str()).unwrap_or_default();
        let (key_id, enterprise, tags, given) = match about {
            About::Key(key, given) => {
                (Some(key.id.to_string()), Some(key.enterprise_project), Some(&key.tags), given)
            }
            About::Some { enterprise_project, tags } => (None, enterprise_project, None, tags),
        };
        let facts = match about {
            About::Key(key, _) => facts(key).into(),
            About::Some { .. } => Vec::new(),
        };
        let question = Question {
            actions,
            account,
            region: Some(region),
            thing: key_id.as_deref(),
            // Policies hold in the project that is asked in, whose-ever the key is.
            project: Some(caller.project.unwrap_or(project)),
            project_name: Some(project_name),
            enterprise_project: Some(EnterpriseProjectId(enterprise.unwrap_or_default())),
            resource_tags: tags,
            request_tags: given,
            facts: &facts,
        };
        let account_id = account.to_string();
        let resource = |action| Resource::of(action, region, &account_id, key_id.as_deref());
        let grant = ACTIONS.get("ListKeyDetail").and_then(|actions| actions.first()).map(|action| {
            Allowance { name: "a grant", role: Role::Gives, actions: ways.given, resource: resource(*action) }
        });
        let others: Vec<_> = grant.iter().map(|grant| grant as &dyn Source).collect();
        match self.iam.refused(caller, &question, ways.policies, &others)? {
            None => Ok(()),
            Some(action) => Err(KmsError::Forbidden(format!(
                "neither the policies of {} nor grants allow {} on {}",
                caller.identity.name(),
                action.name(),
                resource(action)
            ))),
        }
    }
}
