//! The way to the log for what happens outside the HSM: also while the daemon is sealed, and has none.

use std::path::PathBuf;
use std::sync::Arc;

use audit::segment::State;
use parking_lot::{Mutex, RwLock};

use super::spool::Spool;
use super::{AdminEvent, Audit};

/// The way to the log.
pub(crate) struct Door {
    log: RwLock<Option<Arc<Audit>>>,
    /// What happened while the daemon was sealed.
    waiting: Mutex<Spool>,
}

impl Door {
    /// The way to a log in this directory, in which an earlier process may have left what waits.
    pub(crate) fn to(directory: PathBuf) -> Self {
        Self { log: RwLock::default(), waiting: Mutex::new(Spool::open(directory)) }
    }

    /// The log, if the daemon is open.
    pub(crate) fn log(&self) -> Option<Arc<Audit>> {
        self.log.read().clone()
    }

    /// Whether a command can be recorded. To be asked before it is done.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.log() {
            Some(log) => log.shared.log.ready(false).map_err(|why| why.to_string()),
            None if self.waiting.lock().has_room() => Ok(()),
            None => Err("too much has happened since hsmd was sealed to be recorded".into()),
        }
    }

    /// Records a command of the console, or something that the daemon did; while it is sealed, for when it opens.
    ///
    /// # Errors
    /// If it is not recorded.
    pub(crate) fn administrative(&self, event: &AdminEvent<'_>) -> Result<(), String> {
        match self.log() {
            Some(log) => log.administrative(event),
            None => self.waiting.lock().push(event.record()),
        }
    }

    /// The daemon is open: what waited is recorded first, and forgotten once that is durable.
    ///
    /// # Errors
    /// If that is not recorded: then it waits on.
    pub(super) fn opened(&self, log: Arc<Audit>) -> Result<(), String> {
        let mut waiting = self.waiting.lock();
        let records = waiting.marked();
        let result = match records.is_empty() {
            true => Ok(()),
            false => log.shared.log.append(records, false).and_then(|()| log.shared.log.settle(State::Open)),
        };
        if result.is_ok() {
            waiting.clear();
        }
        *self.log.write() = Some(log);
        result.map_err(|why| why.to_string())
    }

    /// The daemon is sealed, or stops: the log is signed for and closed.
    pub(crate) fn close(&self) {
        if let Some(log) = self.log.write().take() {
            log.close();
        }
    }
}
