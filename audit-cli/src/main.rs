//! `claviger-audit`: checks an audit log without the HSM that wrote it.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::process::ExitCode;

use audit_cli::{Command, Ending};
use clap::Parser;

/// What stands below the list of commands in `claviger-audit --help`.
const AFTER: &str = "\
It needs the log and the public key, and nothing of the HSM. The key is a file
in PEM (as `openssl pkey -pubout` writes it); have it from somewhere else than
the log.

Exit codes:
  0  fine (there may be notes)
  1  the log was tampered with, or the proof does not hold
  2  wrong usage, or a file that cannot be read

Examples:
  claviger-audit verify --key audit.pem /var/lib/claviger/audit
  claviger-audit verify --key audit.pem --head monday.head copy-of-audit
  claviger-audit list copy-of-audit --action key --since 2026-01-01T00:00:00Z
  claviger-audit prove 4711 copy-of-audit > proof.json
  claviger-audit check-proof --key audit.pem proof.json";

/// Verifies, lists, exports and proves audit logs of Claviger.
#[derive(Debug, Parser)]
#[command(name = "claviger-audit", version, max_term_width = 80, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Print JSON, for programs
    #[arg(long, global = true, help_heading = "Common options")]
    json: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.run(cli.json) {
        Ok(Ending::Fine) => ExitCode::SUCCESS,
        Ok(Ending::Tampered) => ExitCode::from(1),
        Err(failure) => {
            eprintln!("error: {}", audit::text::printable(&failure.to_string()));
            ExitCode::from(failure.code())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }
}
