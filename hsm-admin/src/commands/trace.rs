//! `trace`: the traces of CTS as the interface lists them, on the screen or in a file.

// A field that an answer does not have is null: indexing a JSON value panics for none that is read.
#![allow(clippy::indexing_slicing)]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::kms::{Desk, In, text};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen, WARN};
use crate::table::{Cell, Column, Table, facts};
use crate::whole;

mod sheet;

/// The most traces of one file (user guide, "Viewing CTS Traces in the Trace List").
const MOST: usize = 5000;
/// Traces that are asked for at once.
const PAGE: usize = 200;

/// Traces of what was asked of the cloud services, kept for seven days
#[derive(Debug, Subcommand)]
pub(crate) enum Trace {
    List(List),
    Show(Show),
    Export(Export),
}

/// List traces, the newest first; of several conditions all must hold
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    wanted: Wanted,

    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,

    #[command(flatten)]
    place: In,
}

/// Show all that a trace says
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its id
    id: String,

    #[command(flatten)]
    place: In,
}

/// Write traces to a file, the newest first and at most 5,000; of several conditions all must hold
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The file, which must not be there yet
    file: PathBuf,

    /// Its format [default: by the file's name, else csv]
    #[arg(long)]
    format: Option<Format>,

    #[command(flatten)]
    wanted: Wanted,

    #[command(flatten)]
    place: In,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines of comma-separated values
    Csv,
    /// A spreadsheet
    Xlsx,
}

/// Which traces.
#[derive(Debug, Args)]
struct Wanted {
    /// Only those of this name, such as createKey
    #[arg(long)]
    name: Option<String>,

    /// Only the one of this id, of whatever time
    #[arg(long)]
    id: Option<String>,

    /// Only those about what has this name
    #[arg(long, value_name = "NAME")]
    resource_name: Option<String>,

    /// Only those about what has this id
    #[arg(long, value_name = "ID")]
    resource_id: Option<String>,

    /// Only those of this service, such as KMS
    #[arg(long, value_name = "SERVICE")]
    source: Option<String>,

    /// Only those about things of this type, such as CMK
    #[arg(long, value_name = "TYPE")]
    resource_type: Option<String>,

    /// Only those of one of these users
    #[arg(long, value_name = "USER", value_delimiter = ',')]
    operator: Vec<String>,

    /// Only those that ended so
    #[arg(long, value_parser = ["normal", "warning", "incident"])]
    status: Option<String>,

    /// Only those in this enterprise project
    #[arg(long, value_name = "ID")]
    enterprise_project: Option<String>,

    /// Only those of requests signed with this access key
    #[arg(long, value_name = "ID")]
    access_key: Option<String>,

    /// Of operations on resources (management), or of accesses to buckets (data)
    #[arg(long = "type", value_parser = ["management", "data"], default_value = "management")]
    kind: String,

    /// Only those of the last hour, day or week
    #[arg(long, value_parser = ["hour", "day", "week"], default_value = "hour", conflicts_with_all = ["from", "to"])]
    last: String,

    /// Only those of this time or later, such as 2026-01-31T08:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,

    /// Only those before this time
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
}

impl Trace {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::List(command) => command.run(daemon, screen),
            Self::Show(command) => command.run(daemon, screen),
            Self::Export(command) => command.run(daemon, screen),
        }
    }
}

impl List {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let traces = self.wanted.find(&self.place.desk(daemon)?, self.limit)?;
        screen.table(&traces, |traces| table(traces))
    }
}

impl Show {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let fields = json!({ "trace_type": "system", "trace_id": self.id });
        let mut answer = self.place.desk(daemon)?.call("ListTraces", &fields)?;
        match answer["traces"].as_array_mut().and_then(Vec::pop) {
            Some(trace) => screen.show(&trace, in_full),
            None => Err(Error::Failed(format!("there is no trace {:?} of the last seven days", self.id))),
        }
    }
}

impl Export {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let by_name = match self.file.extension().and_then(|extension| extension.to_str()) {
            Some(extension) if extension.eq_ignore_ascii_case("xlsx") => Format::Xlsx,
            _ => Format::Csv,
        };
        let traces = self.wanted.find(&self.place.desk(daemon)?, MOST)?;
        let bytes = match self.format.unwrap_or(by_name) {
            Format::Csv => sheet::csv(&traces),
            Format::Xlsx => sheet::xlsx(&traces).map_err(Error::Failed)?,
        };
        let failed = |error| Error::Failed(format!("{}: {error}", self.file.display()));
        whole::create(&self.file, &bytes, whole::Readers::Owner).map_err(failed)?;
        let (file, number) = (self.file.display().to_string(), traces.len());
        screen.show(&json!({ "file": file, "traces": number }), |_| format!("{number} traces are in {file}."))
    }
}

impl Wanted {
    /// The traces that are wanted, at most so many.
    fn find(&self, desk: &Desk<'_>, most: usize) -> Result<Vec<Value>, Error> {
        let (mut fields, mut all) = (self.fields(Timestamp::now())?, Vec::new());
        while all.len() < most {
            fields["limit"] = PAGE.min(most - all.len()).into();
            let mut page = desk.call("ListTraces", &fields)?;
            let traces = page["traces"].as_array_mut().ok_or(Error::Unknown)?;
            all.append(traces);
            match page["meta_data"]["marker"].as_str() {
                Some(marker) => fields["next"] = marker.into(),
                None => break,
            }
        }
        Ok(all)
    }

