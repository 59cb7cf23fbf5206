//! `generate`: what a package installs beside the program, made from the grammar itself.

use std::path::PathBuf;

use clap::{CommandFactory, Subcommand};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::error::Error;

/// Make what a package installs: manual pages, completions for shells
#[derive(Debug, Subcommand)]
pub(crate) enum Generate {
    /// Write a manual page for each command
    Man {
        /// The folder that they go to
        folder: PathBuf,
    },
    /// Print the completions of a shell
    Completion {
        /// The shell
        shell: Shell,
    },
}

impl Generate {
    pub(super) fn run(&self) -> Result<(), Error> {
        let mut grammar = Cli::command();
        match self {
            Self::Man { folder } => clap_mangen::generate_to(grammar, folder).map_err(Error::Write),
            Self::Completion { shell } => {
                clap_complete::generate(*shell, &mut grammar, "hsm-admin", &mut std::io::stdout());
                Ok(())
            }
        }
    }
}
