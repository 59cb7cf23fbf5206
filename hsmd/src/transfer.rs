//! The transfer of traces: what trackers are asked to keep longer than seven days goes into files, each trace once.
//!
//! The audit log is read along, up to where it is signed for and durable. Who has traces in what was read gets a *plan*,
//! which is durable before the first file of it; then the files, whose names and content follow from the plan; then the
//! mark, which says how far the log is done. Whatever a crash leaves is done again by its plan, to the same files.
//!
//! One thread does it, and waits for disks alone: of the services it takes a list of trackers, and holds nothing of them
//! while it reads and writes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use dew::cts::{Cts, Trace, TraceFile, Tracker};
use dew::kms::{Millis, Uuid};
use serde::Deserialize;
use tracing::{info, warn};

use crate::audit::Audit;
use crate::rest::ShownTrace;
use crate::stop::Stop;
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
/// How long a disk may keep the transfer when it is to end; then it is left to itself.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// The transfer of traces: a thread, as long as this lasts.
pub(crate) struct Transfer(Arc<Stop>);

impl Transfer {
    /// Begins to transfer what is in a log, as trackers say.
    ///
    /// # Errors
    /// If there is no thread.
    pub(crate) fn start(
        audit: &Arc<Audit>,
        config: &Config,
        buckets: Buckets,
        cts: &Arc<Cts>,
    ) -> io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let worker =
            Worker { audit: Arc::clone(audit), buckets, marks: Marks::of(audit), stop: Arc::clone(&stop) };
        let (every, cts) = (Duration::from_secs(config.seconds.max(1)), Arc::downgrade(cts));
        thread::Builder::new().name("transfer".into()).stack_size(1 << 20).spawn(move || {
            let ends = worker.stop.ends();
            worker.run(&cts, every);
            drop(ends);
        })?;
        Ok(Self(stop))
    }

    /// Ends it, and waits until it has ended. What was begun is done when it is started again.
    pub(crate) fn stop(&self) {
        if !self.0.stop(PATIENCE) {
            warn!("the transfer of traces waits for a disk, and is left to itself");
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the thread has.
struct Worker {
    audit: Arc<Audit>,
    buckets: Buckets,
    marks: Marks,
    stop: Arc<Stop>,
}

/// How far each tracker is.
type State = HashMap<Uuid, Known>;

/// A mark, and how far the one on the disk is.
struct Known {
    mark: Mark,
    kept: u64,
}

/// A tracker, and what is due for it: traces with their numbers.
struct Due {
    tracker: Tracker,
    region: String,
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
    #[error("hsmd stops or is sealed")]
    Stopped,
}

impl Worker {
    fn run(&self, cts: &Weak<Cts>, every: Duration) {
        let (mut state, mut wait) = (State::new(), Duration::ZERO);
        while !self.stop.comes_within(wait) {
            let Some((now, trackers)) = cts.upgrade().map(|cts| trackers(&cts)) else { return };
            wait = match self.transfer(trackers, &mut state, now) {
                Ok(true) => SOON.min(every),
                Ok(false) => every,
                Err(TransferError::Stopped) => return,
                Err(why) => {
                    warn!("traces are not transferred, and tried again: {why}");
                    every
                }
            };
        }
    }

    /// Transfers a part of what is due, and tells whether there is more.
    fn transfer(
        &self,
        trackers: Vec<(Tracker, String)>,
        state: &mut State,
        now: Millis,
    ) -> Result<bool, TransferError> {
        let mut due = Vec::new();
        for (tracker, region) in trackers {
            let Some(target) = &tracker.target else { continue };
            if let Some(why) = self.buckets.fault_of(tracker.account, &target.bucket) {
                if !tracker.enabled {
                    continue;
                }
                warn!(project = %tracker.project, "traces are not transferred, and tried again: {why}");
                continue;
            }
            match self.done_so_far(state, &tracker, &region) {
                Ok(done) => due.push(Due { tracker, region, done, traces: Vec::new() }),
                Err(TransferError::Stopped) => return Err(TransferError::Stopped),
                Err(why) => warn!(project = %tracker.project, "traces are not transferred: {why}"),
            }
        }
        let newest = self.audit.durable();
        let last = self.collect(&mut due, newest)?;
        for one in due.iter().filter(|one| one.done < last) {
            match self.settle(state, one, last, now) {
                Err(TransferError::Stopped) => return Err(TransferError::Stopped),
                Err(why) => warn!(project = %one.tracker.project, "traces are not transferred: {why}"),
                Ok(()) => {}
            }
        }
        Ok(last < newest && due.iter().any(|one| one.done < last))
    }

    /// How far a tracker's traces are transferred, once a plan that was begun is carried out.
    fn done_so_far(&self, state: &mut State, tracker: &Tracker, region: &str) -> Result<u64, TransferError> {
        let known = match state.entry(tracker.id) {
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
                let (tracker, region) = (plan.tracker(tracker), region.to_owned());
                let mut due = [Due { tracker, region, done, traces: Vec::new() }];
                self.read(&mut due, done, plan.upto, usize::MAX)?;
                let [due] = due;
                self.write(&due, plan)?;
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
            if self.stop.has_come() {
                return Err(TransferError::Stopped);
            }
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
    fn settle(&self, state: &mut State, due: &Due, last: u64, now: Millis) -> Result<(), TransferError> {
        let Some(known) = state.get_mut(&due.tracker.id) else { return Ok(()) };
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
        self.write(due, &plan)?;
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
    fn write(&self, due: &Due, plan: &Plan) -> Result<(), TransferError> {
        let mut services: Vec<Option<&str>> = vec![None];
        if plan.target.by_service {
            let mut names: Vec<_> = due.traces.iter().map(|(_, trace)| trace.service.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            services = names.into_iter().map(Some).collect();
        }
        for service in services {
            if self.stop.has_come() {
                return Err(TransferError::Stopped);
            }
            let is_of = |trace: &Trace| service.is_none_or(|service| service == trace.service);
            let traces: Vec<_> = due.traces.iter().filter(|(_, trace)| is_of(trace)).collect();
            let Some((first, _)) = traces.first() else { continue };
            let (tracker, target) = (due.tracker.name.as_str(), &plan.target);
            let file =
                TraceFile { target, region: &due.region, time: plan.time, tracker, service, first: *first };
            let shown: Vec<_> = traces.iter().map(|(_, trace)| ShownTrace::from(trace.clone())).collect();
            let bytes = serde_json::to_vec(&shown)?;
            let bytes = if target.gzip { buckets::gzip(&bytes)? } else { bytes };
            self.buckets.put(due.tracker.account, &target.bucket, &file.folders(), &file.name(), &bytes)?;
        }
        Ok(())
    }
}

/// What time it is, and what trackers ask for, with the regions of their projects.
fn trackers(cts: &Cts) -> (Millis, Vec<(Tracker, String)>) {
    let with_region = |tracker: Tracker| {
        let region = cts.region_of(tracker.project);
        (tracker, region)
    };
    (cts.now(), cts.transferring().into_iter().map(with_region).collect())
}
