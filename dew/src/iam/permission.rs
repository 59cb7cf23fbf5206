//! Who may do what: the policies of who asks decide, and what else has a say, in the same way for every service.

use jiff::Timestamp;

use super::policy::{
    Access, Action, Asked, Context, Decision, Ground, Identity, Request, Resource, Role, Source, Verdict,
    decide,
};
use super::{Account, AccountId, EnterpriseProjectId, Iam, IamError, ProjectId, UserId};
use crate::caller::Caller;
use crate::tag::Tags;

/// What is asked for, and all that policies look at beside who asks.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The actions, each of which must be allowed.
    pub actions: &'a [Action],
    /// The account whose the thing is.
    pub account: AccountId,
    /// Its region; none for what is in none.
    pub region: Option<&'a str>,
    /// Its id or name; none for what is made or listed.
    pub thing: Option<&'a str>,
    /// The project that is asked in.
    pub project: Option<ProjectId>,
    /// Its name.
    pub project_name: Option<&'a str>,
    /// The enterprise project that the thing is in.
    pub enterprise_project: Option<EnterpriseProjectId>,
    /// Its tags.
    pub resource_tags: Option<&'a Tags>,
    /// The tags that the request gives it.
    pub request_tags: Option<&'a Tags>,
    /// What the service knows of it.
    pub facts: &'a [(&'a str, &'a str)],
}

impl<'a> Question<'a> {
    /// About an account, or a thing of it, and no more.
    #[must_use]
    pub const fn new(actions: &'a [Action], account: AccountId, thing: Option<&'a str>) -> Self {
        Self {
            actions,
            account,
            region: None,
            thing,
            project: None,
            project_name: None,
            enterprise_project: None,
            resource_tags: None,
            request_tags: None,
            facts: &[],
        }
    }
}

/// What the policies of who asks can do for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policies {
    /// All that they say.
    Whole,
    /// Nothing: the thing is not for their holder, and only what they deny counts.
    Denials,
}

/// The operations that users do to themselves, whether or not they may do them to others.
const OWN: &[&str] = &[
    "CreateBindingDevice",
    "CreateMfaDevice",
    "CreatePermanentAccessKey",
    "DeleteBindingDevice",
    "DeletePermanentAccessKey",
    "KeystoneListGroupsForUser",
    "KeystoneListProjectsForUser",
    "KeystoneShowUser",
    "ListPermanentAccessKeys",
    "ShowPermanentAccessKey",
    "ShowUser",
    "ShowUserLoginProtect",
    "ShowUserMfaDevice",
    "UpdatePermanentAccessKey",
];

/// Those that nobody does to others.
const OWN_ALONE: &[&str] = &["KeystoneUpdateUserPassword", "UpdateUserInformation"];

/// Those to access keys, which an account can keep its users from.
const OWN_KEYS: &[&str] =
    &["CreatePermanentAccessKey", "DeletePermanentAccessKey", "UpdatePermanentAccessKey"];

const ROOT_ALONE: &str = "the root user is changed by itself alone";
const NO_OWN_PASSWORD: &str = "the account does not let its users change their passwords";
const ITSELF_ALONE: &str = "a user changes this for itself alone";

/// What decides on something that is done to a thing of IAM, apart from grants.
pub(super) enum Standing {
    /// Policies.
    Policies,
    /// That users do it to themselves, unless policies deny it.
    Own,
    /// Nothing: it is refused.
    Refused(&'static str),
}

impl Standing {
    /// What decides on operations of IAM, of which some change things or none, that somebody of an account does to a thing of
    /// it; of what users do to themselves alone, that is the user.
    pub(super) fn of(
        account: &Account,
        identity: &super::Identity,
        operations: &[&str],
        writes: bool,
        thing: Option<&str>,
    ) -> Self {
        let is = |known: &[&str]| operations.iter().any(|operation| known.contains(operation));
        let is_thing =
            |id: Option<UserId>| thing.is_some() && thing == id.map(|id| id.to_string()).as_deref();
        let itself = is_thing(identity.user());
        let protection = &account.protection;
        // Whoever could change the root user would be it.
        if is_thing(Some(account.root)) && !identity.is_root && writes {
            return Self::Refused(ROOT_ALONE);
        }
        if is(OWN_ALONE) && thing.is_some() && !itself {
            return Self::Refused(ITSELF_ALONE);
        }
        if is(&["KeystoneUpdateUserPassword"]) && !protection.own_password && !identity.is_root {
            return Self::Refused(NO_OWN_PASSWORD);
        }
        match is(OWN_ALONE) || itself && is(OWN) {
            true if is(OWN_KEYS) && !protection.own_keys => Self::Policies,
            true => Self::Own,
            false => Self::Policies,
        }
    }
}

/// The policy that a credential is held to: what it does not allow is denied.
#[derive(Clone, Copy, Debug)]
struct HeldTo<'a>(Identity<'a>);

