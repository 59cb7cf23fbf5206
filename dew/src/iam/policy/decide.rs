//! The decision: what is denied is denied, what nothing allows is too, and the reason is told.

use std::fmt;

use super::action::{ActionSet, Level};
use super::condition::Condition;
use super::document::{Effect, Fit, Policy};
use super::request::{Asked, Request, Resource};

/// Something that has a say in a decision: the policies of who asks, a grant on a key, a policy of a resource, a share, the
/// owner of an instance.
pub trait Source {
    /// How far its word goes.
    fn role(&self) -> Role;

    /// What it says.
    fn weigh<'a>(&'a self, request: &Request<'_>) -> Verdict<'a>;
}

/// How far the word of a source goes. What any source denies is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What it allows is allowed for resources of the account of who asks; for those of another account, if a source of the
    /// role [`Role::Opens`] allows it as well. So are the policies of users, groups and agencies.
    Identity,
    /// What it allows is allowed. So are grants, and policies of resources for people of their own account.
    Gives,
    /// It opens a resource of another account to what that account's own policies allow. So are shares, and policies of
    /// resources for people of another account.
    Opens,
    /// What it does not allow is denied. So is the ownership of instances.
    Limits,
}

/// What a source says of a request.
#[derive(Clone, Copy, Debug)]
pub enum Verdict<'a> {
    /// That it is allowed.
    Allow(Ground<'a>),
    /// That it is denied.
    Deny(Ground<'a>),
    /// Nothing. What came closest to an answer may be told.
    Silent(Option<Near<'a>>),
}

/// What a verdict stands on.
#[derive(Clone, Copy, Debug)]
pub enum Ground<'a> {
    /// A statement of a policy.
    Statement(Stated<'a>),
    /// Something with a name, such as `grant 7c8a` or `share 11f2`.
    Named(&'a str),
}

/// A statement of a policy, and how the policy comes to who asks.
#[derive(Clone, Copy, Debug)]
pub struct Stated<'a> {
    attached: Option<&'a Attached<'a>>,
    policy: &'a Policy,
    index: usize,
}

impl<'a> Stated<'a> {
    /// Of a policy that belongs to a resource.
    #[must_use]
    pub const fn of_resource(policy: &'a Policy, index: usize) -> Self {
        Self { attached: None, policy, index }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// Which of its statements, counted from 0 as the errors of [`Policy::parse`] do.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }
}

/// A statement that allows the action, but is not about the request.
#[derive(Clone, Copy, Debug)]
pub struct Near<'a> {
    stated: Stated<'a>,
    but: But<'a>,
}

#[derive(Clone, Copy, Debug)]
enum But<'a> {
    Scope,
    Resource,
    Unless(&'a Condition),
}

/// A policy that is attached to somebody.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// Where it holds.
    pub scope: Scope<'a>,
    /// To whom.
    pub to: Holder<'a>,
}

/// Where a policy that is attached holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Everywhere in the account: global services, all projects, and those to come.
    Everywhere,
    /// For global services.
    Domain,
    /// For project-level services in one project, by its id.
    Project(&'a str),
    /// For resources of one enterprise project, by its id.
    EnterpriseProject(&'a str),
}

impl Scope<'_> {
    fn covers(&self, request: &Request<'_>) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Domain => level(&request.action) == Level::Global,
            Self::Project(id) => {
                level(&request.action) == Level::Project && request.context.project_id == Some(*id)
            }
            Self::EnterpriseProject(id) => request.context.enterprise_project == Some(*id),
        }
    }
}

fn level(action: &Asked<'_>) -> Level {
    match action {
        Asked::Known(action) => action.level(),
        Asked::Other(name) => Level::of(name.split(':').next().unwrap_or_default()),
    }
}

/// To whom a policy is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder<'a> {
    /// The account itself.
    Account(&'a str),
    /// A group the user is in, by its name.
    Group(&'a str),
    /// The user, by name.
    User(&'a str),
    /// The agency that was assumed, by its name.
    Agency(&'a str),
}

/// The policies of who asks: of the groups of a user, of an agency.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a>(pub &'a [Attached<'a>]);

impl Source for Identity<'_> {
    fn role(&self) -> Role {
        Role::Identity
    }

    fn weigh<'a>(&'a self, request: &Request<'_>) -> Verdict<'a> {
        let (mut allowed, mut near) = (None, None);
        for attached in self.0 {
            let covered = attached.scope.covers(request);
            for (index, statement) in attached.policy.statements().iter().enumerate() {
                let stated = Stated { attached: Some(attached), policy: attached.policy, index };
                let but = match statement.fit(request) {
                    Fit::OtherAction => continue,
                    _ if !covered => But::Scope,
                    Fit::OtherResource => But::Resource,
                    Fit::Unless(condition) => But::Unless(condition),
                    Fit::Whole => match statement.effect {
                        Effect::Deny => return Verdict::Deny(Ground::Statement(stated)),
                        Effect::Allow => {
                            allowed.get_or_insert(stated);
                            continue;
                        }
                    },
                };
                if statement.effect == Effect::Allow {
                    near.get_or_insert(Near { stated, but });
                }
            }
        }
        allowed.map_or(Verdict::Silent(near), |stated| Verdict::Allow(Ground::Statement(stated)))
    }
}

/// Some actions on one resource, or on all of an account: what a grant gives, a share opens, or an owner leaves.
#[derive(Clone, Copy, Debug)]
pub struct Allowance<'a> {
    /// What it is, for the reason: `grant 7c8a`.
    pub name: &'a str,
    /// How far its word goes.
    pub role: Role,
    /// The actions that it allows.
    pub actions: ActionSet,
    /// On what: its service, account, type and path; without a path on all of that type.
    pub resource: Resource<'a>,
}

impl Source for Allowance<'_> {
    fn role(&self) -> Role {
        self.role
    }

    fn weigh<'a>(&'a self, request: &Request<'_>) -> Verdict<'a> {
        let named = matches!(request.action, Asked::Known(action) if self.actions.contains(action));
        let (own, asked) = (&self.resource, &request.resource);
        let about = own.service == asked.service
            && own.account == asked.account
            && own.kind == asked.kind
            && (own.path.is_none() || own.path == asked.path);
        match named && about {
            true => Verdict::Allow(Ground::Named(self.name)),
            false => Verdict::Silent(None),
        }
    }
}

