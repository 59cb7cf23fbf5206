//! Messages leave: one thread takes what is due from the services (`dew::message`), tries to deliver it, and writes what
//! came of it. While it waits for others it holds nothing of the HSM, so that sealing and stopping wait for nobody
//! outside. A place that stands still keeps back no other: each has one try at a time, beside those of others.

mod config;
mod delivery;
mod mail;
mod webhook;

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use dew::iam::ProjectId;
use dew::message::{Job, Outcome, State, Tidied, Wake};
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;
use tokio::task::{Id, JoinSet};
use tokio::time::timeout;
use tracing::{error, info, warn};
use zeroize::Zeroizing;

pub(crate) use config::Config;
pub(crate) use webhook::{Url, shown};

use crate::daemon::Daemon;
use delivery::Ways;

/// How many tries there are at once, and how many of one project: what stands still is its own.
const AT_ONCE: usize = 128;
const OF_A_PROJECT: usize = 8;
/// How long one try may take as a whole.
const TRY: Duration = Duration::from_secs(120);
/// How often it looks, if nothing is due before and nobody says that something is.
const SELDOM: Duration = Duration::from_secs(5);
/// How often it looks for what is to be given up or forgotten.
const TIDY: Duration = Duration::from_secs(1);
/// How long tries under way may take to end when the daemon stops. What is cut off comes again.
const STOP: Duration = Duration::from_secs(2);
/// How long nothing goes to a place where a try ended without an outcome.
const AFTER_DEFECT: Duration = Duration::from_secs(60);

/// What the thread and others know of each other.
#[derive(Default)]
pub(crate) struct Office {
    wake: Arc<Notify>,
    stopping: AtomicBool,
    /// Held for a moment whenever something was settled.
    turn: Mutex<()>,
    settled: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Office {
    /// What wakes the thread.
    pub(crate) fn wake(&self) -> Wake {
        let wake = Arc::clone(&self.wake);
        Box::new(move || wake.notify_one())
    }

    /// Looks again and again, whenever something was settled, until what is looked for is there.
    pub(crate) fn wait<T>(&self, most: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let until = Instant::now() + most;
        loop {
            let mut turn = self.turn.lock();
            if let Some(found) = look() {
                return Some(found);
            }
            if self.settled.wait_until(&mut turn, until).timed_out() || self.stopping.load(Ordering::Acquire)
            {
                return look();
            }
        }
    }

    fn tell(&self) {
        drop(self.turn.lock());
        self.settled.notify_all();
    }

    /// Ends the thread, once what is under way has ended or had its time.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake.notify_one();
        self.settled.notify_all();
        let thread = self.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            error!("the thread for messages ended early");
        }
    }
}

/// Starts to deliver.
///
/// # Errors
/// What is wrong with the configuration; if there is no thread.
pub(crate) fn start(daemon: &Arc<Daemon>) -> Result<(), String> {
    let ways = Ways::new(&daemon.config.messages)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let (office, weak) = (Arc::clone(&daemon.office), Arc::downgrade(daemon));
    let ways = Arc::new(ways);
    let work = move || {
        runtime.block_on(run(&office, &weak, &ways));
        // Somebody may still be asked where a host is, who answers late.
        runtime.shutdown_background();
    };
    let thread = thread::Builder::new().name("messages".into()).stack_size(2 << 20).spawn(work);
    *daemon.office.thread.lock() = Some(thread.map_err(|error| error.to_string())?);
    Ok(())
}

/// Tries under way, and the places that they are of.
#[derive(Default)]
struct Tries {
    set: JoinSet<(Job, Outcome)>,
    places: HashMap<Id, (String, ProjectId)>,
    /// Places where a try ended without an outcome, or one that was not written.
    resting: HashMap<String, Instant>,
    /// When nothing was left to tidy up.
    tidied: Option<Instant>,
}

impl Tries {
    fn is_busy(&self, place: &str) -> bool {
        self.places.values().any(|(busy, _)| busy == place) || self.resting.contains_key(place)
    }

    /// How many more there may be of a project.
    fn room(&self, project: ProjectId) -> usize {
        let tried = self.places.values().filter(|(_, of)| *of == project).count();
        OF_A_PROJECT.saturating_sub(tried)
    }

    fn begin(&mut self, ways: &Arc<Ways>, job: Job) {
        let (place, ways) = ((job.message.to.text().to_owned(), job.message.project), Arc::clone(ways));
        let task = self.set.spawn(async move {
            let sent = AtomicU32::new(job.message.sent);
            let outcome = in_time(TRY, &sent, ways.deliver(&job, &sent)).await;
            (job, outcome)
        });
        self.places.insert(task.id(), place);
    }

    /// Sends nothing to a place for a while.
    fn rest(&mut self, place: Option<String>) {
        if let Some(place) = place {
            self.resting.insert(place, Instant::now() + AFTER_DEFECT);
        }
    }

