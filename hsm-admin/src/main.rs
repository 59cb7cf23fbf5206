//! `hsm-admin`: the console of the HSM, and its commands one at a time.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod approval_file;
mod backup_file;
mod caller;
mod cli;
mod commands;
mod completion;
mod console;
mod csv;
mod daemon;
mod error;
mod screen;
mod secret;
mod source;
mod table;
mod ukey;
mod whole;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use crate::caller::Caller;
use crate::cli::Cli;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen::complain(&error);
            error.exit_code()
        }
    }
}

/// One command, or the console if there is none.
fn run(cli: &Cli) -> Result<(), Error> {
    let caller = Caller::new(&cli.login, &cli.approvals)?;
    let daemon = Daemon::at(cli.socket.clone()).called_by(caller);
    match &cli.command {
        Some(command) => command.run(&daemon, &Screen::new(cli.json)),
        None if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() => {
            console::run(&daemon, cli.json)
        }
        None => Err(Error::Usage(
            "expected a command, as in `hsm-admin status`; the console needs a terminal (see --help)".into(),
        )),
    }
}
