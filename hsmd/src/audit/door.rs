//! The way to the log for what happens outside the HSM: also while the daemon is sealed, and has none.

use std::sync::Arc;

use audit::Record;
use parking_lot::{Mutex, RwLock};

use super::{AdminEvent, Audit};

/// Records that are kept in memory until there is a log, at most.
const WAITING: usize = 1000;

/// The way to the log.
#[derive(Default)]
pub(crate) struct Door {
    log: RwLock<Option<Arc<Audit>>>,
    /// What happened while the daemon was sealed. Its end loses them: the key that would sign for them is sealed.
    waiting: Mutex<Vec<Record>>,
}

impl Door {
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
            None if self.waiting.lock().len() < WAITING => Ok(()),
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
            None => {
                let mut waiting = self.waiting.lock();
                if waiting.len() >= WAITING {
                    return Err("too much has happened since hsmd was sealed to be recorded".into());
                }
                waiting.push(event.record());
                Ok(())
            }
        }
    }

    /// The daemon is open: what waited is recorded first.
    ///
    /// # Errors
    /// If that is not recorded.
    pub(super) fn opened(&self, log: Arc<Audit>) -> Result<(), String> {
        let mut waiting = self.waiting.lock();
        let result = match waiting.is_empty() {
            true => Ok(()),
            false => log.shared.log.append(waiting.clone(), false).map_err(|why| why.to_string()),
        };
        if result.is_ok() {
            waiting.clear();
        }
        *self.log.write() = Some(log);
        result
    }

    /// The daemon is sealed, or stops: the log is signed for and closed.
    pub(crate) fn close(&self) {
        if let Some(log) = self.log.write().take() {
            log.close();
        }
    }
}
