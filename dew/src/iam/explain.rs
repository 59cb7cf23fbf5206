//! Why a user may do something, or may not: for people, who ask before it happens.

use super::permission::{Itself, Policies, Question, Standing};
use super::policy::{Access, Action, ActionSet, Allowance, Level, Resource, Role, Source};
use super::record::{Account, Project, User};
use super::{AccountId, EnterpriseProjectId, Iam, IamError, Identity, ProjectId};
use crate::caller::Caller;
use crate::tag::Tags;

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

/// What a service knows of a thing, as far as policies look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The project that it is in.
    pub project: ProjectId,
    /// The enterprise project.
    pub enterprise_project: EnterpriseProjectId,
    /// Its tags.
    pub tags: Tags,
    /// What else conditions compare.
    pub facts: Vec<(&'static str, &'static str)>,
    /// What who asks was given of it, by what.
    pub given: Vec<(String, ActionSet)>,
}

/// A resource as people write it.
struct Written<'a> {
    service: Option<&'a str>,
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
            [path] => Ok(Self { service: None, region: None, account: None, kind: None, thing: some(path) }),
            [service, region, account, kind, path] => {
                let account = some(account).map(str::parse).transpose();
                let account = account.map_err(|_| IamError::Unknown("account"))?;
                let (service, region, kind) = (some(service), some(region), some(kind));
                Ok(Self { service, region, account, kind, thing: some(path) })
            }
            _ => Err(IamError::Invalid("a resource is service:region:account:type:path, or its path alone")),
        }
    }
}

impl Written<'_> {
    /// Whether what is written can be a thing of a project.
    fn fits(&self, project: &Project) -> bool {
        self.region.is_none_or(|region| region == project.name || region == project.region())
            && self.account.is_none_or(|account| account == project.account)
    }

    /// Refuses a resource that an action is not done to.
    fn check(&self, action: Action) -> Result<(), IamError> {
        let other = |written: Option<&str>, right: &str| {
            written.is_some_and(|written| !written.eq_ignore_ascii_case(right))
        };
        let wrong = if other(self.service, action.service()) {
            "the resource is of another service than the action"
        } else if other(self.kind, action.resource()) {
            "the resource is of another type than what the action is done to"
        } else if self.region.is_some() && action.level() == Level::Global {
            "the action is of a global service, whose resources are in no region"
        } else {
            return Ok(());
        };
        Err(IamError::Invalid(wrong))
    }
}

impl Iam {
    /// What is decided on an action of a user, or on all that a name stands for, with a resource:
    /// `service:region:account:type:path`, or the path alone, in the project of the thing if it is `known`, else in the region
    /// that is named, or the first of the user's account. It is decided as for a request of now by a lasting access key, over
    /// TLS, from nowhere.
    ///
    /// # Errors
    /// `Unknown` for an action, an account or a project that is not there, and for a thing that is elsewhere; `Invalid` for a
    /// resource of another form, service or type; `Forbidden` if the user or its account is disabled.
    pub fn explain(
        &self,
        user: &User,
        action: &str,
        resource: &str,
        known: impl FnOnce(&Identity, &str, &str, Option<ProjectId>) -> Option<Known>,
    ) -> Result<Vec<Explained>, IamError> {
        let identity = self.identity_of(user.id);
        let identity = identity.ok_or_else(|| {
            IamError::Forbidden("the user or its account is disabled: it may do nothing".into())
        })?;
        let actions: Vec<_> = Action::named(action).collect();
        let Some(first) = actions.first() else { return Err(IamError::Unknown("action")) };
        let written = Written::read(resource)?;
        actions.iter().try_for_each(|action| written.check(*action))?;
        let own = self.account(user.account).ok_or(IamError::Unknown("account"))?;
        let asked = match (first.level() == Level::Global, written.region) {
            (true, _) => None,
            (false, None) => self.project(own.project),
            (false, Some(region)) => {
                Some(self.project_named(own.id, region).ok_or(IamError::Unknown("project"))?)
            }
        };
        let within = asked.as_ref().map(|project| project.id);
        let known = written.thing.and_then(|thing| known(&identity, first.service(), thing, within));
        let home = known.as_ref().and_then(|known| self.project(known.project));
        if home.as_ref().is_some_and(|home| !written.fits(home)) {
            return Err(IamError::Unknown("thing in that region of that account"));
        }
        let of = home.as_ref().map(|home| home.account).or(written.account).unwrap_or(own.id);
        // What is another account's is asked for in a project of one's own.
        let asked = home.clone().filter(|home| home.account == own.id).or(asked);
        let home = home.or_else(|| asked.clone());
        // Traces and trackers are in no enterprise project, not even the default one.
        let grouped = asked.as_ref().filter(|_| first.service() != "cts");
        let in_none = grouped.map(|_| EnterpriseProjectId::DEFAULT);
        let question = Question {
            region: home.as_ref().map(|home| home.region()),
            project: asked.as_ref().map(|project| project.id),
            project_name: home.as_ref().map(|home| home.name.as_str()),
            enterprise_project: known.as_ref().map(|known| known.enterprise_project).or(in_none),
            resource_tags: known.as_ref().map(|known| &known.tags),
            facts: known.as_ref().map_or(&[], |known| &known.facts),
            ..Question::new(&[], of, written.thing)
        };
        let caller = Caller {
            identity,
            project: question.project,
            request: "".into(),
            source: None,
            agent: None,
            tls: true,
        };
        let given = known.as_ref().map_or(&[][..], |known| &known.given);
        actions.iter().map(|action| self.explained(&caller, &own, &question, *action, given)).collect()
    }

    fn explained(
        &self,
        caller: &Caller,
        own: &Account,
        question: &Question<'_>,
        action: Action,
        given: &[(String, ActionSet)],
    ) -> Result<Explained, IamError> {
        let mut explained = Explained { action: action.name(), allowed: false, why: String::new() };
        let user = caller.identity.user().map(|user| user.to_string());
        let operations: Vec<_> = action.operations().collect();
        let writes = action.access() == Access::Write;
        let standing = match action.service() {
            "iam" => Standing::of(own, &caller.identity, &operations, writes, question.thing),
            _ => Standing::Policies,
        };
        let account = question.account.to_string();
        let resource = Resource::of(action, question.region.unwrap_or_default(), &account, question.thing);
        let given: Vec<_> = given
            .iter()
            .map(|(name, actions)| Allowance { name, role: Role::Gives, actions: *actions, resource })
            .collect();
        let mut others: Vec<_> = given.iter().map(|one| one as &dyn Source).collect();
        let thing = match standing {
            Standing::Refused(why) => {
                why.clone_into(&mut explained.why);
                return Ok(explained);
            }
            Standing::Own => {
                others.push(&Itself);
                user.as_deref()
            }
            Standing::Policies => question.thing,
        };
        let question = Question { actions: &[action], thing, ..*question };
        self.decide(caller, &question, Policies::Whole, &others, |_, decision| {
            (explained.allowed, explained.why) = (decision.is_allowed(), decision.reason().to_string());
        })?;
        Ok(explained)
    }
}
