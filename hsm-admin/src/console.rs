//! The console: the commands of the command line, with history and completion.
//!
//! A secret never is on a line of the console, and a line that is no command is not kept: a PIN typed
//! at the wrong moment does not get into the history.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use clap::Parser;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};
use wire::admin::{Ask, Told};

use crate::cli::{Line, Typed};
use crate::completion::Completion;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{self, Screen};

const PROMPT: &str = "hsm> ";
/// Lines that the history keeps.
const HISTORY: usize = 1000;

/// Reads commands and carries them out until `quit`.
pub(crate) fn run(daemon: &Daemon, json: bool) -> Result<(), Error> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(HISTORY)?
        .history_ignore_dups(true)?
        .build();
    let mut editor = Editor::<Completion, FileHistory>::with_config(config)?;
    editor.set_helper(Some(Completion::new(daemon.impatient())));
    let history = history_file().filter(|path| prepare(path).is_ok());
    if let Some(path) = &history {
        // A history that cannot be read is no reason not to work.
        let _ = editor.load_history(path);
    }
    greet(daemon);
    loop {
        match editor.readline(PROMPT) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => match parse(&text) {
                Parsed::Line(line) => {
                    let _ = editor.add_history_entry(text.trim());
                    if let Some(path) = &history {
                        let _ = editor.append_history(path);
                    }
                    match line.command {
                        Typed::Quit => return Ok(()),
                        Typed::Command(command) => {
                            let screen = Screen::new(json || line.json);
                            let presented = daemon.caller().present(&line.approvals);
                            if let Err(error) = presented.and_then(|()| command.run(daemon, &screen)) {
                                screen::complain(&error);
                            }
                        }
                    }
                }
                Parsed::Unclosed => screen::complain(&Error::Usage("a quotation mark is not closed".into())),
                Parsed::Help(text) => {
                    let _ = text.print();
                }
            },
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// What a line is.
enum Parsed {
    Line(Box<Line>),
    /// Help that was asked for, or what is wrong with the line.
    Help(clap::Error),
    Unclosed,
}

fn parse(text: &str) -> Parsed {
    let Some(words) = shlex::split(text) else { return Parsed::Unclosed };
    match Line::try_parse_from(words) {
        Ok(line) => Parsed::Line(Box::new(line)),
        Err(help) => Parsed::Help(help),
    }
}

fn greet(daemon: &Daemon) {
    match daemon.ask(&Ask::Status) {
        Ok(Told::Status(status)) => {
            let sealed = if status.sealed { " It is sealed: it waits for its root key." } else { "" };
            anstream::println!("hsmd {} at {}.{sealed}", status.version, daemon.socket().display());
        }
        Ok(_) => screen::complain(&Error::Unknown),
        Err(error) => screen::complain(&error),
    }
    anstream::println!("`help` lists the commands, Tab completes, `quit` leaves.");
}

/// `$XDG_STATE_HOME/claviger/history`, or the same under `~/.local/state`.
fn history_file() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    folder("XDG_STATE_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("claviger/history"))
}

/// Makes the history's folder and file, for their owner only.
fn prepare(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_history_is_for_its_owner_only() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("claviger/history");
        prepare(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_line_is_split_as_a_shell_does() {
        assert!(matches!(parse("partition rename 'two words' other"), Parsed::Line(_)));
        assert!(matches!(parse("partition rename two words other"), Parsed::Help(_)));
        assert!(matches!(parse("partition show 'two"), Parsed::Unclosed));
        assert!(matches!(parse("12345678"), Parsed::Help(_)));
    }
}
