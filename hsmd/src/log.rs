//! Logs: lines on the standard error, where the journal or a file takes them up.

use tracing::level_filters::LevelFilter;

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