/// What was decided, and why.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    allowed: bool,
    reason: Reason<'a>,
}

/// Why.
#[derive(Clone, Copy, Debug)]
pub enum Reason<'a> {
    /// This allowed it, or denied it.
    Because(Ground<'a>),
    /// The policies of who asks allow it, but it is another account's, which does not open it.
    OfAnotherAccount(Ground<'a>),
    /// A source that limits what is allowed does not allow this.
    BeyondLimit(Option<Near<'a>>),
    /// Nothing allows it. This came closest.
    Nothing(Option<Near<'a>>),
}

impl<'a> Decision<'a> {
    /// Whether it may be done.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// Why, or why not.
    #[must_use]
    pub const fn reason(&self) -> &Reason<'a> {
        &self.reason
    }

    const fn refused(reason: Reason<'a>) -> Self {
        Self { allowed: false, reason }
    }
}

/// Decides: a deny of any source before all; then what limits; then what allows; and without that, no.
#[must_use]
pub fn decide<'a>(request: &Request<'_>, sources: &[&'a dyn Source]) -> Decision<'a> {
    let (mut identity, mut given, mut opened, mut limit, mut near) = (None, None, false, None, None);
    for source in sources {
        match (source.weigh(request), source.role()) {
            (Verdict::Deny(ground), _) => return Decision::refused(Reason::Because(ground)),
            (Verdict::Allow(ground), Role::Identity) => {
                identity.get_or_insert(ground);
            }
            (Verdict::Allow(ground), Role::Gives) => {
                given.get_or_insert(ground);
            }
            (Verdict::Allow(_), Role::Opens) => opened = true,
            (Verdict::Allow(_), Role::Limits) => {}
            (Verdict::Silent(close), Role::Limits) => {
                limit.get_or_insert(close);
            }
            (Verdict::Silent(close), _) => near = near.or(close),
        }
    }
    let account = request.resource.account;
    let own = !account.is_empty() && account == request.context.account_id;
    match (limit, given, identity) {
        (Some(close), ..) => Decision::refused(Reason::BeyondLimit(close)),
        (_, Some(ground), _) => Decision { allowed: true, reason: Reason::Because(ground) },
        (.., Some(ground)) if own || opened => Decision { allowed: true, reason: Reason::Because(ground) },
        (.., Some(ground)) => Decision::refused(Reason::OfAnotherAccount(ground)),
        _ => Decision::refused(Reason::Nothing(near)),
    }
}

// In words.

impl fmt::Display for Decision<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(if self.allowed { "allowed: " } else { "refused: " })?;
        self.reason.fmt(to)
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Because(ground) => ground.fmt(to),
            Self::OfAnotherAccount(ground) => {
                write!(to, "{ground} allows it, but it is another account's, which does not open it")
            }
            Self::BeyondLimit(Some(near)) => write!(to, "it is beyond what is left open: {near}"),
            Self::BeyondLimit(None) => to.write_str("it is beyond what is left open"),
            Self::Nothing(Some(near)) => write!(to, "nothing allows it; {near}"),
            Self::Nothing(None) => to.write_str("nothing allows it, and no policy names it"),
        }
    }
}

impl fmt::Display for Ground<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement(stated) => stated.fmt(to),
            Self::Named(name) => to.write_str(name),
        }
    }
}

impl fmt::Display for Stated<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "Statement[{}] of the policy {:?}", self.index, self.policy.name())?;
        match self.attached {
            Some(attached) => write!(to, " of {} {}", attached.to, attached.scope),
            None => to.write_str(" of the resource"),
        }
    }
}

impl fmt::Display for Near<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} would allow it, but ", self.stated)?;
        match self.but {
            But::Scope => to.write_str("does not hold here"),
            But::Resource => to.write_str("is about other resources"),
            But::Unless(condition) => write!(to, "asks for {condition}"),
        }
    }
}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => to.write_str("everywhere"),
            Self::Domain => to.write_str("in global services"),
            Self::Project(id) => write!(to, "in the project {id}"),
            Self::EnterpriseProject(id) => write!(to, "in the enterprise project {id}"),
        }
    }
}

impl fmt::Display for Holder<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(name) => write!(to, "the account {name}"),
            Self::Group(name) => write!(to, "the group {name}"),
            Self::User(name) => write!(to, "the user {name}"),
            Self::Agency(name) => write!(to, "the agency {name}"),
        }
    }
}
