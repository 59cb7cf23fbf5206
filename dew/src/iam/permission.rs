//! Who may do what to the directory itself: the policies of who asks decide, as for every other service.

use jiff::Timestamp;

use super::policy::{
    self, Access, Action, Asked, Context, Ground, Request, Resource, Role, Source, Verdict, decide,
};
use super::{Iam, IamError};
use crate::caller::Caller;

/// The policy that a credential is held to: what it does not allow is denied.
#[derive(Clone, Copy, Debug)]
pub struct HeldTo<'a>(pub policy::Identity<'a>);

impl Source for HeldTo<'_> {
    fn role(&self) -> Role {
        Role::Limits
    }

    fn weigh<'a>(&'a self, request: &Request<'_>) -> Verdict<'a> {
        self.0.weigh(request)
    }
}

/// That somebody asks about itself, which is allowed unless something denies it.
#[derive(Clone, Copy, Debug)]
struct Itself;

impl Source for Itself {
    fn role(&self) -> Role {
        Role::Gives
    }

    fn weigh<'a>(&'a self, _: &Request<'_>) -> Verdict<'a> {
        Verdict::Allow(Ground::Named("it is about who asks"))
    }
}

impl Iam {
    /// Lets through who may do an operation of IAM, by its name in the SDKs, to a thing of their account.
    ///
    /// # Errors
    /// `Forbidden`, also for who is not of an account.
    pub fn permit(&self, caller: &Caller, operation: &str, thing: Option<&str>) -> Result<(), IamError> {
        self.let_in(caller, operation, thing, None)
    }

    /// Lets users do an operation of IAM to themselves, which needs no permission. What denies it does so all the same, and
    /// so does the policy that the credential is held to, if that does not allow it.
    ///
    /// # Errors
    /// `Forbidden`, also for who is no user.
    pub fn permit_own(&self, caller: &Caller, operation: &str) -> Result<(), IamError> {
        let user = caller.identity.user().ok_or_else(|| {
            IamError::Forbidden("users do this for themselves, and who asks is none".to_owned())
        })?;
        self.let_in(caller, operation, Some(&user.to_string()), Some(&Itself))
    }

    fn let_in(
        &self,
        caller: &Caller,
        operation: &str,
        thing: Option<&str>,
        own: Option<&Itself>,
    ) -> Result<(), IamError> {
        let identity = &caller.identity;
        let (account, id, name) = (identity.account.to_string(), identity.id(), identity.name());
        let root = self.account(identity.account).map(|account| account.root.to_string());
        let is_roots = thing.is_some() && thing == root.as_deref();
        let now = self.hsm.time();
        let context = Context {
            account_id: &account,
            account_name: Some(&identity.account_name),
            user_id: Some(&id),
            user_name: Some(&name),
            time: i64::try_from(now).ok().and_then(|now| Timestamp::from_second(now).ok()),
            mfa_age: identity.mfa.map(|at| now.saturating_sub(at)),
            source: caller.source,
            tls: Some(caller.tls),
            user_agent: caller.agent.as_deref(),
            ..Context::default()
        };
        let applied = self.policies_of(identity)?;
        let (attached, session) = (applied.attached(), applied.session());
        let (policies, held) = (policy::Identity(&attached), HeldTo(policy::Identity(&session)));
        let mut sources: Vec<&dyn Source> = vec![&policies];
        sources.extend(own.map(|own| own as &dyn Source));
        if !session.is_empty() {
            sources.push(&held);
        }
        let mut actions = Action::of_operation("iam", operation).peekable();
        if actions.peek().is_none() {
            return Err(IamError::Forbidden(format!("nobody may do {operation}")));
        }
        for action in actions {
            // Whoever could change the root user would be it.
            if is_roots && !identity.is_root && action.access() == Access::Write {
                return Err(IamError::Forbidden("the root user is changed by itself alone".to_owned()));
            }
            let resource = Resource::of(action, "", &account, thing);
            let request = Request { action: Asked::Known(action), resource, context: &context };
            let decision = decide(&request, &sources);
            if !decision.is_allowed() {
                return Err(IamError::Forbidden(format!("{name} may not do {}", action.name())));
            }
        }
        Ok(())
    }
}
