//! What can go wrong, in words, and the one table from that to an exit code.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// Why a command did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no daemon at {} (is hsmd running?)", .0.display())]
    NoDaemon(PathBuf),
    #[error("no permission to open {}: it is open to root and to the user that hsmd runs as", .0.display())]
    NoPermission(PathBuf),
    #[error("hsmd at {} closed the connection without an answer (see its log)", .0.display())]
    HungUp(PathBuf),
    #[error("hsmd at {} did not answer within {seconds} seconds", .socket.display())]
    TimedOut { socket: PathBuf, seconds: u64 },
    #[error("cannot reach hsmd at {}: {cause}", .socket.display())]
    Unreachable { socket: PathBuf, cause: io::Error },
    #[error("hsmd gave an answer that this hsm-admin does not know (are both of one release?)")]
    Unknown,
    /// The daemon's own words.
    #[error("{0}")]
    Failed(String),
    /// The daemon's own words, while it had no root key.
    #[error("{0}")]
    Sealed(String),
    #[error("{0}")]
    Usage(String),
    #[error("{file}: {why}")]
    Source { file: String, why: String },
    /// Some of it was done.
    #[error("{0}")]
    Partly(String),
    #[error("cannot read {what} from {from}: {cause}")]
    Secret { what: String, from: String, cause: io::Error },
    #[error("{place}: {why}")]
    UKey { place: String, why: String },
    #[error("{}: {why}", .path.display())]
    File { path: PathBuf, why: String },
    /// In place of the command a request for its approval was made: how `approval request` gets it.
    #[error("the command was not given: a request for its approval was made")]
    Requested(Box<wire::admin::approval::Request>),
    #[error("{0}; nothing was changed")]
    NotConfirmed(String),
    #[error("cannot read the data: {0}")]
    Read(io::Error),
    #[error("cannot write the data: {0}")]
    Write(io::Error),
    #[error("cannot print: {0}")]
    Print(io::Error),
    #[error("the console failed: {0}")]
    Console(#[from] rustyline::error::ReadlineError),
}

impl Error {
    /// The exit code, as `--help` lists them.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    const fn code(&self) -> u8 {
        match self {
            Self::Unknown
            | Self::Failed(_)
            | Self::Source { .. }
            | Self::Secret { .. }
            | Self::UKey { .. }
            | Self::File { .. }
            | Self::Requested(_)
            | Self::NotConfirmed(_)
            | Self::Read(_)
            | Self::Write(_)
            | Self::Print(_)
            | Self::Console(_) => 1,
            Self::Usage(_) => 2,
            Self::NoDaemon(_)
            | Self::NoPermission(_)
            | Self::HungUp(_)
            | Self::TimedOut { .. }
            | Self::Unreachable { .. } => 3,
            Self::Sealed(_) => 4,
            Self::Partly(_) => 5,
        }
    }
}
