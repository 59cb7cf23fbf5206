//! The audit log of the daemon: where events of the HSM and commands of the console go, and what sees to it that
//! they are there for good.
//!
//! Administration and the life of keys are in a durable commit of the vault before anybody is answered, and come
//! from there. All else is written to the file before it is answered, and durable within a second. Uses of keys
//! that are counted come once a minute.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use audit::segment::State;
use audit::{Class, Outcome, Record};
use hsm::event::{self, Actor, Event, Events, Uses as Level};
use hsm::vault::{Kept, Ledger, NotRecorded, Note, Vault};
use parking_lot::Mutex;
use tracing::{debug, error, warn};

pub(crate) mod config;
mod door;
mod files;
mod form;
mod forward;
mod keys;
mod log;
mod reading;
mod spool;
mod uses;

pub(crate) use door::Door;
pub(crate) use files::{OpenError, TRANSFERRED, replace_durably};
pub(crate) use reading::{Place, Places, Reading};

use files::Mark;
use forward::{Forwarder, Progress};
use keys::Keys;
use log::Log;
use uses::Uses;

/// How often what was written is signed for and made durable.
const TICK: Duration = Duration::from_secs(1);
/// How often counted uses are recorded.
const MINUTE: Duration = Duration::from_secs(60);

/// The log of an open daemon.
pub(crate) struct Audit {
    shared: Arc<Shared>,
    /// Whether records are forwarded.
    forwards: bool,
    /// The threads, each of which ends when it is hung up on: what makes records durable, and what forwards them.
    threads: Mutex<Vec<Running>>,
}

type Running = (Sender<()>, JoinHandle<()>);

struct Shared {
    log: Log,
    uses: Uses,
    forwarded: Progress,
}

/// A command of the console, or something that the daemon did.
pub(crate) struct AdminEvent<'a> {
    /// Who.
    pub(crate) actor: Actor<'a>,
    /// The command.
    pub(crate) command: &'a str,
    /// What it was about, if not the HSM.
    pub(crate) object: Option<&'a str>,
    /// What else there is to say: names and values, none of them secret.
    pub(crate) details: &'a [(&'static str, String)],
    /// How it ended, or why it was refused.
    pub(crate) outcome: Result<(), &'a str>,
}

impl AdminEvent<'_> {
    fn record(&self) -> Record {
        let mut record = Record::new(0, form::now(), Class::Admin, self.command);
        form::by(&mut record, &self.actor);
        if let Some(object) = self.object {
            record.detail("about", object);
        }
        for (name, value) in self.details {
            record.detail(*name, value.as_str());
        }
        if let Err(why) = self.outcome {
            record.outcome = Outcome::Failed { code: 0, why: why.into() };
        }
        record
    }
}

/// What the log is now.
pub(crate) struct Status {
    pub(crate) directory: String,
    pub(crate) segment: u64,
    pub(crate) records: u64,
    /// The number of the newest record that is signed for and durable.
    pub(crate) signed: u64,
    /// Why nothing can be recorded now.
    pub(crate) failed: Option<String>,
    /// Of the key that signs.
    pub(crate) fingerprint: String,
}

