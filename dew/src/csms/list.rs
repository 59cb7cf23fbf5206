//! Which secrets there are, a page at a time.

use super::Csms;
use super::allow::About;
use super::error::{CsmsError, Result};
use super::secret::Secret;
use crate::caller::Caller;
use crate::iam::EnterpriseProjectId;
use crate::kms::record::Kept;
use crate::list::visible;

/// The most of one page, and how many if nothing is said.
const MAX_PAGE: usize = 1000;
const PAGE: usize = 50;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page<'a> {
    /// How many.
    pub limit: Option<&'a str>,
    /// Where it begins: what another page named.
    pub marker: Option<&'a str>,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Paged<T> {
    /// The part.
    pub items: Vec<T>,
    /// The marker of the next part, if there is more.
    pub next: Option<String>,
    /// The marker of the part before, if there is one.
    pub previous: Option<String>,
}

impl Page<'_> {
    /// The part of a list that is asked for. The list is in the order of numbers that stay the same when others
    /// come and go.
    pub(super) fn of<T>(&self, mut all: Vec<T>, number: impl Fn(&T) -> u64) -> Result<Paged<T>> {
        let (limit, after) = (self.limit()?, self.marker()?.unwrap_or(0));
        let start = all.partition_point(|item| number(item) <= after);
        let previous = (start > 0).then(|| {
            let before = start.saturating_sub(limit).checked_sub(1).and_then(|at| all.get(at));
            before.map_or(0, &number).to_string()
        });
        let mut items = all.split_off(start);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|item| number(item).to_string());
        Ok(Paged { items, next, previous })
    }
}

impl Page<'_> {
    /// The most of a list that goes backwards, and the number before which it begins.
    pub(super) fn backwards(&self) -> Result<(usize, Option<u64>)> {
        Ok((self.limit()?, self.marker()?))
    }

    fn limit(&self) -> Result<usize> {
        let Some(text) = self.limit else { return Ok(PAGE) };
        let limit = digits(text).and_then(|limit| usize::try_from(limit).ok());
        let wrong = || CsmsError::Field(format!("limit is from 1 to {MAX_PAGE}"));
        limit.filter(|limit| (1..=MAX_PAGE).contains(limit)).ok_or_else(wrong)
    }

    fn marker(&self) -> Result<Option<u64>> {
        let Some(text) = self.marker.filter(|text| !text.is_empty()) else { return Ok(None) };
        let wrong = "marker is what next_marker or previous_marker of another page says";
        digits(text).map(Some).ok_or_else(|| CsmsError::Field(wrong.to_owned()))
    }
}

/// A whole number without sign or spaces.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl Csms {
    /// The secrets of the project, in the order in which they were made: those that an event tells of, if one is named.
    ///
    /// # Errors
    /// `Field`; `Forbidden`
    pub fn list_secrets(
        &self,
        caller: &Caller,
        event: Option<&str>,
        page: &Page<'_>,
    ) -> Result<Paged<Kept<Secret>>> {
        let fits = |secret: &Secret| event.is_none_or(|event| secret.event.as_deref() == Some(event));
        page.of(self.visible(caller, "ListSecrets", fits)?, |secret| secret.number)
    }

    /// The secrets of the project that fit and that the caller may list: those in enterprise projects where the
    /// caller's policies allow it.
    pub(super) fn visible(
        &self,
        caller: &Caller,
        operation: &'static str,
        fits: impl Fn(&Secret) -> bool,
    ) -> Result<Vec<Kept<Secret>>> {
        let (project, account) = self.own(caller)?;
        let secrets: Vec<Kept<Secret>> = match self.project(project, account)? {
            None => Vec::new(),
            Some(project) => {
                let (shelf, now) = (project.shelf.read(), self.now());
                let there = shelf.secrets.values().filter(|secret| !secret.is_gone(now) && fits(secret));
                there.cloned().collect()
            }
        };
        visible(
            secrets,
            EnterpriseProjectId::DEFAULT,
            |secret| EnterpriseProjectId(secret.enterprise_project),
            |place| {
                let about = About { enterprise_project: Some(place.0), ..About::default() };
                match self.permitted_in(caller, operation, about) {
                    Ok(_) => Ok(None),
                    Err(refusal @ CsmsError::Forbidden(_)) => Ok(Some(refusal)),
                    Err(error) => Err(error),
                }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pages_lead_through_a_list_and_back(
            numbers in proptest::collection::btree_set(1..500_u64, 0..60), limit in 1..9_usize,
        ) {
            let all: Vec<u64> = numbers.into_iter().collect();
            let limit = limit.to_string();
            let page = |marker: Option<&str>| {
                Page { limit: Some(&limit), marker }.of(all.clone(), |number| *number).unwrap()
            };
            let (mut seen, mut marker, mut pages) = (Vec::<u64>::new(), None::<String>, Vec::new());
            loop {
                let part = page(marker.as_deref());
                seen.extend(&part.items);
                pages.push(part.items);
                match part.next {
                    Some(next) => marker = Some(next),
                    None => break,
                }
            }
            prop_assert_eq!(&seen, &all);
            while let Some(expected) = pages.pop() {
                let part = page(marker.as_deref());
                prop_assert_eq!(part.items, expected);
                prop_assert_eq!(part.previous.is_none(), pages.is_empty());
                marker = part.previous;
            }
        }
    }
}
