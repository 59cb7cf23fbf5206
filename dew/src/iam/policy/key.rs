//! The keys that conditions compare, and what a request has for each.

use std::net::IpAddr;

use jiff::Timestamp;

use super::request::{Asked, Request};
use crate::tag::Tags;

/// What kind of value a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bool,
    Number,
    Time,
    Address,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Time => "a time",
            Self::Address => "an address",
        }
    }
}

/// What a request has for a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Bool(bool),
    Number(i64),
    Time(Timestamp),
    Address(IpAddr),
}

/// A key of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Global(Global),
    ResourceTag(Box<str>),
    RequestTag(Box<str>),
    /// A service's own, such as `kms:KeySpec`.
    Service(Box<str>),
}

macro_rules! globals {
    ($($name:literal $variant:ident $kind:ident $value:expr;)*) => {
        /// The keys of every service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Global { $($variant,)* }

        /// Their names and kinds.
        const GLOBALS: &[(&str, Global, Kind)] = &[$(($name, Global::$variant, Kind::$kind),)*];

        impl Global {
            const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn value<'a>(self, request: &Request<'a>) -> Option<Value<'a>> {
                match self {
                    $(Self::$variant => {
                        let value: fn(&Request<'a>) -> Option<_> = $value;
                        value(request).map(Value::$kind)
                    })*
                }
            }
        }
    };
}

globals! {
    "g:CurrentTime"         CurrentTime         Time    |request| request.context.time;
    "g:DomainId"            DomainId            Text    |request| known(request.context.account_id);
    "g:DomainName"          DomainName          Text    |request| request.context.account_name;
    "g:EnterpriseProjectId" EnterpriseProjectId Text    |request| request.context.enterprise_project;
    "g:MFAAge"              MfaAge              Number  |request| request.context.mfa_age.and_then(|age| age.try_into().ok());
    "g:MFAPresent"          MfaPresent          Bool    |request| Some(request.context.mfa_age.is_some());
    "g:ProjectId"           ProjectId           Text    |request| request.context.project_id;
    "g:ProjectName"         ProjectName         Text    |request| request.context.project_name;
    "g:RequestedRegion"     RequestedRegion     Text    |request| request.context.region;
    "g:SecureTransport"     SecureTransport     Bool    |request| request.context.tls;
    "g:ServiceName"         ServiceName         Text    |request| service(&request.action);
    "g:SourceIp"            SourceIp            Address |request| request.context.source.map(|ip| ip.to_canonical());
    "g:UserAgent"           UserAgent           Text    |request| request.context.user_agent;
    "g:UserId"              UserId              Text    |request| request.context.user_id;
    "g:UserName"            UserName            Text    |request| request.context.user_name;
}

/// The keys of our services: a front end that serves them puts them among the request's facts.
const OURS: &[(&str, Kind)] = &[
    ("csms:Type", Kind::Text),
    ("kms:EncryptionAlgorithm", Kind::Text),
    ("kms:GrantOperations", Kind::Text),
    ("kms:KeyOrigin", Kind::Text),
    ("kms:KeySpec", Kind::Text),
    ("kms:KeyUsage", Kind::Text),
    ("kms:MacAlgorithm", Kind::Text),
    ("kms:MessageType", Kind::Text),
    ("kms:PendingDays", Kind::Number),
    ("kms:SigningAlgorithm", Kind::Text),
];

/// What the keys begin with that are all in the tables above. A key that is not is a slip of the pen, and a condition
/// on it would never hold.
const TABLED: &[&str] = &["g:", "kms:", "csms:", "kps:", "cts:"];

const RESOURCE_TAG: &str = "g:ResourceTag/";
const REQUEST_TAG: &str = "g:RequestTag/";

/// Every key of the tables, and what those of tags begin with.
pub(super) fn all() -> impl Iterator<Item = (&'static str, Kind)> {
    let tags = [(RESOURCE_TAG, Kind::Text), (REQUEST_TAG, Kind::Text)];
    let global = GLOBALS.iter().map(|(name, _, kind)| (*name, *kind));
    global.chain(tags).chain(OURS.iter().copied())
}

impl Key {
    /// The key of a name. Case makes no difference but in a tag's key.
    pub(super) fn parse(name: &str) -> Option<Self> {
        if let Some(tag) = strip(name, RESOURCE_TAG) {
            return (!tag.is_empty()).then(|| Self::ResourceTag(tag.into()));
        }
        if let Some(tag) = strip(name, REQUEST_TAG) {
            return (!tag.is_empty()).then(|| Self::RequestTag(tag.into()));
        }
        if let Some((_, key, _)) = GLOBALS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)) {
            return Some(Self::Global(*key));
        }
        if let Some((ours, _)) = OURS.iter().find(|(ours, _)| ours.eq_ignore_ascii_case(name)) {
            return Some(Self::Service((*ours).into()));
        }
        let (service, key) = name.split_once(':')?;
        let tabled = TABLED.iter().any(|prefix| strip(name, prefix).is_some());
        (!tabled && !service.is_empty() && !key.is_empty()).then(|| Self::Service(name.into()))
    }

    /// The kind of its values; none if the key is another service's.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Global(key) => Some(key.kind()),
            Self::ResourceTag(_) | Self::RequestTag(_) => Some(Kind::Text),
            Self::Service(name) => OURS.iter().find(|(ours, _)| *ours == &**name).map(|(_, kind)| *kind),
        }
    }

    pub(super) fn value<'a>(&self, request: &Request<'a>) -> Option<Value<'a>> {
        let context = request.context;
        let text = match self {
            Self::Global(key) => return key.value(request),
            Self::ResourceTag(tag) => tag_value(context.resource_tags, tag),
            Self::RequestTag(tag) => tag_value(context.request_tags, tag),
            Self::Service(name) => {
                context.facts.iter().find(|(key, _)| *key == &**name).map(|(_, value)| *value)
            }
        }?;
        match self.kind() {
            Some(Kind::Number) => text.parse().ok().map(Value::Number),
            _ => Some(Value::Text(text)),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Global(key) => to.write_str(key.name()),
            Self::ResourceTag(tag) => write!(to, "{RESOURCE_TAG}{tag}"),
            Self::RequestTag(tag) => write!(to, "{REQUEST_TAG}{tag}"),
            Self::Service(name) => to.write_str(name),
        }
    }
}

fn tag_value<'a>(tags: Option<&'a Tags>, key: &str) -> Option<&'a str> {
    tags?.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
}

fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn service<'a>(action: &Asked<'a>) -> Option<&'a str> {
    match action {
        Asked::Known(action) => Some(action.service()),
        Asked::Other(name) => name.split(':').next(),
    }
}

/// What follows a prefix, in whose ASCII letters case makes no difference.
fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
