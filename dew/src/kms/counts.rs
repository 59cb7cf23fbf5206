//! How often each key was asked for something: by month and operation, for who pays, and who wants to know whether a key
//! is still in use.
//!
//! Counts are kept in memory and written at intervals and at the end, so that no request waits for them; after a crash,
//! those since the last writing are lost.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use hsm::service::{Kind, Write};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::Kms;
use super::allow::{Found, is_use};
use super::error::{KmsError, Result};
use super::id::KeyId;
use super::key::State;
use super::project::Project;
use super::record::{Kept, creation};
use crate::caller::Caller;
use crate::due::Millis;
use crate::iam::ProjectId;

/// A month of the calendar (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Month(u32);

impl Month {
    /// The month of a time.
    #[must_use]
    pub fn of(time: Millis) -> Self {
        let time = i64::try_from(time).ok().and_then(|time| Timestamp::from_millisecond(time).ok());
        let date = time.unwrap_or_default().to_zoned(TimeZone::UTC).date();
        let (year, month) =
            (u32::try_from(date.year()).unwrap_or(0), u32::try_from(date.month()).unwrap_or(1));
        Self(year * 12 + month - 1)
    }
}

/// Such as `2026-09`.
impl FromStr for Month {
    type Err = KmsError;
    fn from_str(text: &str) -> Result<Self> {
        let is_digit = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let parts = text.split_once('-').filter(|(year, month)| year.len() == 4 && month.len() == 2);
        let parts = parts.filter(|(year, month)| is_digit(year) && is_digit(month));
        let month = parts.and_then(|(year, month)| Some((year.parse().ok()?, month.parse().ok()?)));
        let month = month.filter(|(_, month)| (1..=12).contains(month));
        month
            .map(|(year, month): (u32, u32)| Self(year * 12 + month - 1))
            .ok_or_else(|| KmsError::Field(format!("{text:?} is no month such as 2026-09")))
    }
}

/// Such as `2026-09`.
impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

/// What was asked of a key in a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The key.
    pub key: KeyId,
    /// The month.
    pub month: Month,
    /// How often, by operation.
    pub requests: BTreeMap<String, u64>,
}

impl Count {
    /// How many requests used the key, for which clouds charge: all others show it or manage it.
    #[must_use]
    pub fn billable(&self) -> u64 {
        let used = |(operation, _): &(&String, &u64)| is_use(operation);
        self.requests.iter().filter(used).map(|(_, count)| count).sum()
    }
}

/// The counts of a project's keys.
#[derive(Default)]
pub(super) struct Counts {
    /// What was counted and is not written yet.
    new: HashMap<(KeyId, Month), HashMap<&'static str, u64>>,
    /// What is written.
    kept: HashMap<(KeyId, Month), Kept<Count>>,
    next: u64,
}

impl Counts {
    pub(super) fn read(hsm: &hsm::Hsm, partition: &hsm::partition::Partition) -> Result<Self> {
        let mut counts = Self { next: 1, ..Self::default() };
        for read in hsm.service_records_in(partition, Kind::KmsCount)? {
            let count: Kept<Count> = Kept::read(read)?;
            counts.next = counts.next.max(count.number + 1);
            counts.kept.insert((count.key, count.month), count);
        }
        Ok(counts)
    }

    /// Counts a request.
    pub(super) fn add(&mut self, key: KeyId, operation: &'static str, now: Millis) {
        *self.new.entry((key, Month::of(now))).or_default().entry(operation).or_default() += 1;
    }

    /// Forgets a key that is gone.
    pub(super) fn forget(&mut self, key: KeyId) {
        self.new.retain(|(of, _), _| *of != key);
        self.kept.retain(|(of, _), _| *of != key);
    }

    /// What deletes the counts of a key.
    pub(super) fn deletions(&self, key: KeyId) -> Vec<Write> {
        let of_key = self.kept.values().filter(|count| count.key == key);
        of_key.map(|count| count.deletion(Kind::KmsCount)).collect()
    }

    /// What was asked in a month, all told.
    fn total(&self, key: KeyId, month: Month) -> Count {
        let kept = self.kept.get(&(key, month)).map(|kept| kept.requests.clone());
        let mut count = Count { key, month, requests: kept.unwrap_or_default() };
        for (operation, more) in self.new.get(&(key, month)).into_iter().flatten() {
            *count.requests.entry((*operation).to_owned()).or_default() += more;
        }
        count
    }

