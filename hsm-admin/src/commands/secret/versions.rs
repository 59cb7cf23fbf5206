//! Versions: listed, compared, staged, and given a date.

use std::str::FromStr;

use clap::Args;
use serde_json::{Value, json};
use similar::TextDiff;

use super::list::when;
use super::value::{bytes, pair_text, pairs};
use super::{CURRENT, In, Look, call, of_csms, versions};
use crate::commands::kms::text;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{Screen, WARN};
use crate::table::{Cell, Column, Table, printable};

const DAY: i64 = 86_400_000;

/// A date: of the calendar, or so many days from now.
#[derive(Clone, Debug)]
pub(crate) enum When {
    At(jiff::Timestamp),
    Days(u32),
}

impl FromStr for When {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("{text:?}: expected a number of days, or a date such as 2027-01-31");
        if let Ok(days) = text.trim_end_matches('d').parse() {
            return Ok(Self::Days(days));
        }
        if let Ok(date) = text.parse::<jiff::civil::Date>() {
            let day = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| expected())?;
            return Ok(Self::At(day.timestamp()));
        }
        text.parse().map(Self::At).map_err(|_| expected())
    }
}

impl When {
    /// In milliseconds since 1970.
    pub(super) fn millis(&self) -> Result<i64, Error> {
        match self {
            Self::At(at) => Ok(at.as_millisecond()),
            Self::Days(days) => {
                let now = jiff::Timestamp::now().as_millisecond();
                now.checked_add(i64::from(*days) * DAY)
                    .ok_or_else(|| Error::Usage("that is too far away".into()))
            }
        }
    }
}

/// List the versions of a secret
#[derive(Debug, Args)]
pub(crate) struct History {
    /// Its name
    name: String,

    #[command(flatten)]
    place: In,
}

/// Show in what two versions of a secret differ
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// Its name
    name: String,

    /// One version, by its number or a stage
    #[arg(default_value = "SYSPREVIOUS")]
    from: String,

    /// The other
    #[arg(default_value = CURRENT)]
    to: String,

    /// Show the values, and not only which pairs or how many lines differ
    #[arg(long)]
    reveal: bool,

    #[command(flatten)]
    look: Look,

    #[command(flatten)]
    place: In,
}

/// Put a stage on a version, or take one away
#[derive(Debug, Args)]
pub(crate) struct Stage {
    /// The secret's name
    name: String,

    /// The stage: SYSCURRENT is the one that programs read
    stage: String,

    /// The version, such as v3
    #[arg(required_unless_present = "remove")]
    version: Option<String>,

    /// Take the stage away
    #[arg(long, conflicts_with = "version")]
    remove: bool,

    #[command(flatten)]
    place: In,
}

/// Have a version expire, which the secret's event tells
#[derive(Debug, Args)]
pub(crate) struct Expire {
    /// The secret's name
    name: String,

    /// The version, such as v3
    version: String,

    /// After so many days, or at a date such as 2027-01-31
    when: When,

    #[command(flatten)]
    place: In,
}

impl History {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let fields = json!({ "secret_name": self.name });
        let mut all = desk.pages(&of_csms("ListSecretVersions"), fields, &["/version_metadatas"])?;
        all.reverse();
        screen.table(&all, |all| {
            let columns = [
                Column::text("VERSION", 7),
                Column::text("STAGES", 10),
                Column::text("CREATED", 19),
                Column::text("EXPIRES", 19),
                Column::text("KEY", 8),
            ];
            let mut table = Table::new(&columns, "No versions.");
            for version in all {
                let stages = version["version_stages"].as_array().into_iter().flatten();
                let stages: Vec<_> = stages.filter_map(Value::as_str).collect();
                let stages = match stages.as_slice() {
                    [] => Cell::from("deprecated").styled(WARN),
                    stages => Cell::from(stages.join(", ")),
                };
                table.row(vec![
                    Cell::from(text(version, "id")),
                    stages,
                    Cell::from(when(&version["create_time"], 19)),
                    Cell::from(when(&version["expire_time"], 19)),
                    Cell::from(text(version, "kms_key_id")),
                ]);
            }
            table
        })
    }
}

/// What became of a pair, or of lines.
fn told(what: &str, name: &str) -> Value {
    json!({ "what": what, "pair": name })
}

impl Diff {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let code = self.look.ask(&desk, self.reveal)?;
        let wanted = [(self.name.as_str(), self.from.as_str()), (&self.name, &self.to)];
        let [old, new] = versions(&desk, &wanted, code)?.try_into().map_err(|_| Error::Unknown)?;
        let (old, new) = (bytes(&old)?, bytes(&new)?);
        if self.reveal {
            let (Ok(old), Ok(new)) = (std::str::from_utf8(&old), std::str::from_utf8(&new)) else {
                return Err(Error::Failed("what is no text is not shown".into()));
            };
            let diff = TextDiff::from_lines(old, new);
            let text = diff.unified_diff().header(&self.from, &self.to).to_string();
            return screen.show(&json!({ "diff": text }), |_| match text.is_empty() {
                true => "They are the same.".to_owned(),
                false => text.lines().map(printable).collect::<Vec<_>>().join("\n"),
            });
        }
        let mut differ = Vec::new();
        match (pairs(&old), pairs(&new)) {
            (Some(old), Some(new)) => {
                for (key, value) in &old {
                    match new.get(key) {
                        None => differ.push(told("removed", key)),
                        Some(other) if *pair_text(other) != *pair_text(value) => {
                            differ.push(told("changed", key));
                        }
                        Some(_) => {}
                    }
                }
                differ.extend(new.keys().filter(|key| !old.contains_key(*key)).map(|key| told("added", key)));
            }
            _ if *old != *new => differ.push(told("changed", "")),
            _ => {}
        }
        screen.show(&differ, |differ| match differ.as_slice() {
            [] => "They are the same.".to_owned(),
            differ => {
                let line = |one: &Value| match text(one, "pair") {
                    "" => "They differ: --reveal shows in what.".to_owned(),
                    pair => format!("{:<8} {}", text(one, "what"), printable(pair)),
                };
                differ.iter().map(line).collect::<Vec<_>>().join("\n")
            }
        })
    }
}

impl Stage {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let mut fields = json!({ "secret_name": self.name, "stage_name": self.stage });
        let Some(version) = &self.version else {
            let answer = call(&desk, "DeleteSecretStage", &fields)?;
            return screen.show(&answer, |_| format!("Stage {:?} is gone.", printable(&self.stage)));
        };
        fields["version_id"] = version.clone().into();
        let put = call(&desk, "UpdateSecretStage", &fields)?;
        screen.show(&put["stage"], |put| {
            format!("Stage {:?} is on {}.", printable(&self.stage), text(put, "version_id"))
        })
    }
}

impl Expire {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let fields = json!({
            "secret_name": self.name, "version_id": self.version, "expire_time": self.when.millis()?,
        });
        let changed = call(&desk, "UpdateVersion", &fields)?;
        screen.show(&changed["version_metadata"], |of| {
            format!("Version {} expires at {} (UTC).", text(of, "id"), when(&of["expire_time"], 19))
        })
    }
}
