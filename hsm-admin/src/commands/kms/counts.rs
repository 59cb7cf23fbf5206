//! How often keys were asked for.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::desk::{Desk, In, fields};
use super::text;
use crate::csv;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, Column, Table};
use crate::whole::{self, Readers};

/// What a key's state is while it has counts: enabled, or disabled.
const COUNTED: [&str; 2] = ["2", "3"];

/// KMS: show how often keys were asked for, by month and operation
#[derive(Debug, Args)]
pub(crate) struct Counts {
    /// The keys' ids, aliases or names [default: all of the project that are enabled or disabled]
    keys: Vec<String>,

    /// From this month on, as in 2026-01
    #[arg(long, value_name = "MONTH")]
    from: Option<String>,

    /// To the end of this month [default: now]
    #[arg(long, value_name = "MONTH")]
    to: Option<String>,

    /// Write them into a new file, as lines of comma-separated values
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    #[command(flatten)]
    place: In,
}

/// How often one operation was asked of a key in a month.
struct Row {
    key: Value,
    month: String,
    operation: String,
    requests: u64,
}

impl Counts {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let mut rows = Vec::new();
        for key in self.named(&desk)? {
            let mut about = fields([("key_id", text(&key, "key_id").to_owned())]);
            for (name, month) in [("from", &self.from), ("to", &self.to)] {
                month.iter().for_each(|month| about[name] = month.as_str().into());
            }
            let told = desk.call("ShowKeyCounts", &about)?;
            for count in told["counts"].as_array().into_iter().flatten() {
                for (operation, requests) in count["requests"].as_object().into_iter().flatten() {
                    rows.push(Row {
                        key: key.clone(),
                        month: text(count, "month").to_owned(),
                        operation: operation.clone(),
                        requests: requests.as_u64().unwrap_or_default(),
                    });
                }
            }
        }
        match &self.csv {
            Some(file) => write(file, &rows, screen),
            None => screen.table(&rows.iter().map(Row::to_json).collect::<Vec<_>>(), |_| table(&rows)),
        }
    }

    fn named(&self, desk: &Desk<'_>) -> Result<Vec<Value>, Error> {
        if self.keys.is_empty() {
            let mut all = desk.keys()?;
            all.retain(|key| COUNTED.contains(&text(key, "key_state")));
            return Ok(all);
        }
        let one = |name: &String| Ok(desk.call("ListKeyDetail", &desk.about(name)?)?["key_info"].take());
        self.keys.iter().map(one).collect()
    }
}

impl Row {
    fn to_json(&self) -> Value {
        json!({
            "key_id": text(&self.key, "key_id"),
            "name": text(&self.key, "key_alias"),
            "month": self.month,
            "operation": self.operation,
            "requests": self.requests,
        })
    }
}

fn table(rows: &[Row]) -> Table {
    let columns = [
        Column::text("NAME", 8),
        Column::text("ID", 36),
        Column::text("MONTH", 7),
        Column::text("OPERATION", 12),
        Column::number("REQUESTS"),
    ];
    let mut table = Table::new(&columns, "Nothing was asked of the keys.");
    for row in rows {
        let [name, id] = ["key_alias", "key_id"].map(|field| text(&row.key, field));
        table.row(vec![
            Cell::from(name),
            Cell::from(id),
            Cell::from(&row.month),
            Cell::from(&row.operation),
            Cell::from(row.requests),
        ]);
    }
    table
}

fn write(file: &Path, rows: &[Row], screen: &Screen) -> Result<(), Error> {
    let row = |Row { key, month, operation, requests }: &Row| {
        let [id, name] = ["key_id", "key_alias"].map(|field| text(key, field));
        csv::row([id, name, month, operation, &requests.to_string()])
    };
    let all: String = rows.iter().map(row).collect();
    let lines = csv::row(["key_id", "name", "month", "operation", "requests"]) + &all;
    let failed = |error: std::io::Error| Error::File { path: file.to_owned(), why: error.to_string() };
    whole::create(file, lines.as_bytes(), Readers::Owner).map_err(failed)?;
    let shown = json!({ "file": file, "rows": rows.len() });
    screen.show(&shown, |_| format!("Wrote {} rows to {}.", rows.len(), file.display()))
}
