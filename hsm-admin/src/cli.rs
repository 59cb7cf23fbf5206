//! The command line, and a line of the console: one grammar for both.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::caller::{ApprovalArgs, LoginArgs};
use crate::commands::Command;

/// What stands below the list of commands in `hsm-admin --help`.
const AFTER: &str = "\
Without a command, on a terminal, it is a console: the same commands, with
history and completion.

PINs and passphrases are asked for without echo, or read from a file or a file
descriptor; they are never taken from the command line or the environment.

On an HSM that has people, a command is given by somebody with a right to it:
--ukey, else CLAVIGER_UKEY, says with which UKey to log in; its PIN is asked
for. `hsm-admin roles` shows who may give which command.

The socket: --socket, else CLAVIGER_ADMIN_SOCKET, else
$XDG_RUNTIME_DIR/claviger/admin.sock if it is there, else
/run/claviger/admin.sock.

Exit codes:
  0  done
  1  the command failed; nothing was changed
  2  wrong usage
  3  the daemon cannot be reached
  4  the daemon is sealed: it waits for its root key (see `hsm-admin unseal`)
  5  done in part: the output says what was not

Examples:
  hsm-admin status
  hsm-admin partition create payments
  hsm-admin partition create dns --so-pin-file so.pin --user-pin-file user.pin
  hsm-admin partition list --json
  hsm-admin object list payments
  hsm-admin key generate payments --type ec:P-256 --label signing
  hsm-admin import softhsm /var/lib/softhsm/tokens payments --dry-run";

/// Manages the partitions of a running hsmd.
#[derive(Debug, Parser)]
#[command(name = "hsm-admin", version, max_term_width = 80, after_help = AFTER)]
pub(crate) struct Cli {
    /// The daemon's admin socket
    #[arg(
        long,
        global = true,
        help_heading = "Common options",
        value_name = "PATH",
        env = "CLAVIGER_ADMIN_SOCKET",
        hide_env = true
    )]
    pub(crate) socket: Option<PathBuf>,

    /// Print JSON, for programs
    #[arg(long, global = true, help_heading = "Common options")]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) login: LoginArgs,

    #[command(flatten)]
    pub(crate) approvals: ApprovalArgs,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// A line typed at the console.
#[derive(Debug, Parser)]
#[command(name = "", bin_name = "", max_term_width = 80, no_binary_name = true, help_template = "{all-args}")]
pub(crate) struct Line {
    #[command(subcommand)]
    pub(crate) command: Typed,

    /// Print JSON, for programs
    #[arg(long, global = true, help_heading = "Common options")]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) approvals: ApprovalArgs,
}

/// What the console takes: every command, and the word to leave.
#[derive(Debug, Subcommand)]
pub(crate) enum Typed {
    #[command(flatten)]
    Command(Box<Command>),
    /// Leave the console (so does Ctrl-D)
    #[command(visible_alias = "exit")]
    Quit,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn both_grammars_are_sound() {
        Cli::command().debug_assert();
        Line::command().debug_assert();
    }

    #[test]
    fn a_line_of_the_console_is_a_command_without_the_programs_name() {
        let line = Line::try_parse_from(["partition", "show", "a b", "--json"]).unwrap();
        assert!(line.json);
        let Typed::Command(command) = line.command else { panic!("a command") };
        assert!(matches!(*command, Command::Partition(_)));
        let line = Line::try_parse_from(["exit"]).unwrap();
        assert!(matches!(line.command, Typed::Quit));
    }

    #[test]
    fn no_command_takes_a_pin_or_a_passphrase_as_its_argument() {
        for words in [
            vec!["partition", "create", "x", "--so-pin", "1234"],
            vec!["partition", "init", "x", "--user-pin", "1234"],
            vec!["unseal", "opensesame"],
            vec!["unseal", "--passphrase", "opensesame"],
        ] {
            assert!(Line::try_parse_from(&words).is_err(), "{words:?}");
        }
    }
}
