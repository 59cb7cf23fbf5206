//! Where answers go: tables and sentences for people, JSON for programs.

use std::io::{self, IsTerminal, Write};

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

    /// Prints text that is for people and programs alike.
    pub(crate) fn text(&self, text: &str) -> Result<(), Error> {
        print(text.trim_end())
    }

    /// Whether programs read what is printed.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Prints one of many values: as a line of JSON for a program, or what `people` makes of it and of the width.
    pub(crate) fn line<T: Serialize + ?Sized>(
        &self,
        value: &T,
        people: impl FnOnce(&T, usize) -> String,
    ) -> Result<(), Error> {
        let text = if self.json {
            serde_json::to_string(value).map_err(|e| Error::Print(e.into()))?
        } else {
            people(value, width())
        };
        print(&text)
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

/// The columns there are.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0))
}

/// A reader who has seen enough, as `head` has, is no error.
fn print(text: &str) -> Result<(), Error> {
    match writeln!(anstream::stdout(), "{text}") {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::Print(e)),
        _ => Ok(()),
    }
}

/// How far a long command has come, on a line of the terminal that is written again and again; nothing where
/// standard error is no terminal.
#[derive(Debug, Default)]
pub(crate) struct Bar {
    shown: bool,
}

impl Bar {
    /// The bar's own width.
    const STEPS: u64 = 40;

    /// Shows that `done` of `total` steps are done; a `total` of 0 is not known.
    pub(crate) fn show(&mut self, done: u64, total: u64) {
        if !io::stderr().is_terminal() {
            return;
        }
        self.shown = true;
        let mut screen = anstream::stderr();
        // Nobody can be told that standard error is closed.
        let _ = match done.saturating_mul(Self::STEPS).checked_div(total) {
            None => write!(screen, "\r{done}"),
            Some(steps) => {
                let filled = usize::try_from(steps.min(Self::STEPS)).unwrap_or_default();
                write!(screen, "\r[{:<40}] {done} of {total}", "#".repeat(filled))
            }
        };
        let _ = screen.flush();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(anstream::stderr(), "\r\x1b[K"); // the line is free for what comes
        }
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
