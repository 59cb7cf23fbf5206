//! Logs: lines on the standard error, where the journal or a file takes them up.

use hsm::ports::{Event, Events};
use hsm::vault::{Kept, Ledger, NotRecorded, Note};
use tracing::level_filters::LevelFilter;
use tracing::{debug, info};

use crate::config::{Format, Level, Log};

/// Starts logging.
pub(crate) fn start(config: &Log) {
    let level = match config.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false);
    // Only a second start within one process fails, and then the first one stands.
    let _ = match config.format {
        Format::Json => lines.json().try_init(),
        // The journal has its own time.
        Format::Text if std::env::var_os("JOURNAL_STREAM").is_some() => lines.without_time().try_init(),
        Format::Text => lines.try_init(),
    };
}

/// Events of the HSM, in the log. The audit trail takes its place.
#[derive(Debug)]
pub(crate) struct EventLog;

impl Events for EventLog {
    fn record(&self, event: &Event<'_>) -> Result<(), NotRecorded> {
        let Event { actor, partition, action, object, rv, .. } = event;
        let (user, slot) = (actor.user, partition.map_or(0, |partition| partition.slot));
        let object = object.map_or("-", |object| object.id);
        if *rv == wire::Rv::OK {
            debug!(slot, user, action, object, "event");
        } else {
            info!(slot, user, action, object, %rv, "event");
        }
        Ok(())
    }

    fn note(&self, _: &Event<'_>) -> Note {
        Note { bytes: Vec::new(), makes_room: true }
    }
}

impl Ledger for EventLog {
    fn ready(&self, _: bool) -> Result<(), NotRecorded> {
        Ok(())
    }

    fn take(&self, _: Vec<(u64, Note)>) {}

    fn kept(&self) -> Kept {
        Kept { last: 0, through: u64::MAX, mark: None }
    }
}