    /// The months in which something was asked of a key.
    fn months(&self, key: KeyId) -> Vec<Month> {
        let all = self.new.keys().chain(self.kept.keys()).filter(|(of, _)| *of == key);
        let mut months: Vec<_> = all.map(|(_, month)| *month).collect();
        months.sort_unstable();
        months.dedup();
        months
    }
}

impl Kms {
    /// What was asked of a key, month by month, from one month to another, both included.
    ///
    /// # Errors
    /// `PendingDeletion`, `PendingImport`: counts are for keys that are enabled or disabled; `NoKey`, `BadKeyId`,
    /// `Forbidden`
    pub fn counts_of_key(&self, caller: &Caller, key: &str, from: Month, to: Month) -> Result<Vec<Count>> {
        let Found { project, key } = self.permitted(caller, "ListKeyDetail", key)?;
        match key.state {
            State::PendingDeletion => return Err(KmsError::PendingDeletion),
            State::PendingImport => return Err(KmsError::PendingImport),
            State::Enabled | State::Disabled => {}
        }
        let counts = project.counts.lock();
        let months = counts.months(key.id).into_iter().filter(|month| (from..=to).contains(month));
        Ok(months.map(|month| counts.total(key.id, month)).collect())
    }

    /// What was asked of each key of all projects that were in use since the start, in this month.
    #[must_use]
    pub fn counts_now(&self) -> Vec<(ProjectId, Count)> {
        let month = Month::of(self.now());
        let of_project = |project: &std::sync::Arc<Project>| {
            let counts = project.counts.lock();
            let keys = counts.new.keys().chain(counts.kept.keys()).filter(|(_, of)| *of == month);
            let keys: std::collections::BTreeSet<_> = keys.map(|(key, _)| *key).collect();
            keys.into_iter().map(|key| (project.id, counts.total(key, month))).collect::<Vec<_>>()
        };
        self.projects_in_use().iter().flat_map(of_project).collect()
    }

    /// Writes what was counted since it was last written, of each project whatever becomes of the others.
    ///
    /// # Errors
    /// What the vault says; then it is written the next time.
    pub fn keep_counts(&self) -> Result<()> {
        let projects = self.projects_in_use();
        projects.iter().map(|project| self.keep_counts_of(project)).fold(Ok(()), Result::and)
    }

    fn keep_counts_of(&self, project: &Project) -> Result<()> {
        // Held against the deletion of a key meanwhile.
        let _turn = project.turn.lock();
        let (mut writes, mut written) = (Vec::new(), Vec::new());
        {
            let shelf = project.shelf.read();
            let mut counts = project.counts.lock();
            // Of a key that went while somebody asked something of it.
            counts.new.retain(|(key, _), _| shelf.keys.contains_key(key));
            let keys: Vec<_> = counts.new.keys().copied().collect();
            for (key, month) in keys {
                let total = counts.total(key, month);
                if let Some(kept) = counts.kept.get(&(key, month)) {
                    writes.push(kept.update(Kind::KmsCount, &total)?);
                    written.push((kept.number, total));
                } else {
                    let number = counts.next;
                    counts.next += 1;
                    writes.push(creation(Kind::KmsCount, number, &total)?);
                    written.push((number, total));
                }
            }
        }
        if writes.is_empty() {
            return Ok(());
        }
        let version = self.hsm.service_keep(&project.partition, writes)?;
        let mut counts = project.counts.lock();
        for (number, total) in written {
            let place = (total.key, total.month);
            // Requests that came meanwhile stay to be written.
            let before = counts.kept.get(&place).map(|kept| kept.requests.clone()).unwrap_or_default();
            if let Some(new) = counts.new.get_mut(&place) {
                for (operation, more) in new.iter_mut() {
                    let kept =
                        |requests: &BTreeMap<String, u64>| requests.get(*operation).copied().unwrap_or(0);
                    *more = more.saturating_sub(kept(&total.requests).saturating_sub(kept(&before)));
                }
                new.retain(|_, more| *more > 0);
            }
            counts.new.retain(|_, new| !new.is_empty());
            counts.kept.insert(place, Kept { number, version, value: std::sync::Arc::new(total) });
        }
        Ok(())
    }
}
