//! The commands: a file for each group. What later issues bring (people, quorum, backup, audit) are
//! groups beside these.

mod generate;
mod object;
mod partition;
mod status;
mod ukey;
mod unseal;

use clap::Subcommand;

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;

/// Every command, of the command line and of the console.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Status(status::Status),
    Unseal(unseal::Unseal),
    #[command(subcommand)]
    Partition(partition::Partition),
    #[command(subcommand)]
    Object(object::Object),
    #[command(subcommand, name = "ukey")]
    UKey(ukey::UKey),
    #[command(subcommand, hide = true)]
    Generate(generate::Generate),
}

impl Command {
    /// Carries the command out, and shows what came of it.
    pub(crate) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Status(command) => command.run(daemon, screen),
            Self::Unseal(command) => command.run(daemon, screen),
            Self::Partition(command) => command.run(daemon, screen),
            Self::Object(command) => command.run(daemon, screen),
            Self::UKey(command) => command.run(screen),
            Self::Generate(command) => command.run(),
        }
    }
}

/// The labels of all partitions, for completion; none if the daemon does not answer.
pub(crate) fn labels(daemon: &Daemon) -> Vec<String> {
    partition::all(daemon).map(|all| all.into_iter().map(|one| one.label).collect()).unwrap_or_default()
}