impl Source for HeldTo<'_> {
    fn role(&self) -> Role {
        Role::Limits
    }

    fn weigh<'a>(&'a self, request: &Request<'_>) -> Verdict<'a> {
        self.0.weigh(request)
    }
}

/// Policies of which only what they deny counts.
#[derive(Clone, Copy, Debug)]
struct Denials<'a>(Identity<'a>);

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

/// That somebody asks about itself, which is allowed unless something denies it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Itself;

impl Source for Itself {
    fn role(&self) -> Role {
        Role::Gives
    }

    fn weigh<'a>(&'a self, _: &Request<'_>) -> Verdict<'a> {
        Verdict::Allow(Ground::Named("it is about who asks"))
    }
}

impl Iam {
    /// The first action of a question that the caller may not do, by its policies and whatever else has a say; none if it may
    /// do all.
    ///
    /// # Errors
    /// `Malformed` if the credential's own policy cannot be read.
    pub fn refused(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        policies: Policies,
        others: &[&dyn Source],
    ) -> Result<Option<Action>, IamError> {
        let mut refused = None;
        self.decide(caller, question, policies, others, |action, decision| {
            if !decision.is_allowed() {
                refused.get_or_insert(action);
            }
        })?;
        Ok(refused)
    }

    /// Decides on each action of a question, and tells what was decided.
    ///
    /// # Errors
    /// As [`Self::refused`].
    pub(super) fn decide(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        policies: Policies,
        others: &[&dyn Source],
        mut told: impl FnMut(Action, &Decision<'_>),
    ) -> Result<(), IamError> {
        let identity = &caller.identity;
        let (own, id, name) = (identity.account.to_string(), identity.id(), identity.name());
        let project = question.project.map(|project| project.to_string());
        let enterprise_project = question.enterprise_project.map(|project| project.to_string());
        let now = self.hsm.time_ms();
        let context = Context {
            account_id: &own,
            account_name: Some(&identity.account_name),
            user_id: Some(&id),
            user_name: Some(&name),
            project_id: project.as_deref(),
            project_name: question.project_name,
            enterprise_project: enterprise_project.as_deref(),
            region: question.region,
            time: i64::try_from(now).ok().and_then(|now| Timestamp::from_millisecond(now).ok()),
            mfa_age: identity.mfa.map(|at| (now / 1000).saturating_sub(at)),
            source: caller.source,
            tls: Some(caller.tls),
            user_agent: caller.agent.as_deref(),
            resource_tags: question.resource_tags,
            request_tags: question.request_tags,
            facts: question.facts,
        };
        let applied = self.policies_of(identity)?;
        let (attached, session) = (applied.attached(), applied.session());
        let (whole, held) = (Identity(&attached), HeldTo(Identity(&session)));
        let denials = Denials(whole);
        let mut sources: Vec<&dyn Source> = vec![match policies {
            Policies::Whole => &whole,
            Policies::Denials => &denials,
        }];
        sources.extend(others);
        if !session.is_empty() {
            sources.push(&held);
        }
        let account = question.account.to_string();
        for action in question.actions {
            let resource =
                Resource::of(*action, question.region.unwrap_or_default(), &account, question.thing);
            let request = Request { action: Asked::Known(*action), resource, context: &context };
            told(*action, &decide(&request, &sources));
        }
        Ok(())
    }

    /// Lets through who may do an operation of IAM, by its name in the SDKs, to a thing of their account. What users do to
    /// themselves needs no permission, but what denies it does so all the same, and so does the policy that the credential is
    /// held to, if that does not allow it.
    ///
    /// # Errors
    /// `Forbidden`, also for who is not of an account.
    pub fn permit(&self, caller: &Caller, operation: &str, thing: Option<&str>) -> Result<(), IamError> {
        let identity = &caller.identity;
        let actions: Vec<_> = Action::of_operation("iam", operation).collect();
        if actions.is_empty() {
            return Err(IamError::Forbidden(format!("nobody may do {operation}")));
        }
        let writes = actions.iter().any(|action| action.access() == Access::Write);
        let standing = self.account(identity.account).map_or(Standing::Policies, |account| {
            Standing::of(&account, identity, &[operation], writes, thing)
        });
        let others: &[&dyn Source] = match standing {
            Standing::Refused(why) => return Err(IamError::Forbidden(why.to_owned())),
            Standing::Own => &[&Itself],
            Standing::Policies => &[],
        };
        let question = Question::new(&actions, identity.account, thing);
        match self.refused(caller, &question, Policies::Whole, others)? {
            None => Ok(()),
            Some(action) => {
                Err(IamError::Forbidden(format!("{} may not do {}", identity.name(), action.name())))
            }
        }
    }
}