impl Audit {
    /// Opens the log that belongs to a vault, or begins it.
    ///
    /// # Errors
    /// If it is not what the vault knows of it, and that is not accepted; if it cannot be used.
    pub(crate) fn open(
        vault: &Vault,
        config: &config::Config,
        store: &Path,
        accept_loss: bool,
    ) -> Result<Self, crate::daemon::OpenError> {
        let keys = Keys::open(vault, config.signing.algorithm())?;
        let mark =
            vault.mark()?.map(|bytes| Mark::from_bytes(&bytes)).transpose().map_err(OpenError::from)?;
        let directory = config.directory(store);
        let mut begun = files::open(&directory, &config.name(), &keys, mark.as_ref(), accept_loss)?;
        let (lost, changed) = (begun.lost.take(), begun.changed.take());
        if let Some(why) = &begun.read_only {
            warn!("nothing can be recorded, and so what must be recorded is refused: {why}");
        }
        let log = Log::new(directory, config.segment_bytes, begun);
        let shared = Arc::new(Shared { log, uses: Uses::default(), forwarded: Progress::default() });
        let told = |command, details: &[(&'static str, String)]| {
            let outcome = Ok(());
            shared.administrative(&AdminEvent {
                actor: Actor::DAEMON,
                command,
                object: None,
                details,
                outcome,
            })
        };
        if let Some(lost) = lost {
            told("accept audit loss", &[("lost", lost)])?;
        }
        if let Some((from, to)) = changed {
            told("change audit key", &[("from", from), ("to", to)])?;
        }
        let ticker = Arc::clone(&shared);
        let mut threads = vec![run("audit", move |stopped| ticker.tick(&stopped))?];
        if let Some(to) = &config.forward {
            let forwarder = Forwarder::new(&shared, to, config.name()).map_err(OpenError::Forward)?;
            threads.push(run("audit forward", move |stopped| forwarder.run(&stopped))?);
        }
        Ok(Self { shared, forwards: config.forward.is_some(), threads: Mutex::new(threads) })
    }

    /// Records a command of the console, or something that the daemon did.
    ///
    /// # Errors
    /// If it is not recorded.
    pub(crate) fn administrative(&self, event: &AdminEvent<'_>) -> Result<(), String> {
        self.shared.administrative(event).map_err(|why| why.to_string())
    }

    /// Lets the console's commands come here too, from the first on that came while the daemon was sealed.
    ///
    /// # Errors
    /// If what happened meanwhile is not recorded.
    pub(crate) fn enter(self: &Arc<Self>, door: &Door) -> Result<(), String> {
        door.opened(Arc::clone(self))
    }

    /// Signs for all there is, for good, and lets go of the files. Nothing is recorded afterwards.
    pub(crate) fn close(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        if threads.is_empty() {
            return;
        }
        self.shared.flush_uses();
        for (stop, thread) in threads {
            drop(stop);
            let _ = thread.join();
        }
        if let Err(why) = self.shared.log.settle(State::Closed) {
            error!("the audit log has no closing checkpoint: {why}");
        }
        self.shared.log.close();
    }

    /// What the log is now.
    pub(crate) fn status(&self) -> Status {
        let (segment, records, _, failed) = self.shared.log.state();
        Status {
            directory: self.shared.log.directory().display().to_string(),
            segment,
            records,
            signed: self.shared.log.durable().head.map_or(0, |head| head.body.sequence),
            failed: failed.map(|why| why.to_string()),
            fingerprint: self.shared.log.fingerprint(),
        }
    }

    /// Reads along, beginning after a record.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn reading(&self, after: u64) -> Result<Reading, audit::Error> {
        Reading::new(&self.shared, after)
    }

    /// Reads along, beginning with what was the newest segment at a time, in nanoseconds since 1970.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn reading_since(&self, time: u64) -> Result<Reading, audit::Error> {
        Reading::since(&self.shared, time)
    }

    /// The number of the last record before what was the newest segment at a time, in nanoseconds since 1970.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn before(&self, time: u64) -> Result<u64, audit::Error> {
        Ok(Reading::since(&self.shared, time)?.after())
    }

    /// The number of the newest record that no crash takes away.
    pub(crate) fn durable(&self) -> u64 {
        self.shared.log.durable().head.map_or(0, |head| head.body.sequence)
    }

    /// Where the log is.
    pub(crate) fn directory(&self) -> PathBuf {
        self.shared.log.directory().to_owned()
    }

    /// Reads records here and there.
    pub(crate) fn places(&self) -> Places {
        Places::new(&self.shared)
    }

    /// Whether records can be written now.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check(&self) -> Result<(), NotRecorded> {
        self.shared.log.refuses().map_or(Ok(()), Err)
    }

    /// Writes records of the services, and waits until they are on the disk if they must be.
    ///
    /// # Errors
    /// If they are not written, or not on the disk.
    pub(crate) fn write(&self, records: Vec<Record>, durably: bool) -> Result<(), NotRecorded> {
        self.shared.log.append(records, false)?;
        if durably { self.shared.log.sync() } else { Ok(()) }
    }

    /// Records that the receiver does not have yet; none if nothing is forwarded.
    pub(crate) fn lag(&self) -> Option<u64> {
        self.forwards.then(|| self.shared.log.newest().saturating_sub(self.shared.forwarded.delivered()))
    }
}

