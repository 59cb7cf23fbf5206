//! `audit`: the audit log. What works on its files is `claviger-audit`'s code; the rest asks the daemon.

use audit::Record;
use audit::export::{self, Format};
use audit_cli::Ending;
use clap::Subcommand;
use serde_json::json;
use wire::admin::audit::{Ask as Log, Status, Told as Answer};
use wire::admin::{Ask, Told};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, facts, printable};

/// Verify, list, export and prove the audit log; follow it, and set what is recorded
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    #[command(flatten)]
    Files(audit_cli::Command),
    /// Show how the daemon's log is
    Status,
    /// Print records as they are written, until it is interrupted
    Tail {
        /// Begin after this record; 0 begins with the oldest. Without it, with what comes from now on
        #[arg(long, value_name = "NUMBER")]
        after: Option<u64>,

        /// End when there are no more for now
        #[arg(long)]
        once: bool,
    },
    /// Show or set how uses of a partition's keys are recorded
    Level {
        /// Label, serial number or slot number
        partition: String,

        /// none; sampled: counted for each key and mechanism in a minute; all: each use
        #[arg(value_parser = ["none", "sampled", "all"])]
        uses: Option<String>,
    },
}

impl Audit {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Files(command) => files(command, screen),
            Self::Status => screen.show(&status(daemon)?, people),
            Self::Tail { after, once } => tail(daemon, screen, *after, *once),
            Self::Level { partition, uses } => level(daemon, screen, partition, uses.as_deref()),
        }
    }
}

fn files(command: &audit_cli::Command, screen: &Screen) -> Result<(), Error> {
    match command.run(screen.is_json()) {
        Ok(Ending::Fine) => Ok(()),
        Ok(Ending::Tampered) => Err(Error::Failed("it is not as the audit key signed it".into())),
        Err(failure) if failure.code() == 2 => Err(Error::Usage(failure.to_string())),
        Err(failure) => Err(Error::Failed(failure.to_string())),
    }
}

fn ask(daemon: &Daemon, ask: Log) -> Result<Answer, Error> {
    match daemon.ask(&Ask::Audit(ask))? {
        Told::Audit(answer) => Ok(answer),
        _ => Err(Error::Unknown),
    }
}

fn status(daemon: &Daemon) -> Result<Status, Error> {
    match ask(daemon, Log::Status)? {
        Answer::Status(status) => Ok(status),
        _ => Err(Error::Unknown),
    }
}

fn people(status: &Status) -> String {
    let mut all = vec![
        ("directory", Cell::from(&status.directory)),
        ("segment", Cell::from(status.segment)),
        ("records", Cell::from(status.records)),
        ("signed up to", Cell::from(status.signed)),
        ("key", Cell::from(&status.fingerprint)),
    ];
    if let Some(unsent) = status.unsent {
        all.push(("not forwarded yet", Cell::from(unsent)));
    }
    if let Some(failed) = &status.failed {
        all.push(("refuses records", Cell::from(failed)));
    }
    facts(all)
}

fn tail(daemon: &Daemon, screen: &Screen, after: Option<u64>, once: bool) -> Result<(), Error> {
    let mut after = match after {
        Some(after) => after,
        None => status(daemon)?.records,
    };
    let mut open = daemon.open()?;
    loop {
        let Told::Audit(Answer::Records(records)) = open.ask(&Ask::Audit(Log::Tail { after }))? else {
            return Err(Error::Unknown);
        };
        let records = records.into_vec();
        if records.is_empty() && once {
            return Ok(());
        }
        for bytes in records {
            let record = Record::decode(&bytes).map_err(|_| Error::Unknown)?;
            after = record.sequence;
            if screen.is_json() {
                screen.text(&export::line(Format::Json, &record, ""))?;
            } else {
                screen.text(&line(&record))?;
            }
        }
    }
}

/// A record for people, in one line.
fn line(record: &Record) -> String {
    let person = record.person.as_ref().map_or("", |person| person.name.as_str());
    let who = [person, record.user.as_str()].into_iter().find(|name| !name.is_empty()).unwrap_or("-");
    let on = record.object.as_ref().map_or(String::new(), |object| format!(" {:?}", object.label.as_str()));
    let count = if record.count == 1 { String::new() } else { format!(" ({} times)", record.count) };
    let time = export::time(record.time);
    let what = record.action.as_str();
    let outcome = export::outcome(record);
    printable(&format!("{} {time} {who}: {what}{on}{count}: {outcome}", record.sequence))
}

fn level(daemon: &Daemon, screen: &Screen, partition: &str, uses: Option<&str>) -> Result<(), Error> {
    let partition = partition.to_owned();
    let log = match uses {
        Some(uses) => Log::SetUses { partition: partition.clone(), uses: uses.to_owned() },
        None => Log::Uses { partition: partition.clone() },
    };
    let Answer::Uses(uses) = ask(daemon, log)? else { return Err(Error::Unknown) };
    screen.show(&json!({ "partition": partition, "uses": uses }), |_| {
        format!("Uses of the keys of {partition:?} are recorded: {uses}.")
    })
}