    /// The next that ends; never, if there is none.
    async fn next(&mut self) -> Option<(Job, Outcome)> {
        match self.set.join_next_with_id().await {
            Some(Ok((id, ended))) => {
                self.places.remove(&id);
                Some(ended)
            }
            Some(Err(error)) => {
                let place = self.places.remove(&error.id());
                self.rest(place.map(|(place, _)| place));
                None
            }
            None => std::future::pending().await,
        }
    }
}

/// What comes of a try in a time. Of one that takes longer, the mailboxes that have it do not get it again.
async fn in_time(limit: Duration, sent: &AtomicU32, work: impl Future<Output = Outcome>) -> Outcome {
    timeout(limit, work).await.unwrap_or_else(|_| Outcome::Again {
        why: "it takes too long".to_owned(),
        sent: sent.load(Ordering::Relaxed),
        of_message: false,
    })
}

async fn run(office: &Office, daemon: &Weak<Daemon>, ways: &Arc<Ways>) {
    let mut tries = Tries::default();
    while !office.stopping.load(Ordering::Acquire) {
        let Some(wait) = begin_due(daemon, ways, &mut tries) else { return };
        tokio::select! {
            () = office.wake.notified() => {}
            () = tokio::time::sleep(wait) => {}
            ended = tries.next() => {
                let unwritten = settle(office, daemon, ended);
                tries.rest(unwritten);
            }
        }
    }
    let until = tokio::time::Instant::now() + STOP;
    while !tries.set.is_empty() {
        match tokio::time::timeout_at(until, tries.next()).await {
            Ok(ended) => drop(settle(office, daemon, ended)),
            Err(_) => return,
        }
    }
}

/// Begins what is due, and tells how long to wait for what comes next; none once there is no daemon.
fn begin_due(daemon: &Weak<Daemon>, ways: &Arc<Ways>, tries: &mut Tries) -> Option<Duration> {
    let daemon = daemon.upgrade()?;
    if daemon.config.store.read_only {
        // What became of a message could not be written, so that it would be sent for ever.
        return Some(SELDOM);
    }
    let now = Instant::now();
    tries.resting.retain(|_, until| *until > now);
    let is_tidy = tries.tidied.is_some_and(|tidied| now.duration_since(tidied) < TIDY);
    let Ok(services) = daemon.services() else { return Some(SELDOM) };
    let messages = &services.messages;
    let looked = {
        let busy = |place: &str| tries.is_busy(place);
        let room = |project| tries.room(project);
        let tidied = if is_tidy { Ok(Tidied::default()) } else { messages.tidy(&busy) };
        let most = AT_ONCE.saturating_sub(tries.set.len());
        tidied.and_then(|tidied| Ok((tidied, messages.due(&busy, &room, most)?)))
    };
    match looked {
        Ok((tidied, (jobs, again))) => {
            if tidied.given_up > 0 {
                warn!("{} messages were given up: they could not be delivered in time", tidied.given_up);
            }
            jobs.into_iter().for_each(|job| tries.begin(ways, job));
            let again = again.map(|again| Duration::from_millis(again.saturating_sub(messages.now())));
            let more = tidied != Tidied::default();
            if !is_tidy && !more {
                tries.tidied = Some(now);
            }
            Some(if more { Duration::ZERO } else { again.unwrap_or(SELDOM).min(SELDOM) })
        }
        Err(why) => {
            warn!("messages cannot be looked after: {why}");
            Some(SELDOM)
        }
    }
}

/// Writes what came of a try. Where that cannot be written the message comes again, though not at once: the place is told.
fn settle(office: &Office, daemon: &Weak<Daemon>, ended: Option<(Job, Outcome)>) -> Option<String> {
    let (job, outcome) = ended?;
    let services = daemon.upgrade().and_then(|daemon| daemon.services().ok())?;
    let (id, to) = (job.message.id, job.message.to.text().to_owned());
    let settled = services.messages.settle(job, outcome);
    drop(services);
    office.tell();
    match settled {
        Ok(State::Delivered(_)) => info!("message {id} is delivered"),
        Ok(State::Waiting(_, why)) => info!(to, "message {id} is tried again: {why}"),
        Ok(State::Failed(_, why) | State::Invalid(_, why)) => warn!(to, "message {id} is given up: {why}"),
        Err(error) if error.is_conflict() => {}
        Err(error) => {
            warn!(to, "what became of message {id} is not written: {error}");
            return Some(to);
        }
    }
    None
}

/// The first line of a file that holds a secret.
fn read_line(path: &Path) -> Result<Zeroizing<String>, String> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let file = std::fs::File::open(path).map_err(|error| at(&error))?;
    file.take(4095).read_to_string(&mut text).map_err(|error| at(&error))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() { Err(at(&"it is empty")) } else { Ok(Zeroizing::new(line.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_has_a_mail_is_known_also_of_a_try_that_took_too_long() {
        let sent = AtomicU32::new(0b001);
        let slow = async {
            sent.fetch_or(0b100, Ordering::Relaxed);
            std::future::pending().await
        };
        let outcome = in_time(Duration::from_millis(1), &sent, slow).await;
        assert!(matches!(outcome, Outcome::Again { sent: 0b101, of_message: false, .. }));
    }
}
