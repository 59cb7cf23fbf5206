//! How many traces of uses and refusals are told one by one: applications may encrypt ten thousand times a second, and
//! whoever is refused may try as often. Beyond a measure in each minute and project, calls alike are counted.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use dew::cts::{Act, Trace};
use dew::iam::ProjectId;
use parking_lot::Mutex;

/// How many in a minute are told one by one in each project.
pub(super) const ONE_BY_ONE: u32 = 600;
/// And how many of those whose caller only says who it is: whoever can connect can have them left.
const UNPROVEN: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// The most kinds of calls that are counted apart; each keeps a trace of up to 6 KiB.
const MANY: usize = 4 << 10;

/// What calls alike have in common: project, name, user, resource, status, address and access key.
type Alike = (ProjectId, String, String, String, u16, String, String);

/// The tally of this minute.
pub(super) struct Tally(Mutex<Minute>);

struct Minute {
    began: Instant,
    /// By the project, and whether the caller only says who it is.
    told: HashMap<(ProjectId, bool), u32>,
    counted: HashMap<Alike, (Trace, Act, u64)>,
}

/// What is to be written now.
pub(super) type Due = Vec<(Trace, Act)>;

impl Default for Tally {
    fn default() -> Self {
        let (told, counted) = (HashMap::new(), HashMap::new());
        Self(Mutex::new(Minute { began: Instant::now(), told, counted }))
    }
}

impl Tally {
    /// Takes a trace: gives it back to be told, or counts it.
    pub(super) fn take(&self, trace: Trace, act: Act, unproven: bool) -> Due {
        let mut minute = self.0.lock();
        let mut due = minute.over(false);
        let told = minute.told.entry((trace.project, unproven)).or_default();
        if *told < if unproven { UNPROVEN } else { ONE_BY_ONE } {
            *told += 1;
            due.push((trace, act));
            return due;
        }
        if minute.counted.len() >= MANY {
            due.extend(minute.take());
        }
        let user = &trace.user;
        let alike = (
            trace.project,
            trace.name.clone(),
            user.id.clone(),
            trace.resource_id.clone(),
            trace.code,
            trace.source_ip.clone(),
            user.access_key.clone(),
        );
        minute.counted.entry(alike).or_insert((trace, act, 0)).2 += 1;
        due
    }

    /// What was counted in a minute that is over; in this one too, if all is wanted.
    pub(super) fn flush(&self, all: bool) -> Due {
        self.0.lock().over(all)
    }
}

impl Minute {
    fn over(&mut self, all: bool) -> Due {
        let over = self.began.elapsed() >= MINUTE;
        if over {
            self.began = Instant::now();
            self.told.clear();
        }
        if over || all { self.take() } else { Vec::new() }
    }

    /// Takes what was counted: the first of each, which says how many it stands for.
    fn take(&mut self) -> Due {
        let counted = std::mem::take(&mut self.counted).into_values();
        let mut counted: Vec<_> = counted
            .map(|(mut trace, act, count)| {
                trace.count = count;
                if count > 1 {
                    trace.message.push_str(&format!(" (one of {count} calls alike within a minute)"));
                }
                (trace, act)
            })
            .collect();
        counted.sort_by_key(|(trace, _)| trace.time);
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::form::tests::full;

    #[test]
    fn beyond_a_measure_calls_alike_are_counted_and_none_is_lost() {
        let tally = Tally::default();
        let mut told = 0;
        for number in 0..ONE_BY_ONE + 100 {
            let mut trace = full();
            trace.resource_id = format!("key{}", number % 2);
            told += tally.take(trace, Act::Use, false).len();
        }
        assert_eq!(told, usize::try_from(ONE_BY_ONE).unwrap());
        let counts: Vec<_> = tally.flush(true).iter().map(|(trace, _)| trace.count).collect();
        assert_eq!(counts, [50, 50]);
        assert!(tally.flush(true).is_empty());
    }

    #[test]
    fn one_project_does_not_use_up_what_another_may_tell() {
        let tally = Tally::default();
        for _ in 0..=ONE_BY_ONE {
            tally.take(full(), Act::Use, false);
        }
        let mut other = full();
        other.project = ProjectId([9; 16]);
        assert_eq!(tally.take(other, Act::Use, false).len(), 1);
    }

    #[test]
    fn who_only_says_who_it_is_uses_up_nothing_and_is_told_less() {
        let tally = Tally::default();
        let told: usize = (0..100).map(|_| tally.take(full(), Act::Use, true).len()).sum();
        assert_eq!(told, usize::try_from(UNPROVEN).unwrap());
        assert_eq!(tally.take(full(), Act::Use, false).len(), 1);
        assert_eq!(tally.flush(true).iter().map(|(trace, _)| trace.count).sum::<u64>(), 90);
    }
}
