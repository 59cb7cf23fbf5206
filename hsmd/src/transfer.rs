//! The transfer of traces: what trackers are asked to keep longer than seven days goes into files, each trace once.
//!
//! The audit log is read along, up to where it is signed for and durable. Who has traces in what was read gets a *plan*,
//! which is durable before the first file of it; then the files, whose names and content follow from the plan; then the
//! mark, which says how far the log is done. Whatever a crash leaves is done again by its plan, to the same files.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dew::cts::{Cts, Trace, TraceFile, Tracker};
use dew::kms::{Millis, Uuid};
use parking_lot::Mutex;
use serde::Deserialize;
use tracing::{info, warn};

use crate::audit::Audit;
use crate::rest::ShownTrace;
use crate::traces;

mod buckets;
mod mark;

pub(crate) use buckets::Buckets;
use mark::{Mark, Marks, Plan};

/// Traces that are taken together at most; what is left comes a second later.
const AT_ONCE: usize = 5000;
/// Records without traces after which a mark is written all the same.
const FAR: u64 = 10_000;
/// When to look again if there is more.
const SOON: Duration = Duration::from_secs(1);

/// The section `[transfer]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The folder with the buckets: each a folder within that of its account's id. Without it there are none.
    pub(crate) folder: Option<PathBuf>,
    /// Seconds between transfers.
    pub(crate) seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { folder: None, seconds: 300 }
    }
}

/// The transfer of traces.
pub(crate) struct Transfer {
    audit: Arc<Audit>,
    buckets: Buckets,
    every: Duration,
    marks: Marks,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the next one is due; none if there was none yet.
    next: Option<Millis>,
    /// How far each tracker is.
    known: HashMap<Uuid, Known>,
}

/// A mark, and how far the one on the disk is.
struct Known {
    mark: Mark,
    kept: u64,
}

/// A tracker, and what is due for it: traces with their numbers.
struct Due {
    tracker: Tracker,
    done: u64,
    traces: Vec<(u64, Trace)>,
}

