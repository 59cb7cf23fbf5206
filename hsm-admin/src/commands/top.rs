//! `top`: what each partition does, again and again.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stdout};
use std::thread::sleep;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use wire::admin::live::{self, Now};
use wire::admin::{Ask, Told};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, Screen};
use crate::table::{Cell, Column, Table};

/// Show what each partition does: operations a second, errors, sessions
///
/// On a terminal the table is drawn again each time, until Ctrl-C. Elsewhere
/// tables follow each other, and with --json a line for each look.
#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Seconds between two looks
    #[arg(long, short, value_name = "SECONDS", default_value_t = 1.0, value_parser = interval)]
    interval: f64,

    /// How many times to show it; without it, until Ctrl-C
    #[arg(long, short = 'n', value_name = "TIMES")]
    count: Option<u64>,
}

fn interval(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected seconds between 0.1 and 3600".into()),
    }
}

/// One partition between two looks.
#[derive(Debug, Serialize)]
struct Row {
    slot: u64,
    label: String,
    /// Uses of keys that succeeded, a second.
    operations: f64,
    /// Uses of keys that failed, a second.
    errors: f64,
    sessions: u64,
    applications: u64,
}

/// What one look shows.
#[derive(Debug, Serialize)]
struct View {
    connections: u64,
    max_connections: u64,
    partitions: Vec<Row>,
}

impl Top {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let redraws = stdout().is_terminal() && !screen.is_json();
        let mut connection = daemon.open()?;
        let mut look = || match connection.ask(&Ask::Live(live::Ask::Look))? {
            Told::Live(live::Told::Now(now)) => Ok(now),
            _ => Err(Error::Unknown),
        };
        let mut before = look()?;
        let mut left = self.count;
        while left != Some(0) {
            sleep(Duration::from_secs_f64(self.interval));
            let now = look()?;
            if redraws {
                anstream::print!("\x1b[H\x1b[J"); // to the upper left, and nothing below
            }
            screen.line(&between(&before, &now), table)?;
            before = now;
            left = left.map(|left| left - 1);
        }
        Ok(())
    }
}

/// What happened from one look to the next.
fn between(before: &Now, now: &Now) -> View {
    let seconds = Duration::from_nanos(now.elapsed.saturating_sub(before.elapsed)).as_secs_f64().max(1e-3);
    let earlier: BTreeMap<_, _> =
        before.partitions.iter().map(|one| (one.slot, (one.done, one.failed))).collect();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
    let partitions = now.partitions.iter().map(|one| {
        // A partition that has just come to be began with nothing.
        let (done, failed) = earlier.get(&one.slot).copied().unwrap_or_default();
        Row {
            slot: one.slot,
            label: one.label.clone(),
            operations: rate(one.done, done),
            errors: rate(one.failed, failed),
            sessions: one.sessions,
            applications: one.applications,
        }
    });
    View {
        connections: now.connections,
        max_connections: now.max_connections,
        partitions: partitions.collect(),
    }
}

fn table(view: &View, width: usize) -> String {
    let columns = [
        Column::number("SLOT"),
        Column::text("LABEL", 8),
        Column::number("OPS/S"),
        Column::number("ERRORS/S"),
        Column::number("SESSIONS"),
        Column::number("APPLICATIONS"),
    ];
    let mut table = Table::new(&columns, "There are no partitions: make one with `partition create LABEL`.");
    for one in &view.partitions {
        let errors = Cell::from(format!("{:.1}", one.errors));
        table.row(vec![
            Cell::from(one.slot),
            Cell::from(&one.label),
            Cell::from(format!("{:.0}", one.operations)),
            if one.errors > 0.0 { errors.styled(BAD) } else { errors },
            Cell::from(one.sessions),
            Cell::from(one.applications),
        ]);
    }
    format!("{} of {} connections\n\n{}", view.connections, view.max_connections, table.render(width))
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use wire::List;

    use super::*;

    fn now(elapsed: u64, partitions: &[(u64, u64, u64)]) -> Now {
        let partition = |&(slot, done, failed): &(u64, u64, u64)| live::Partition {
            slot,
            label: format!("p{slot}"),
            done,
            failed,
            sessions: 3,
            applications: 2,
        };
        let partitions = List::new(partitions.iter().map(partition).collect()).unwrap();
        Now { elapsed, connections: 5, max_connections: 4096, partitions }
    }

    #[test]
    fn a_rate_is_what_happened_between_two_looks_by_the_daemons_clock() {
        let before = now(1_000_000_000, &[(1, 100, 0), (2, 7, 7)]);
        let after = now(3_000_000_000, &[(1, 300, 1), (3, 50, 0)]);
        let view = between(&before, &after);
        let rates: Vec<_> =
            view.partitions.iter().map(|one| (one.slot, one.operations, one.errors)).collect();
        assert_eq!(rates, [(1, 100.0, 0.5), (3, 25.0, 0.0)]);
    }

    #[test]
    fn counters_that_began_again_with_the_daemon_show_nothing() {
        let view = between(&now(9_000_000_000, &[(1, 100, 0)]), &now(1_000_000, &[(1, 5, 0)]));
        assert!(view.partitions.iter().all(|one| one.operations == 0.0));
    }

    #[test]
    fn the_view_fits_80_columns() {
        let text = table(&between(&now(0, &[]), &now(1_000_000_000, &[(1, 123_456, 3)])), 80);
        assert_eq!(
            strip_str(&text).to_string(),
            "\
5 of 4096 connections

SLOT  LABEL   OPS/S  ERRORS/S  SESSIONS  APPLICATIONS
   1  p1     123456       3.0         3             2
"
        );
    }
}
