//! `audit`: the audit log. What works on its files is `claviger-audit`'s code.

use audit_cli::Ending;
use clap::Subcommand;

use crate::error::Error;
use crate::screen::Screen;

/// Verify, list, export and prove the audit log
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    // What asks the daemon goes beside this, as variants with files of their own.
    #[command(flatten)]
    Files(audit_cli::Command),
}

impl Audit {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Error> {
        let Self::Files(command) = self;
        match command.run(screen.is_json()) {
            Ok(Ending::Fine) => Ok(()),
            Ok(Ending::Tampered) => Err(Error::Failed("it is not as the audit key signed it".into())),
            Err(failure) if failure.code() == 2 => Err(Error::Usage(failure.to_string())),
            Err(failure) => Err(Error::Failed(failure.to_string())),
        }
    }
}