/// Moves a log that is not gone on with into a directory of its own.
///
/// # Errors
/// What the system says.
pub(crate) fn set_aside(config: &config::Config, store: &Path) -> std::io::Result<()> {
    let directory = config.directory(store);
    if directory.is_dir() { files::set_aside(&directory) } else { Ok(()) }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.close();
    }
}

fn run(name: &str, what: impl FnOnce(Receiver<()>) + Send + 'static) -> Result<Running, OpenError> {
    let (stop, stopped) = mpsc::channel();
    let thread = thread::Builder::new().name(name.into()).spawn(move || what(stopped));
    Ok((stop, thread.map_err(audit::Error::Io)?))
}

impl Shared {
    fn administrative(&self, event: &AdminEvent<'_>) -> Result<(), NotRecorded> {
        self.log.append(vec![event.record()], false)
    }

    /// Makes durable what was written, until the log is closed.
    fn tick(&self, stopped: &Receiver<()>) {
        let (mut minute, mut failing) = (Instant::now(), false);
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
            if minute.elapsed() >= MINUTE {
                minute = Instant::now();
                self.flush_uses();
            }
            match self.log.settle(State::Open) {
                Err(why) if !failing => {
                    failing = true;
                    error!("what must be recorded is refused: {why}");
                }
                Err(_) => {}
                Ok(()) => failing = false,
            }
        }
    }

    /// Records the counts of uses. What cannot be written is counted on.
    fn flush_uses(&self) {
        if self.log.ready(false).is_err() {
            return;
        }
        let records = self.uses.take();
        if let Err(why) = self.log.append(records, true) {
            error!("counts of uses of keys are lost: {why}");
        }
    }

    fn record(&self, event: &Event<'_>) -> Result<(), NotRecorded> {
        match event.class {
            event::Class::Use(Level::None) => Ok(()),
            event::Class::Use(Level::Sampled) => {
                self.log.refuses().map_or(Ok(()), Err)?;
                if self.uses.count(event) {
                    return Ok(());
                }
                self.flush_uses();
                match self.uses.count(event) {
                    true => Ok(()),
                    false => Err(NotRecorded::Full("too many uses wait to be recorded".into())),
                }
            }
            _ => self.log.append(vec![form::record(event)], makes_room(event)),
        }
    }
}

/// What goes on to the last of the room: what takes away objects or rights, and what was refused.
fn makes_room(event: &Event<'_>) -> bool {
    event.rv != wire::Rv::OK || ["destroy", "logout"].contains(&event.action)
}

impl Events for Audit {
    fn record(&self, event: &Event<'_>) -> Result<(), NotRecorded> {
        debug!(action = event.action, rv = %event.rv, "event");
        self.shared.record(event)
    }

    fn note(&self, event: &Event<'_>) -> Note {
        form::note(&form::record(event), makes_room(event))
    }
}

impl Ledger for Audit {
    fn ready(&self, makes_room: bool) -> Result<(), NotRecorded> {
        self.shared.log.ready(makes_room)
    }

    fn take(&self, notes: Vec<(u64, Note)>) {
        self.shared.log.take(notes.iter().map(|(number, note)| form::of_note(*number, note)).collect());
    }

    fn kept(&self) -> Kept {
        let durable = self.shared.log.durable();
        let mark = durable.head.map(|head| Mark { note: durable.note, head }.to_bytes());
        Kept { last: self.shared.log.last_note(), through: durable.note, mark }
    }
}
