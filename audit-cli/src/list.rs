//! `list` and `export`: the records of a log.

use std::collections::VecDeque;
use std::io::Write;

use audit::Record;
use audit::export::{self, Format};
use audit::text::printable;
use clap::{Args, ValueEnum};
use unicode_width::UnicodeWidthStr;

use crate::files::{self, Log};
use crate::filter::Filter;
use crate::{Ending, Failure, cut};

/// The width that tables fit where no terminal says another.
const WIDTH: usize = 80;

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    log: Log,
    #[command(flatten)]
    filter: Filter,
    /// Only the last so many
    #[arg(long, value_name = "NUMBER")]
    last: Option<usize>,
}

#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    log: Log,
    /// The form of the lines
    #[arg(long, default_value = "json")]
    format: Formats,
    /// The machine that the log is of, for syslog
    #[arg(long, value_name = "NAME", default_value = "-")]
    host: String,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Formats {
    /// A JSON object a line
    Json,
    /// ArcSight's Common Event Format, version 0
    Cef,
    /// RFC 5424
    Syslog,
}

impl Export {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<Ending, Failure> {
        let format = match self.format {
            Formats::Json => Format::Json,
            Formats::Cef => Format::Cef,
            Formats::Syslog => Format::Syslog,
        };
        files::records(&self.log.files()?, |record| {
            if self.filter.wants(record) {
                writeln!(out, "{}", export::line(format, record, &self.host))?;
            }
            Ok(true)
        })?;
        Ok(Ending::Fine)
    }
}

impl List {
    pub(crate) fn run(&self, json: bool, out: &mut impl Write) -> Result<Ending, Failure> {
        let columns = Columns::new(terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.into()));
        let line = |record: &Record| if json { export::json(record) } else { columns.row(record) };
        let mut kept = VecDeque::new();
        if !json {
            writeln!(out, "{}", columns.title())?;
        }
        files::records(&self.log.files()?, |record| {
            match self.last {
                _ if !self.filter.wants(record) => {}
                None => writeln!(out, "{}", line(record))?,
                Some(most) => {
                    kept.push_back(line(record));
                    if kept.len() > most {
                        kept.pop_front();
                    }
                }
            }
            Ok(true)
        })?;
        for line in kept {
            writeln!(out, "{line}")?;
        }
        Ok(Ending::Fine)
    }
}

/// Titles with widths. Fixed, because the records are not all read before the first is printed.
struct Columns([(&'static str, usize); 6]);

impl Columns {
    /// For a terminal of this width. What is over 80 goes to who and to the outcome.
    fn new(width: usize) -> Self {
        let over = width.saturating_sub(WIDTH).min(60);
        let (who, outcome) = (10 + over / 2, 12 + over.div_ceil(2));
        Self([("NUMBER", 7), ("TIME", 19), ("WHO", who), ("ACTION", 14), ("WHERE", 8), ("OUTCOME", outcome)])
    }

    fn title(&self) -> String {
        self.line(&self.0.map(|(title, _)| title.to_owned()))
    }

    fn row(&self, record: &Record) -> String {
        let mut time = export::time(record.time).replace('T', " ");
        time.truncate(19);
        let place = record.partition.as_ref().map_or(String::new(), |one| format!("slot {}", one.slot));
        let outcome = match record.count {
            0 | 1 => export::outcome(record),
            count => format!("{count} times {}", export::outcome(record)),
        };
        let action = match &record.object {
            Some(object) if !object.label.is_empty() => {
                format!("{} {}", record.action.as_str(), object.label.as_str())
            }
            _ => record.action.as_str().to_owned(),
        };
        self.line(&[record.sequence.to_string(), time, who(record), action, place, outcome])
    }

    fn line(&self, cells: &[String; 6]) -> String {
        let mut line = String::new();
        for (cell, (title, width)) in cells.iter().zip(self.0) {
            let shown = cut(&printable(cell), width);
            let pad = " ".repeat(width.saturating_sub(shown.width()));
            let number = title == "NUMBER";
            line.extend([if number { &pad } else { "" }, &shown, if number { "" } else { &pad }, "  "]);
        }
        line.trim_end().to_owned()
    }
}

/// Who did it: the person, else the token's user, else the process's user.
fn who(record: &Record) -> String {
    match (&record.person, record.user.as_str(), record.peer) {
        (Some(person), ..) => person.name.as_str().to_owned(),
        (None, "", Some(peer)) => format!("uid {}", peer.uid),
        (None, "", None) => record.door.word().to_owned(),
        (None, user, _) => user.to_owned(),
    }
}
