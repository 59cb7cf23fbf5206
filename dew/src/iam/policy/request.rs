//! What is asked: which action, of what, and what else is known of the request.

use std::net::IpAddr;

use jiff::Timestamp;

use super::action::Action;
use crate::tag::Tags;

/// A request, as the decision sees it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is to be done.
    pub action: Asked<'a>,
    /// To what.
    pub resource: Resource<'a>,
    /// By whom, when and from where.
    pub context: &'a Context<'a>,
}

/// An action that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// One of ours: under each of its names.
    Known(Action),
    /// Another service's, by its name alone. A name of our services is refused here, whoever allows it.
    Other(&'a str),
}

impl Asked<'_> {
    /// Its first name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Known(action) => action.name(),
            Self::Other(name) => name,
        }
    }
}

/// What the action is done to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resource<'a> {
    /// The service that has it, such as `kms`.
    pub service: &'a str,
    /// The region.
    pub region: &'a str,
    /// The id of the account that owns it.
    pub account: &'a str,
    /// Its type, such as `KeyId`.
    pub kind: &'a str,
    /// Its id or name; none for what is made or listed.
    pub path: Option<&'a str>,
}

impl<'a> Resource<'a> {
    /// What an action is done to, by the type in the table of actions.
    #[must_use]
    pub fn of(action: Action, region: &'a str, account: &'a str, path: Option<&'a str>) -> Self {
        Self { service: action.service(), region, account, kind: action.resource(), path }
    }
}

impl std::fmt::Display for Resource<'_> {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { service, region, account, kind, path } = self;
        write!(to, "{service}:{region}:{account}:{kind}:{}", path.unwrap_or("*"))
    }
}

/// What conditions and scopes look at. What is not known is `None`, and empty of texts that must be known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The id of the account of who asks: policies of one account say nothing of another's resources.
    pub account_id: &'a str,
    /// Its name.
    pub account_name: Option<&'a str>,
    /// The id of the user or agency that asks.
    pub user_id: Option<&'a str>,
    /// Its name.
    pub user_name: Option<&'a str>,
    /// The id of the project that is asked in; none for what belongs to no project.
    pub project_id: Option<&'a str>,
    /// Its name.
    pub project_name: Option<&'a str>,
    /// The enterprise project of the resource.
    pub enterprise_project: Option<&'a str>,
    /// The region that is asked.
    pub region: Option<&'a str>,
    /// When.
    pub time: Option<Timestamp>,
    /// Seconds since a second factor was shown; none without one.
    pub mfa_age: Option<u64>,
    /// From where.
    pub source: Option<IpAddr>,
    /// Whether over TLS.
    pub tls: Option<bool>,
    /// What the client says it is.
    pub user_agent: Option<&'a str>,
    /// The tags of the resource.
    pub resource_tags: Option<&'a Tags>,
    /// The tags in the request.
    pub request_tags: Option<&'a Tags>,
    /// What the service knows of the request: keys such as `kms:KeySpec`, with their values.
    pub facts: &'a [(&'a str, &'a str)],
}
