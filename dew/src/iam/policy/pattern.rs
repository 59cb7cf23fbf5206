//! Patterns with `*` of actions and resources, made once and matched without going back over the text more than needed.

use super::request::Resource;

/// The most characters of an action or of a part of a resource.
const MAX_TEXT: usize = 256;

/// A text in which `*` stands for anything, nothing included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Any,
    Exactly(Box<str>),
    /// What begins, stands between stars, and ends.
    Wild {
        start: Box<str>,
        middle: Box<[Box<str>]>,
        end: Box<str>,
    },
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let mut parts = text.split('*');
        let start = parts.next().unwrap_or_default();
        let Some(end) = parts.next_back() else { return Self::Exactly(text.into()) };
        let middle: Box<[Box<str>]> = parts.filter(|part| !part.is_empty()).map(Into::into).collect();
        match start.is_empty() && end.is_empty() && middle.is_empty() {
            true => Self::Any,
            false => Self::Wild { start: start.into(), middle, end: end.into() },
        }
    }

    /// As [`Self::new`], for texts in lower case.
    pub(super) fn lower(text: &str) -> Self {
        Self::new(&text.to_ascii_lowercase())
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(exactly) => **exactly == *text,
            Self::Wild { start, middle, end } => {
                let Some(rest) = text.strip_prefix(&**start) else { return false };
                let Some(mut rest) = rest.strip_suffix(&**end) else { return false };
                // The first place where a part fits leaves the most room for those after it.
                middle.iter().all(|part| match rest.split_once(&**part) {
                    Some((_, after)) => {
                        rest = after;
                        true
                    }
                    None => false,
                })
            }
        }
    }

    /// As [`Self::matches`], of a text in any case; the pattern is in lower case.
    fn matches_any_case(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(exactly) => exactly.eq_ignore_ascii_case(text),
            Self::Wild { .. } => self.matches(&text.to_ascii_lowercase()),
        }
    }

    const fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }
}

/// Actions by a pattern such as `kms:cmk:*`. Case makes no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Actions {
    written: Box<str>,
    parts: [Pattern; 3],
}

impl Actions {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_good = |character: char| character.is_ascii_alphanumeric() || "_-*".contains(character);
        let [service, kind, verb] = parts(text)?;
        let good = text.len() <= MAX_TEXT && !service.is_empty() && !verb.is_empty();
        let good = good && [service, kind, verb].iter().all(|part| part.chars().all(is_good));
        good.then(|| Self { written: text.into(), parts: [service, kind, verb].map(Pattern::lower) })
    }

    /// As its author wrote it.
    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// The service, if it is one.
    pub(super) fn service(&self) -> Option<&str> {
        match &self.parts[0] {
            Pattern::Exactly(service) => Some(service),
            _ => None,
        }
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        let Some(names) = parts(name) else { return false };
        self.parts.iter().zip(names).all(|(pattern, name)| pattern.matches_any_case(name))
    }
}

/// The parts of an action's name: service, type, verb.
pub(super) fn parts(name: &str) -> Option<[&str; 3]> {
    let mut parts = name.split(':');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

/// Resources by a pattern such as `kms:*:*:KeyId:ID`. Case makes a difference in the path alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resources {
    service: Pattern,
    region: Pattern,
    account: Pattern,
    kind: Pattern,
    path: Pattern,
}

impl Resources {
    const ALL: Self = Self {
        service: Pattern::Any,
        region: Pattern::Any,
        account: Pattern::Any,
        kind: Pattern::Any,
        path: Pattern::Any,
    };

    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::ALL);
        }
        let mut parts = text.splitn(5, ':');
        let [service, region, account, kind, path] =
            [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let five = [service, region, account, kind, path];
        let good = five.iter().all(|part| !part.is_empty() && part.len() <= MAX_TEXT);
        let good = good && !text.contains(|character: char| character.is_control());
        good.then(|| Self {
            service: Pattern::lower(service),
            region: Pattern::lower(region),
            account: Pattern::new(account),
            kind: Pattern::lower(kind),
            path: Pattern::new(path),
        })
    }

    /// The agency at an address such as `/iam/agencies/ID`: the form of policies about agencies.
    pub(super) fn agency(address: &str) -> Option<Self> {
        let id = address.strip_prefix("/iam/agencies/")?;
        let good = !id.is_empty() && id.len() <= MAX_TEXT && !id.contains('/');
        good.then(|| Self {
            service: Pattern::lower("iam"),
            kind: Pattern::lower("agency"),
            path: Pattern::new(id),
            ..Self::ALL
        })
    }

    /// What is asked of no resource in particular is covered by all resources of its type alone.
    pub(super) fn cover(&self, resource: &Resource<'_>) -> bool {
        let path = match resource.path {
            Some(path) => self.path.matches(path),
            None => self.path.is_any(),
        };
        path && self.service.matches_any_case(resource.service)
            && self.kind.matches_any_case(resource.kind)
            && self.account.matches(resource.account)
            && self.region.matches_any_case(resource.region)
    }
}
