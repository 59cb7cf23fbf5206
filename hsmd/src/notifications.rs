//! Follows the audit log for who wants to be told of traces at once.
//!
//! What is read is told in the commit that says how far that was: a kill in between has it read again, and nothing told
//! twice. A thread of its own reads, and holds nothing of the services meanwhile.

use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use dew::cts::{Cts, CtsError};
use dew::message::Messages;
use tracing::warn;

use crate::audit::Audit;
use crate::stop::Stop;
use crate::traces;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// Traces that are told of at most in one commit.
const AT_ONCE: usize = 100;
/// Records without any to tell of after which the mark is written all the same.
const FAR: u64 = 10_000;
/// How long a disk may keep it when it is to end; then it is left to itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// The thread, as long as this lasts.
pub(crate) struct Notifications(Arc<Stop>);

/// Why nothing is told for now.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the audit log cannot be read: {0}")]
    Log(#[from] audit::Error),
    #[error("{0}")]
    Cts(#[from] CtsError),
}

impl Notifications {
    /// Begins to follow a log.
    ///
    /// # Errors
    /// If there is no thread.
    pub(crate) fn start(audit: &Arc<Audit>, cts: &Arc<Cts>, messages: &Arc<Messages>) -> io::Result<Self> {
        let (stop, audit) = (Arc::new(Stop::default()), Arc::clone(audit));
        let (cts, messages, own) = (Arc::downgrade(cts), Arc::downgrade(messages), Arc::clone(&stop));
        thread::Builder::new().name("notifications".into()).stack_size(1 << 20).spawn(move || {
            let ends = own.ends();
            let mut at = None;
            while !own.comes_within(EVERY) {
                match follow(&audit, &cts, &messages, &mut at, &own) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(why) => warn!("traces are not told of, and tried again: {why}"),
                }
            }
            drop(ends);
        })?;
        Ok(Self(stop))
    }

    /// Ends it, and waits until it has ended.
    pub(crate) fn stop(&self) {
        if !self.0.stop(PATIENCE) {
            warn!("notifications wait for a disk, and are left to themselves");
        }
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Reads on and tells, up to what is durable now. `at` is where the last read ended, beyond what is kept. False if the
/// services are gone.
fn follow(
    audit: &Audit,
    cts: &Weak<Cts>,
    messages: &Weak<Messages>,
    at: &mut Option<u64>,
    stop: &Stop,
) -> Result<bool, Trouble> {
    loop {
        let Some(wanted) = cts.upgrade().map(|cts| cts.to_be_told()) else { return Ok(false) };
        let Some((since, kept)) = wanted else {
            *at = None;
            return Ok(true);
        };
        // What was left before anybody wanted to be told is passed over.
        let first = audit.before(since.saturating_mul(1_000_000))?;
        let durable = audit.durable();
        // What is kept is of what was durable: of more, the log was given up, and another begun.
        let kept = kept.filter(|kept| *kept <= durable);
        let from = at.unwrap_or_else(|| kept.unwrap_or(0)).max(first);
        if from >= durable || stop.has_come() {
            return Ok(true);
        }
        let (mut reading, mut last, mut found) = (audit.reading(from)?, from, Vec::new());
        while last < durable && found.len() < AT_ONCE && !stop.has_come() {
            let Some(record) = reading.next()?.filter(|record| record.sequence <= durable) else { break };
            last = record.sequence;
            found.extend(traces::of_record(&record));
        }
        if last == from {
            return Ok(true);
        }
        let (Some(cts), Some(messages)) = (cts.upgrade(), messages.upgrade()) else { return Ok(false) };
        cts.tell(&messages, &found, last, FAR)?;
        *at = Some(last);
    }
}
