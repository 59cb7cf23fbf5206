//! Where answers go: tables and sentences for people, JSON for programs.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::error::Error;
use crate::table::{Table, printable};

/// The style of what went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// The style of what wants a look.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// The style of what is wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();

/// The width that output fits where no terminal says another.
const WIDTH: usize = 80;

/// Standard output, for a person or for a program.
///
/// Colours are written always and taken out by `anstream` where there is no terminal, or `NO_COLOR` is set.
#[derive(Debug)]
pub(crate) struct Screen {
    json: bool,
}

impl Screen {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints `value` for a program, or what `people` makes of it.
    pub(crate) fn show<T: Serialize + ?Sized>(
        &self,
        value: &T,
        people: impl FnOnce(&T) -> String,
    ) -> Result<(), Error> {
        let text = if self.json {
            serde_json::to_string_pretty(value).map_err(|e| Error::Print(e.into()))?
        } else {
            people(value)
        };
        print(text.trim_end())
    }

    /// Prints a table for people, `rows` for programs.
    pub(crate) fn table<T: Serialize + ?Sized>(
        &self,
        rows: &T,
        table: impl FnOnce(&T) -> Table,
    ) -> Result<(), Error> {
        self.show(rows, |rows| table(rows).render(width()))
    }
}

fn width() -> usize {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0))
}

/// A reader who has seen enough, as `head` has, is no error.
fn print(text: &str) -> Result<(), Error> {
    match writeln!(anstream::stdout(), "{text}") {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::Print(e)),
        _ => Ok(()),
    }
}

/// Says on standard error what went wrong.
pub(crate) fn complain(error: &Error) {
    let text = error.to_string();
    let lines: Vec<_> = text.lines().map(printable).collect();
    let bold = BAD.bold();
    // Nobody can be told that standard error is closed.
    let _ = writeln!(anstream::stderr(), "{bold}error:{bold:#} {}", lines.join("\n       "));
}
