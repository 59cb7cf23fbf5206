//! Which keys there are: searched by what is known of them, and given a page at a time.

use std::ops::Range;

use super::Kms;
use super::allow::About;
use super::error::{KmsError, Result};
use super::id::KeyId;
use super::key::{Key, Origin, State};
use super::record::Kept;
use super::spec::{Spec, Usage};
use crate::caller::Caller;
use crate::due::Millis;
use crate::iam::EnterpriseProjectId;
use crate::list::visible;

/// The most of one page.
const MAX_PAGE: usize = 1000;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page<'a> {
    /// How many; as many as there can be if nothing is said.
    pub limit: Option<&'a str>,
    /// Where it begins: what the page before named. From the beginning if nothing is said.
    pub marker: Option<&'a str>,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Paged<T> {
    /// The part.
    pub items: Vec<T>,
    /// The marker of the next part, if there is more.
    pub next: Option<String>,
    /// How many there are in the whole list.
    pub total: usize,
}

impl Page<'_> {
    /// The part of a list that is asked for. The list is in the order of numbers that stay the same when others
    /// come and go, so that no page repeats or leaves out what was there all the while.
    pub(super) fn of<T>(&self, mut all: Vec<T>, number: impl Fn(&T) -> u64) -> Result<Paged<T>> {
        let limit = match self.limit {
            None => MAX_PAGE,
            Some(text) => digits(text)
                .and_then(|limit| usize::try_from(limit).ok())
                .filter(|limit| (1..=MAX_PAGE).contains(limit))
                .ok_or_else(|| KmsError::BadLimit(format!("limit is from 1 to {MAX_PAGE}")))?,
        };
        let after = match self.marker {
            None | Some("") => 0,
            Some(text) => digits(text).ok_or_else(|| {
                KmsError::BadMarker("marker is 0, or what next_marker of the page before says".to_owned())
            })?,
        };
        let total = all.len();
        all.retain(|item| number(item) > after);
        let more = all.len() > limit;
        all.truncate(limit);
        let next = all.last().filter(|_| more).map(|item| number(item).to_string());
        Ok(Paged { items: all, next, total })
    }
}

/// A whole number without sign or spaces.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// What keys are searched by: all that is said must hold.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// A part of the name, whether capital or not.
    pub name: Option<String>,
    /// The id.
    pub id: Option<KeyId>,
    /// How it stands.
    pub state: Option<State>,
    /// When it was made.
    pub created: Option<Range<Millis>>,
    /// Its type.
    pub spec: Option<Spec>,
    /// What it does.
    pub usage: Option<Usage>,
    /// When its imported material expires.
    pub expires: Option<Range<Millis>>,
    /// Where its material came from.
    pub origin: Option<Origin>,
    /// Its enterprise project.
    pub enterprise_project: Option<EnterpriseProjectId>,
    /// Whether it is a default key.
    pub default: Option<bool>,
    /// Tags that it has, each with one of some values; with any value if none is named.
    pub tags: Vec<(String, Vec<String>)>,
}

impl Search {
    /// Whether a key has all that is searched for.
    #[must_use]
    pub fn fits(&self, key: &Key) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, there: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == there)
        }
        let within = |range: &Option<Range<Millis>>, time: Option<Millis>| {
            range.as_ref().is_none_or(|range| time.is_some_and(|time| range.contains(&time)))
        };
        let name = self.name.as_ref().map(|name| name.to_lowercase());
        let tagged = |(tag, values): &(String, Vec<String>)| match values.as_slice() {
            [] => key.tags.has(tag, None),
            values => values.iter().any(|value| key.tags.has(tag, Some(value))),
        };
        is(self.id.as_ref(), &key.id)
            && is(self.state.as_ref(), &key.state)
            && is(self.spec.as_ref(), &key.spec)
            && is(self.usage.as_ref(), &key.usage)
            && is(self.origin.as_ref(), &key.origin)
            && is(self.default.as_ref(), &key.default)
            && is(self.enterprise_project.as_ref(), &EnterpriseProjectId(key.enterprise_project))
            && within(&self.created, Some(key.created))
            && within(&self.expires, key.imported.expires)
            && name.is_none_or(|name| key.name.to_lowercase().contains(&name))
            && self.tags.iter().all(tagged)
    }
}

/// How much of something there is, and may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How much there is.
    pub used: usize,
    /// How much there may be.
    pub quota: usize,
}

impl Kms {
    /// The keys of the project that fit, in the order in which they were made.
    ///
    /// # Errors
    /// `BadLimit`, `BadMarker`; `Forbidden`
    pub fn list_keys(&self, caller: &Caller, search: &Search, page: &Page<'_>) -> Result<Paged<Kept<Key>>> {
        let keys = self.visible(caller, "ListKeys", search)?;
        page.of(keys, |key| key.number)
    }

    /// The keys of the project that fit and that the caller may list: those in enterprise projects where the
    /// caller's policies allow it.
    pub(super) fn visible(
        &self,
        caller: &Caller,
        operation: &'static str,
        search: &Search,
    ) -> Result<Vec<Kept<Key>>> {
        let (project, _) = self.own(caller)?;
        let keys: Vec<Kept<Key>> = match self.project(project)? {
            None => Vec::new(),
            Some(project) => {
                let (shelf, now) = (project.shelf.read(), self.now());
                let keys = shelf.in_order.values().filter_map(|id| shelf.keys.get(id));
                let keys = keys.filter(|key| !key.is_gone(now)).map(|key| key.clone().standing_at(now));
                keys.filter(|key| search.fits(key)).collect()
            }
        };
        let asked = search.enterprise_project.unwrap_or(EnterpriseProjectId::DEFAULT);
        visible(
            keys,
            asked,
            |key| EnterpriseProjectId(key.enterprise_project),
            |place| {
                let about = About::Some { enterprise_project: Some(place.0), tags: None };
                match self.permitted_in(caller, operation, about) {
                    Ok(_) => Ok(None),
                    Err(refusal @ KmsError::Forbidden(_)) => Ok(Some(refusal)),
                    Err(error) => Err(error),
                }
            },
        )
    }

    /// How many custom keys the project has.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn custom_keys(&self, caller: &Caller) -> Result<usize> {
        let (project, _) = self.permitted_in(caller, "ShowUserInstances", About::NOTHING)?;
        Ok(self.project(project)?.map_or(0, |project| project.shelf.read().count(false)))
    }

    /// How many custom keys the project has, and how many grants that key of it which has most, of those that there
    /// may be.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn quotas_of_project(&self, caller: &Caller) -> Result<(Quota, Quota)> {
        let (project, _) = self.permitted_in(caller, "ShowUserQuotas", About::NOTHING)?;
        let (keys, grants) = self.project(project)?.map_or((0, 0), |project| {
            let shelf = project.shelf.read();
            (shelf.count(false), shelf.grants.most())
        });
        let quotas = self.quotas;
        Ok((Quota { used: keys, quota: quotas.keys }, Quota { used: grants, quota: quotas.grants }))
    }
}
