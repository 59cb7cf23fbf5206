//! Why a user may do something, or may not: for people, who ask before it happens.

use super::permission::{Policies, Question};
use super::policy::{Action, Level};
use super::record::User;
use super::{AccountId, EnterpriseProjectId, Iam, IamError};
use crate::caller::Caller;

/// What is decided on an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Its first name.
    pub action: &'static str,
    /// Whether it may be done.
    pub allowed: bool,
    /// The statement that decided, or what came closest.
    pub why: String,
}

/// A resource as people write it.
struct Written<'a> {
    region: Option<&'a str>,
    account: Option<AccountId>,
    kind: Option<&'a str>,
    thing: Option<&'a str>,
}

impl<'a> Written<'a> {
    /// Reads `service:region:account:type:path`, whose parts may be empty, or the path alone; `*` is no thing in particular.
    fn read(text: &'a str) -> Result<Self, IamError> {
        let some = |part: &'a str| Some(part).filter(|part| !part.is_empty() && *part != "*");
        let parts: Vec<_> = text.splitn(5, ':').collect();
        match *parts.as_slice() {
            [path] => Ok(Self { region: None, account: None, kind: None, thing: some(path) }),
            [_, region, account, kind, path] => {
                let account = some(account).map(str::parse).transpose();
                let account = account.map_err(|_| IamError::Unknown("account"))?;
                Ok(Self { region: some(region), account, kind: some(kind), thing: some(path) })
            }
            _ => Err(IamError::Invalid("a resource is service:region:account:type:path, or its path alone")),
        }
    }
}

impl Iam {
    /// What the policies of a user decide on an action, or on all that a name stands for, with a resource:
    /// `service:region:account:type:path`, or the path alone in the first project of the user's account. It is decided as for a
    /// request of now that comes from nowhere; what a grant on a key gives is not looked at.
    ///
    /// # Errors
    /// `Unknown` for an action, an account or a project that is not there; `Invalid` for a resource of another form or type;
    /// `Forbidden` if the user or its account is disabled.
    pub fn explain(&self, user: &User, action: &str, resource: &str) -> Result<Vec<Explained>, IamError> {
        let identity = self.identity_of(user.id);
        let identity = identity.ok_or_else(|| {
            IamError::Forbidden("the user or its account is disabled: it may do nothing".into())
        })?;
        let actions: Vec<_> = Action::named(action).collect();
        let Some(first) = actions.first() else { return Err(IamError::Unknown("action")) };
        let Written { region, account, kind, thing } = Written::read(resource)?;
        if kind.is_some_and(|kind| !actions.iter().all(|action| action.resource().eq_ignore_ascii_case(kind)))
        {
            return Err(IamError::Invalid("the resource is of another type than what the action is done to"));
        }
        let own = self.account(user.account).ok_or(IamError::Unknown("account"))?;
        let project = match (first.level() == Level::Global, region) {
            (true, _) => None,
            (false, None) => self.project(own.project),
            (false, Some(region)) => {
                Some(self.project_named(own.id, region).ok_or(IamError::Unknown("project"))?)
            }
        };
        let question = Question {
            region: project.as_ref().map(|project| project.region()),
            project: project.as_ref().map(|project| project.id),
            project_name: project.as_ref().map(|project| project.name.as_str()),
            enterprise_project: project.as_ref().map(|_| EnterpriseProjectId::DEFAULT),
            ..Question::new(&actions, account.unwrap_or(own.id), thing)
        };
        let caller = Caller {
            identity,
            project: question.project,
            request: "".into(),
            source: None,
            agent: None,
            tls: true,
        };
        let mut explained = Vec::new();
        self.decide(&caller, &question, Policies::Whole, &[], |action, decision| {
            let (action, allowed) = (action.name(), decision.is_allowed());
            explained.push(Explained { action, allowed, why: decision.reason().to_string() });
        })?;
        Ok(explained)
    }
}
