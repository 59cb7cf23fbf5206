//! Which secrets there are, and what is known of each.

use clap::Args;
use serde_json::{Value, json};

use super::{In, call, of_csms};
use crate::commands::kms::text;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen};
use crate::table::{Cell, Column, Table, facts, printable};

/// List secrets
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Those with this in their names
    #[arg(long)]
    name: Option<String>,

    /// Those that this event tells of
    #[arg(long, conflicts_with_all = ["name", "tags"])]
    event: Option<String>,

    /// Those with this tag, of this value if one is given (repeatable: all must be there)
    #[arg(long = "tag", value_name = "KEY[=VALUE]")]
    tags: Vec<String>,

    #[command(flatten)]
    place: In,
}

/// Show what is known of a secret, but for its value
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its name
    name: String,

    #[command(flatten)]
    place: In,
}

impl List {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let secrets = if self.tags.is_empty() && self.name.is_none() {
            let fields = self.event.as_ref().map_or(json!({}), |event| json!({ "event_name": event }));
            desk.pages(&of_csms("ListSecrets"), fields, &["/secrets"])?
        } else {
            self.search(&desk)?
        };
        screen.table(&secrets, |secrets| table(secrets))
    }

    fn search(&self, desk: &super::Desk<'_>) -> Result<Vec<Value>, Error> {
        let tag = |text: &String| match text.split_once('=') {
            Some((key, value)) => json!({ "key": key, "values": [value] }),
            None => json!({ "key": text, "values": [] }),
        };
        let tags: Vec<_> = self.tags.iter().map(tag).collect();
        let matches = self.name.iter().map(|name| json!({ "key": "resource_name", "value": name }));
        let mut fields = json!({
            "resource_instances": "resource_instances", "action": "filter", "limit": "1000",
            "tags": tags, "matches": matches.collect::<Vec<_>>(),
        });
        let mut all = Vec::new();
        loop {
            fields["offset"] = all.len().to_string().into();
            let mut page = call(desk, "ListResourceInstances", &fields)?;
            let Value::Array(found) = page["resources"].take() else { return Err(Error::Unknown) };
            let last = found.len() < 1000;
            all.extend(found.into_iter().map(|mut one| one["resource_detail"].take()));
            if last {
                return Ok(all);
            }
        }
    }
}

impl Show {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let mut secret = call(&desk, "ShowSecret", &json!({ "secret_name": self.name }))?["secret"].take();
        let tags = call(&desk, "ListSecretTags", &json!({ "secret_id": secret["id"] }))?["tags"].take();
        secret["tags"] = tags;
        screen.show(&secret, in_full)
    }
}

/// A time as people read it: `length` characters of `2026-11-30 10:00:00`.
pub(super) fn when(value: &Value, length: usize) -> String {
    let at = value.as_i64().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string().chars().take(length).collect())
        .unwrap_or_default()
}

fn state(secret: &Value) -> Cell {
    match text(secret, "state") {
        "ENABLED" => Cell::from("enabled").styled(GOOD),
        _ => Cell::from("pending deletion").styled(BAD),
    }
}

/// The names in a list, one behind the other.
fn joined(value: &Value) -> String {
    let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    names.collect::<Vec<_>>().join(", ")
}

fn table(secrets: &[Value]) -> Table {
    let columns = [
        Column::text("NAME", 12),
        Column::text("ID", 36),
        Column::text("STATE", 7),
        Column::text("TYPE", 6),
        Column::text("EVENT", 5),
        Column::text("CREATED", 10),
    ];
    let mut table = Table::new(&columns, "No secrets: `secret put` makes one.");
    for secret in secrets {
        table.row(vec![
            Cell::from(text(secret, "name")),
            Cell::from(text(secret, "id")),
            state(secret),
            Cell::from(text(secret, "secret_type")),
            Cell::from(joined(&secret["event_subscriptions"])),
            Cell::from(when(&secret["create_time"], 10)),
        ]);
    }
    table
}

/// How a secret is rotated, if it is.
fn rotation(secret: &Value) -> Vec<(&'static str, Cell)> {
    let config = serde_json::from_str::<Value>(text(secret, "rotation_config")).unwrap_or_default();
    let (with, of) = match (text(secret, "rotation_func_urn"), text(&config, "SecretSubType")) {
        ("", "") => return Vec::new(),
        ("", "MultiUser") => (", with two accounts", ("in database", text(&config, "InstanceId"))),
        ("", _) => (", with one account", ("in database", text(&config, "InstanceId"))),
        (program, _) => ("", ("by the program", program)),
    };
    let by_itself = match secret["auto_rotation"].as_bool() {
        Some(true) => format!("every {}", text(secret, "rotation_period")),
        _ => "when somebody asks for it".to_owned(),
    };
    vec![
        ("rotated", Cell::from(format!("{by_itself}{with}"))),
        (of.0, Cell::from(printable(of.1))),
        ("last rotated", Cell::from(when(&secret["rotation_time"], 19))),
        ("next rotation", Cell::from(when(&secret["next_rotation_time"], 19))),
    ]
}

fn in_full(secret: &Value) -> String {
    let tag = |tag: &Value| match text(tag, "value") {
        "" => text(tag, "key").to_owned(),
        value => format!("{}={value}", text(tag, "key")),
    };
    let tags: Vec<_> = secret["tags"].as_array().into_iter().flatten().map(tag).collect();
    let mut lines = vec![
        ("name", Cell::from(text(secret, "name"))),
        ("id", Cell::from(text(secret, "id"))),
        ("state", state(secret)),
        ("type", Cell::from(text(secret, "secret_type"))),
        ("description", Cell::from(text(secret, "description"))),
        ("encryption key", Cell::from(text(secret, "kms_key_id"))),
        ("created", Cell::from(when(&secret["create_time"], 19))),
        ("changed", Cell::from(when(&secret["update_time"], 19))),
        ("event", Cell::from(joined(&secret["event_subscriptions"]))),
        ("enterprise project", Cell::from(text(secret, "enterprise_project_id"))),
        ("tags", Cell::from(tags.join(", "))),
    ];
    lines.extend(rotation(secret));
    if !secret["scheduled_delete_time"].is_null() {
        lines.push(("deleted at", Cell::from(when(&secret["scheduled_delete_time"], 19))));
    }
    facts(lines)
}