/// Why something was not transferred.
#[derive(Debug, thiserror::Error)]
enum TransferError {
    #[error("the audit log cannot be read: {0}")]
    Log(#[from] audit::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("traces have no encoding: {0}")]
    Json(#[from] serde_json::Error),
}

impl Transfer {
    /// The transfer of what is in a log.
    pub(crate) fn new(audit: &Arc<Audit>, config: &Config, buckets: Buckets) -> Self {
        Self {
            audit: Arc::clone(audit),
            buckets,
            every: Duration::from_secs(config.seconds.max(1)),
            marks: Marks::of(audit),
            state: Mutex::default(),
        }
    }

    /// Transfers what is due, if it is time, and tells when to look again.
    pub(crate) fn run(&self, cts: &Cts) -> Duration {
        let (now, mut state) = (cts.now(), self.state.lock());
        let every = u64::try_from(self.every.as_millis()).unwrap_or(u64::MAX);
        // A clock that was set back does not keep anything waiting for longer than once.
        if let Some(wait) =
            state.next.and_then(|next| next.checked_sub(now)).filter(|wait| (1..=every).contains(wait))
        {
            return Duration::from_millis(wait);
        }
        let more = self.transfer(cts, &mut state, now).unwrap_or_else(|why| {
            warn!("traces are not transferred, and tried again: {why}");
            false
        });
        let wait = if more { SOON } else { self.every };
        state.next = Some(now.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
        wait
    }

    /// Transfers a part of what is due, and tells whether there is more.
    fn transfer(&self, cts: &Cts, state: &mut State, now: Millis) -> Result<bool, TransferError> {
        let mut due = Vec::new();
        for tracker in cts.transferring() {
            let Some(target) = &tracker.target else { continue };
            if let Some(why) = self.buckets.fault_of(tracker.account, &target.bucket) {
                if !tracker.enabled {
                    continue;
                }
                warn!(project = %tracker.project, "traces are not transferred, and tried again: {why}");
                continue;
            }
            match self.done_so_far(cts, state, &tracker) {
                Ok(done) => due.push(Due { tracker, done, traces: Vec::new() }),
                Err(why) => warn!(project = %tracker.project, "traces are not transferred: {why}"),
            }
        }
        let newest = self.audit.durable();
        let last = self.collect(&mut due, newest)?;
        for one in due.iter().filter(|one| one.done < last) {
            if let Err(why) = self.settle(cts, state, one, last, now) {
                warn!(project = %one.tracker.project, "traces are not transferred: {why}");
            }
        }
        Ok(last < newest && due.iter().any(|one| one.done < last))
    }

    /// How far a tracker's traces are transferred, once a plan that was begun is carried out.
    fn done_so_far(&self, cts: &Cts, state: &mut State, tracker: &Tracker) -> Result<u64, TransferError> {
        let known = match state.known.entry(tracker.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let mark = match self.marks.read(tracker.id)? {
                    Some(mark) => mark,
                    None => {
                        Mark { done: self.audit.before(tracker.since.saturating_mul(1_000_000))?, plan: None }
                    }
                };
                let kept = mark.done;
                place.insert(Known { mark, kept })
            }
        };
        if let Some(plan) = &known.mark.plan {
            let mut done = known.mark.done;
            // A bucket that was taken away since has nothing of it.
            if self.buckets.fault_of(tracker.account, &plan.target.bucket).is_none() {
                let tracker = plan.tracker(tracker);
                let mut due = [Due { tracker, done, traces: Vec::new() }];
                self.read(&mut due, done, plan.upto, usize::MAX)?;
                let [due] = due;
                self.write(cts, &due, plan)?;
                done = plan.upto;
            }
            self.keep(tracker.id, known, Mark { done, plan: None })?;
        }
        Ok(known.mark.done)
    }

    /// Reads what is due, from where the last of them is, and tells how far that was.
    fn collect(&self, due: &mut [Due], newest: u64) -> Result<u64, TransferError> {
        match due.iter().map(|one| one.done).min() {
            Some(from) if from < newest => self.read(due, from, newest, AT_ONCE),
            _ => Ok(0),
        }
    }

    fn read(&self, due: &mut [Due], from: u64, to: u64, most: usize) -> Result<u64, TransferError> {
        let (mut reading, mut last, mut count) = (self.audit.reading(from)?, from, 0);
        while last < to && count < most {
            let Some(record) = reading.next()?.filter(|record| record.sequence <= to) else { break };
            last = record.sequence;
            let Some(trace) = traces::of_record(&record) else { continue };
            for one in due.iter_mut().filter(|one| one.done < last && one.tracker.takes(&trace)) {
                one.traces.push((last, trace.clone()));
                count += 1;
            }
        }
        Ok(last)
    }

    /// Writes what was collected, and marks how far that is.
    fn settle(
        &self,
        cts: &Cts,
        state: &mut State,
        due: &Due,
        last: u64,
        now: Millis,
    ) -> Result<(), TransferError> {
        let Some(known) = state.known.get_mut(&due.tracker.id) else { return Ok(()) };
        if due.traces.is_empty() {
            known.mark.done = last;
            if last - known.kept > FAR {
                let mark = known.mark.clone();
                self.keep(due.tracker.id, known, mark)?;
            }
            return Ok(());
        }
        let Some(plan) = Plan::of(&due.tracker, last, now) else { return Ok(()) };
        let begun = Mark { done: known.mark.done, plan: Some(plan.clone()) };
        self.keep(due.tracker.id, known, begun)?;
        self.write(cts, due, &plan)?;
        self.keep(due.tracker.id, known, Mark { done: last, plan: None })?;
        info!(project = %due.tracker.project, traces = due.traces.len(), "traces are transferred");
        Ok(())
    }

    /// Writes a mark; only what the disk has is gone by.
    fn keep(&self, tracker: Uuid, known: &mut Known, mark: Mark) -> Result<(), TransferError> {
        self.marks.write(tracker, &mark)?;
        *known = Known { kept: mark.done, mark };
        Ok(())
    }

    /// Writes the files of a plan.
    fn write(&self, cts: &Cts, due: &Due, plan: &Plan) -> Result<(), TransferError> {
        let mut services: Vec<Option<&str>> = vec![None];
        if plan.target.by_service {
            let mut names: Vec<_> = due.traces.iter().map(|(_, trace)| trace.service.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            services = names.into_iter().map(Some).collect();
        }
        let region = cts.region_of(due.tracker.project);
        for service in services {
            let is_of = |trace: &Trace| service.is_none_or(|service| service == trace.service);
            let traces: Vec<_> = due.traces.iter().filter(|(_, trace)| is_of(trace)).collect();
            let Some((first, _)) = traces.first() else { continue };
            let (tracker, target) = (due.tracker.name.as_str(), &plan.target);
            let file =
                TraceFile { target, region: &region, time: plan.time, tracker, service, first: *first };
            let shown: Vec<_> = traces.iter().map(|(_, trace)| ShownTrace::from(trace.clone())).collect();
            let bytes = serde_json::to_vec(&shown)?;
            let bytes = if target.gzip { buckets::gzip(&bytes)? } else { bytes };
            self.buckets.put(due.tracker.account, &target.bucket, &file.folders(), &file.name(), &bytes)?;
        }
        Ok(())
    }
}
