//! Who may do what: asked once for each request and key, and the same for every way in.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;

use super::error::{KmsError, Result};
use super::grant::{self, Grants};
use super::id::KeyId;
use super::key::Key;
use super::project::Project;
use super::record::Kept;
use super::{Kms, name};
use crate::caller::Caller;
use crate::iam::policy::{
    Action, ActionSet, Allowance, Asked, Context, Identity, Request, Resource, Role, Source, Verdict, decide,
};
use crate::iam::{AccountId, EnterpriseProjectId, HeldTo, ProjectId};
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

/// What is not done with keys of a key store that is disabled: they can be looked at, disabled and deleted.
const NOT_IN_DISABLED_STORES: &[&str] = &[
    "CreateDatakey",
    "CreateDatakeyCapsule",
    "CreateDatakeyWithoutPlaintext",
    "CreateEcDatakeyPair",
    "CreateGrant",
    "CreateRsaDatakeyPair",
    "DecryptData",
    "DecryptDatakey",
    "DecryptDatakeyCapsule",
    "DeriveSharedSecret",
    "EnableKey",
    "EncryptData",
    "EncryptDatakey",
    "GenerateMac",
    "ShowPublicKey",
    "Sign",
    "ValidateSignature",
    "VerifyMac",
];

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
    /// Its policies: those that allow something, if the key is in the project of the request, and those that deny it.
    policies: bool,
    /// What it was given on the key.
    given: ActionSet,
}

/// Policies of somebody for whom the key is not: of them only what they deny counts.
struct Denials<'a>(&'a Identity<'a>);

impl Source for Denials<'_> {
    fn role(&self) -> Role {
        Role::Identity
    }

    fn weigh<'a>(&'a self, request: &Request<'_>) -> Verdict<'a> {
        match self.0.weigh(request) {
            Verdict::Allow(_) => Verdict::Silent(None),
            other => other,
        }
    }
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
            let ways = Ways { policies: true, given: ActionSet::default() };
            self.allow(caller, operation, (own, account), About::Key(&key, tags), &ways)?;
        }
        let found = self.find(own, account, named, caller)?;
        let Found { project, key } = &found;
        let policies = project.account == account && project.id == own;
        let ways = Ways { policies, given: given(&project.shelf.read().grants, key) };
        if !policies && ways.given == ActionSet::default() {
            return Err(KmsError::NoKey);
        }
        self.allow(caller, operation, (project.id, project.account), About::Key(key, tags), &ways)?;
        if NOT_IN_DISABLED_STORES.contains(&operation) {
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
        let ways = Ways { policies: true, given: ActionSet::default() };
        self.allow(caller, operation, own, about, &ways)?;
        Ok(own)
    }

    /// The key of an id or an alias, whoever may use it.
    fn find(&self, own: ProjectId, account: AccountId, named: &str, caller: &Caller) -> Result<Found> {
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
        // A key that is in several regions is in each under the same id: the project's own goes first.
        let own = self.project(own)?.filter(|project| project.shelf.read().keys.contains_key(&id));
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
        let identity = &caller.identity;
        // Policies hold in the project that is asked in, whose-ever the key is.
        let project_id = caller.project.unwrap_or(project).to_string();
        let account_id = account.to_string();
        let (own_account, user_id, user_name) =
            (identity.account.to_string(), identity.id(), identity.name());
        let home = self.iam.project(project);
        let region = home.as_ref().map(|home| home.region().to_owned()).unwrap_or_default();
        let project_name = home.map(|home| home.name.clone()).unwrap_or_default();
        let (key_id, enterprise, tags, given) = match about {
            About::Key(key, given) => {
                (Some(key.id.to_string()), Some(key.enterprise_project), Some(&key.tags), given)
            }
            About::Some { enterprise_project, tags } => (None, enterprise_project, None, tags),
        };
        let enterprise = EnterpriseProjectId(enterprise.unwrap_or_default()).to_string();
        let now = self.now();
        let spec = match about {
            About::Key(key, _) => Some(("kms:KeySpec", key.spec.name())),
            About::Some { .. } => None,
        };
        let facts: Vec<_> = spec.into_iter().collect();
        let context = Context {
            account_id: &own_account,
            account_name: Some(&identity.account_name),
            user_id: Some(&user_id),
            user_name: Some(&user_name),
            project_id: Some(&project_id),
            project_name: Some(&project_name),
            enterprise_project: Some(&enterprise),
            region: Some(&region),
            time: i64::try_from(now).ok().and_then(|now| Timestamp::from_millisecond(now).ok()),
            mfa_age: identity.mfa.map(|at| (now / 1000).saturating_sub(at)),
            source: caller.source,
            tls: Some(caller.tls),
            user_agent: caller.agent.as_deref(),
            resource_tags: tags,
            request_tags: given,
            facts: &facts,
        };
        let applied = self.iam.policies_of(identity)?;
        let attached = applied.attached();
        let policies = Identity(&attached);
        let denials = Denials(&policies);
        let resource = |action| Resource::of(action, &region, &account_id, key_id.as_deref());
        let grant = ACTIONS.get("ListKeyDetail").and_then(|actions| actions.first()).map(|action| {
            Allowance { name: "a grant", role: Role::Gives, actions: ways.given, resource: resource(*action) }
        });
        let mut sources: Vec<&dyn Source> = vec![if ways.policies { &policies } else { &denials }];
        sources.extend(grant.iter().map(|grant| grant as &dyn Source));
        let session = applied.session();
        let held = HeldTo(Identity(&session));
        if !session.is_empty() {
            sources.push(&held);
        }
        let none = Vec::new();
        let actions = ACTIONS.get(operation).unwrap_or(&none);
        if actions.is_empty() {
            return Err(KmsError::Internal("an operation needs an action"));
        }
        for action in actions {
            let resource = resource(*action);
            let request = Request { action: Asked::Known(*action), resource, context: &context };
            if !decide(&request, &sources).is_allowed() {
                return Err(KmsError::Forbidden(format!(
                    "neither the policies of {user_name} nor grants allow {} on {resource}",
                    action.name()
                )));
            }
        }
        Ok(())
    }
}