    /// The fields of the operation.
    fn fields(&self, now: Timestamp) -> Result<Value, Error> {
        let kind = if self.kind == "data" { "data" } else { "system" };
        let mut fields = json!({ "trace_type": kind });
        let (from, to) = match (self.from, self.to) {
            (None, None) => {
                let hours = match self.last.as_str() {
                    "week" => 7 * 24,
                    "day" => 24,
                    _ => 1,
                };
                let from = now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN);
                (from, now.checked_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX))
            }
            (from, to) => (from.unwrap_or(Timestamp::UNIX_EPOCH), to.unwrap_or(now)),
        };
        if from >= to {
            return Err(Error::Usage("--from: expected a time before that of --to".into()));
        }
        // The interface takes what is after the one and before the other.
        fields["from"] = from.as_millisecond().saturating_sub(1).max(0).into();
        fields["to"] = to.as_millisecond().into();
        let operators = (!self.operator.is_empty()).then(|| self.operator.join(","));
        for (name, value) in [
            ("trace_name", &self.name),
            ("trace_id", &self.id),
            ("resource_name", &self.resource_name),
            ("resource_id", &self.resource_id),
            ("service_type", &self.source),
            ("resource_type", &self.resource_type),
            ("user", &operators),
            ("trace_rating", &self.status),
            ("enterprise_project_id", &self.enterprise_project),
            ("access_key_id", &self.access_key),
        ] {
            if let Some(value) = value {
                fields[name] = value.as_str().into();
            }
        }
        Ok(fields)
    }
}

/// When a trace was left.
fn time(trace: &Value) -> String {
    let time = trace["time"].as_i64().and_then(|time| Timestamp::from_millisecond(time).ok());
    time.map(|time| time.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}

fn rating(trace: &Value) -> Cell {
    let rating = text(trace, "trace_rating");
    let style = match rating {
        "normal" => GOOD,
        "warning" => WARN,
        _ => BAD,
    };
    Cell::from(rating).styled(style)
}

fn table(traces: &[Value]) -> Table {
    let columns = [
        Column::text("TIME", 19),
        // What was done is told apart by the ends of these names.
        Column::text("NAME", 29),
        Column::text("STATUS", 7),
        Column::text("SOURCE", 6),
        Column::text("TYPE", 4),
        Column::text("RESOURCE", 8),
        Column::text("OPERATOR", 8),
        Column::text("ID", 36),
    ];
    let mut table = Table::new(&columns, "No traces: others may be of another time; see --last.");
    for trace in traces {
        let resource = ["resource_name", "resource_id"].map(|field| text(trace, field));
        let resource = resource.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        table.row(vec![
            Cell::from(time(trace)),
            Cell::from(text(trace, "trace_name")),
            rating(trace),
            Cell::from(text(trace, "service_type")),
            Cell::from(text(trace, "resource_type")),
            Cell::from(resource),
            Cell::from(text(&trace["user"], "name")),
            Cell::from(text(trace, "trace_id")),
        ]);
    }
    table
}

/// A trace with all that it says.
fn in_full(trace: &Value) -> String {
    let mut lines = vec![("time", Cell::from(time(trace))), ("status", rating(trace))];
    for (name, value) in
        sheet::facts_of(trace).into_iter().filter(|(name, _)| !["time", "trace_rating"].contains(name))
    {
        if !value.is_empty() {
            lines.push((name, Cell::from(value)));
        }
    }
    facts(lines)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        wanted: Wanted,
    }

    fn fields(words: &[&str]) -> Value {
        let wanted = Only::try_parse_from([&["list"], words].concat()).unwrap().wanted;
        wanted.fields(Timestamp::from_second(1_790_000_000).unwrap()).unwrap()
    }

    /// Requirement: CTS-075, CTS-082
    #[test]
    fn the_filters_of_both_lists_are_those_of_the_interface() {
        let (now, hour) = (1_790_000_000_000_i64, 3_600_000);
        let all = fields(&[
            "--type=management",
            "--source=KMS",
            "--resource-type=CMK",
            "--name=createKey",
            "--resource-id=1",
            "--resource-name=web",
            "--operator=ann,bob",
            "--status=warning",
            "--enterprise-project=0",
            "--access-key=AK",
            "--last=week",
        ]);
        let expected = json!({
            "trace_type": "system", "service_type": "KMS", "resource_type": "CMK", "trace_name": "createKey",
            "resource_id": "1", "resource_name": "web", "user": "ann,bob", "trace_rating": "warning",
            "enterprise_project_id": "0", "access_key_id": "AK", "from": now - 7 * 24 * hour - 1, "to": now + 1000,
        });
        assert_eq!(all, expected);
        assert_eq!(fields(&[])["from"], now - hour - 1);
        assert_eq!(fields(&["--last=day"])["from"], now - 24 * hour - 1);
        assert_eq!(fields(&["--type=data"])["trace_type"], "data");
        let between = fields(&["--from=2026-09-21T00:00:00Z", "--to=2026-09-21T01:00:00Z"]);
        assert_eq!(between["to"].as_i64().unwrap() - between["from"].as_i64().unwrap(), hour + 1);
        for wrong in [&["--last=day", "--from=2026-09-21T00:00:00Z"][..], &["--status=bad"], &["--from=noon"]]
        {
            assert!(Only::try_parse_from([&["list"], wrong].concat()).is_err(), "{wrong:?}");
        }
    }
}
