//! The commands on audit logs as files. `claviger-audit` and `hsm-admin audit` run the same ones.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod files;
mod filter;
mod list;
mod progress;
mod prove;
mod text;
mod verify;

pub use text::cut;

use std::io;
use std::path::PathBuf;

use clap::Subcommand;

/// What can be done with a log.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a log with the public key alone, and name what is wrong by record
    Verify(verify::Verify),
    /// Show records in a table (they are not checked: see `verify`)
    List(list::List),
    /// Print records as lines of JSON, CEF or syslog (they are not checked: see `verify`)
    Export(list::Export),
    /// Make a proof that one record is in the log, for somebody who has only the public key
    Prove(prove::Prove),
    /// Check a proof that `prove` made, with the public key alone
    CheckProof(prove::CheckProof),
}

/// How a command that did its work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All is well.
    Fine,
    /// The log or the proof is not what the key signed. It was said how.
    Tampered,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file cannot be used.
    #[error("{}: {cause}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: audit::Error,
    },
    /// The command line says nothing that can be done.
    #[error("{0}")]
    Usage(String),
    /// The output cannot be written.
    #[error("cannot print: {0}")]
    Print(#[from] io::Error),
}

impl Failure {
    /// The exit code, as `--help` lists them.
    pub const fn code(&self) -> u8 {
        match self {
            Self::File { cause: audit::Error::Tampered { .. } | audit::Error::Signature, .. } => 1,
            Self::File { .. } | Self::Usage(_) | Self::Print(_) => 2,
        }
    }

    fn file(path: &std::path::Path) -> impl FnOnce(audit::Error) -> Self {
        let path = path.to_owned();
        |cause| Self::File { path, cause }
    }
}

impl Command {
    /// Carries the command out; it prints to standard output.
    ///
    /// # Errors
    /// If it could not do its work. A reader who has seen enough, as `head` has, is no error.
    pub fn run(&self, json: bool) -> Result<Ending, Failure> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let ending = match self {
            Self::Verify(command) => command.run(json, &mut out),
            Self::List(command) => command.run(json, &mut out),
            Self::Export(command) => command.run(&mut out),
            Self::Prove(command) => command.run(&mut out),
            Self::CheckProof(command) => command.run(json, &mut out),
        };
        match ending.and_then(|ending| Ok(io::Write::flush(&mut out).map(|()| ending)?)) {
            Err(Failure::Print(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Ending::Fine),
            ending => ending,
        }
    }
}
