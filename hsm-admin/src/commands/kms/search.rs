//! Lists of keys, searched by every attribute that they have, and one key in full.

use std::collections::HashSet;

use clap::Args;
use serde_json::{Value, json};

use super::desk::{Desk, In};
use super::text;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen, WARN};
use crate::table::{Cell, Column, Table, facts};

/// The states as the interface writes them, and in words.
const STATES: [(&str, &str); 4] =
    [("2", "enabled"), ("3", "disabled"), ("4", "pending-deletion"), ("5", "pending-import")];

/// How many keys one answer brings.
const PAGE: usize = 100;

/// KMS: list keys; of several conditions all must hold
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only keys whose name has this in it
    #[arg(long)]
    name: Option<String>,

    /// Only the key of this id
    #[arg(long)]
    id: Option<String>,

    /// Only those in this state
    #[arg(long, value_parser = STATES.map(|(_, word)| word))]
    state: Option<String>,

    /// Only those made on this day or later
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    created_from: Option<i64>,

    /// Only those made before this day
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    created_before: Option<i64>,

    /// Only those of this spec, such as AES_256
    #[arg(long)]
    spec: Option<String>,

    /// Only those for this, such as SIGN_VERIFY
    #[arg(long)]
    usage: Option<String>,

    /// Only those whose material is from there
    #[arg(long, value_parser = ["kms", "external"])]
    origin: Option<String>,

    /// Only those whose material expires before this day
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    expires_before: Option<i64>,

    /// Only those in this enterprise project
    #[arg(long, value_name = "ID")]
    enterprise_project: Option<String>,

    /// Only those with this tag, and this value if one is given (repeatable: all must be there)
    #[arg(long = "tag", value_name = "KEY[=VALUE]")]
    tags: Vec<String>,

    /// Default keys, which services have made, in place of those that people made
    #[arg(long)]
    default: bool,

    /// Show too what they are for, and their enterprise projects
    #[arg(long)]
    wide: bool,

    #[command(flatten)]
    place: In,
}

impl List {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let mut keys = desk.keys()?;
        if !self.tags.is_empty() {
            let tagged = tagged(&desk, &self.tags)?;
            keys.retain(|key| tagged.contains(text(key, "key_id")));
        }
        keys.retain(|key| self.fits(key));
        screen.table(&keys, |keys| table(keys, self.wide))
    }

    fn fits(&self, key: &Value) -> bool {
        let is =
            |field: &str, wanted: Option<&String>| wanted.is_none_or(|wanted| text(key, field) == wanted);
        let time = |field: &str| text(key, field).parse::<i64>().ok();
        let from =
            |bound: Option<i64>| bound.is_none_or(|from| time("creation_date").is_some_and(|at| at >= from));
        let before = |field: &str, bound: Option<i64>| {
            bound.is_none_or(|before| time(field).is_some_and(|at| at < before))
        };
        self.name.as_ref().is_none_or(|part| text(key, "key_alias").contains(part.as_str()))
            && is("key_id", self.id.as_ref())
            && self.state.as_ref().is_none_or(|word| state(text(key, "key_state")) == word)
            && from(self.created_from)
            && before("creation_date", self.created_before)
            && is("key_spec", self.spec.as_ref())
            && is("key_usage", self.usage.as_ref())
            && is("origin", self.origin.as_ref())
            && before("expiration_time", self.expires_before)
            && is("sys_enterprise_project_id", self.enterprise_project.as_ref())
            && (text(key, "default_key_flag") == "1") == self.default
    }
}

/// The ids of the keys that have all of these tags.
fn tagged(desk: &Desk<'_>, tags: &[String]) -> Result<HashSet<String>, Error> {
    let tag = |tag: &String| match tag.split_once('=') {
        Some((key, value)) => json!({ "key": key, "values": [value] }),
        None => json!({ "key": tag }),
    };
    let tags: Value = tags.iter().map(tag).collect();
    let mut found = HashSet::new();
    loop {
        let fields = json!({
            "action": "filter", "limit": PAGE.to_string(), "offset": found.len().to_string(), "tags": tags,
        });
        let page = desk.call("ListKmsByTags", &fields)?;
        let before = found.len();
        let resources = page["resources"].as_array().into_iter().flatten();
        found.extend(resources.map(|resource| text(resource, "resource_id").to_owned()));
        if found.len() < before + PAGE {
            return Ok(found);
        }
    }
}

/// The beginning of a day in UTC, in milliseconds since 1970, as the interface has times.
fn parse_day(text: &str) -> Result<i64, String> {
    let wrong = |_| "expected a day, as in 2026-01-31".to_owned();
    let day: jiff::civil::Date = text.parse().map_err(wrong)?;
    let start = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(wrong)?;
    Ok(start.timestamp().as_millisecond())
}

fn state(code: &str) -> &'static str {
    STATES.iter().find(|(known, _)| *known == code).map_or("unknown", |(_, word)| word)
}

fn coloured(code: &str) -> Cell {
    let style = match code {
        "2" => GOOD,
        "4" => BAD,
        _ => WARN,
    };
    Cell::from(state(code)).styled(style)
}

/// A time of the interface, milliseconds since 1970, as a day or to the second.
pub(super) fn when(key: &Value, field: &str, length: usize) -> String {
    let at = text(key, field).parse().ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string().chars().take(length).collect())
        .unwrap_or_default()
}

/// Whether a field says true, as text or as itself.
pub(super) fn enabled(field: Option<&Value>) -> bool {
    field.is_some_and(|field| field.as_bool() == Some(true) || field.as_str() == Some("true"))
}

fn table(keys: &[Value], wide: bool) -> Table {
    let mut columns = vec![
        Column::text("NAME", 6),
        Column::text("ID", 36),
        Column::text("STATE", 8),
        Column::text("SPEC", 6),
        Column::text("FROM", 4),
        Column::text("CREATED", 10),
    ];
    if wide {
        columns.extend([Column::text("USAGE", 19), Column::text("ENTERPRISE PROJECT", 36)]);
    }
    let mut table = Table::new(&columns, "No keys: `key create` makes one.");
    for key in keys {
        let mut cells = vec![
            Cell::from(text(key, "key_alias")),
            Cell::from(text(key, "key_id")),
            coloured(text(key, "key_state")),
            Cell::from(text(key, "key_spec")),
            Cell::from(text(key, "origin")),
            Cell::from(when(key, "creation_date", 10)),
        ];
        if wide {
            cells
                .extend(["key_usage", "sys_enterprise_project_id"].map(|field| Cell::from(text(key, field))));
        }
        table.row(cells);
    }
    table
}

/// A key with all that is known of it.
pub(super) fn in_full(key: &Value, enterprise_projects: bool) -> String {
    let origin = match text(key, "origin") {
        "external" => "External",
        _ => "Key Management Service",
    };
    let mut lines = vec![
        ("name", Cell::from(text(key, "key_alias"))),
        ("id", Cell::from(text(key, "key_id"))),
        ("state", coloured(text(key, "key_state"))),
        ("spec", Cell::from(text(key, "key_spec"))),
        ("usage", Cell::from(text(key, "key_usage"))),
        ("origin", Cell::from(origin)),
        ("description", Cell::from(text(key, "key_description"))),
        ("created", Cell::from(when(key, "creation_date", 19))),
        ("region", Cell::from(text(key, "realm"))),
    ];
    if text(key, "keystore_id") != "0" {
        lines.push(("key store", Cell::from(text(key, "keystore_id"))));
    }
    if enterprise_projects {
        lines.push(("enterprise project", Cell::from(text(key, "sys_enterprise_project_id"))));
    }
    for (name, field) in [("deleted at", "scheduled_deletion_date"), ("expires", "expiration_time")] {
        if !text(key, field).is_empty() {
            lines.push((name, Cell::from(when(key, field, 19))));
        }
    }
    if let Some(rotation) = key.get("rotation") {
        let every = match enabled(rotation.get("key_rotation_enabled")) {
            true => format!("each {} days", rotation["rotation_interval"]),
            false => "not by itself".to_owned(),
        };
        lines.push(("rotated", Cell::from(every)));
        lines.push(("rotations", Cell::from(&rotation["number_of_rotations"])));
        if !text(rotation, "last_rotation_time").is_empty() {
            lines.push(("last rotation", Cell::from(when(rotation, "last_rotation_time", 19))));
        }
    }
    facts(lines)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        list: List,
    }

    fn found(words: &[&str]) -> Vec<String> {
        let list = Only::parse_from([&["list"], words].concat()).list;
        let key =
            |name: &str, state: &str, spec: &str, usage: &str, created: i64, expires: &str, flag: &str| {
                json!({
                    "key_alias": name, "key_id": format!("id-{name}"), "key_state": state, "key_spec": spec,
                    "key_usage": usage, "creation_date": created.to_string(), "expiration_time": expires,
                    "origin": if expires.is_empty() { "kms" } else { "external" },
                    "sys_enterprise_project_id": if spec == "AES_256" { "0" } else { "e1" },
                    "default_key_flag": flag,
                })
            };
        let day = 86_400_000;
        let mut keys = vec![
            key("web", "2", "AES_256", "ENCRYPT_DECRYPT", 0, "", "0"),
            key("web-old", "3", "AES_256", "ENCRYPT_DECRYPT", day, "", "0"),
            key("sign", "2", "EC_P256", "SIGN_VERIFY", 2 * day, "259200000", "0"),
            key("csms/default", "2", "AES_256", "ENCRYPT_DECRYPT", 0, "", "1"),
        ];
        keys.retain(|key| list.fits(key));
        keys.iter().map(|key| text(key, "key_alias").to_owned()).collect()
    }

    /// Requirement: KMS-107, KMS-149, KMS-150, KMS-151, KMS-152, KMS-153, KMS-154, KMS-155, KMS-156, KMS-157
    #[test]
    fn a_list_is_searched_by_each_attribute() {
        let cases: &[(&[&str], &[&str])] = &[
            (&[], &["web", "web-old", "sign"]),
            (&["--name", "web"], &["web", "web-old"]),
            (&["--id", "id-sign"], &["sign"]),
            (&["--state", "disabled"], &["web-old"]),
            (&["--created-from", "1970-01-02"], &["web-old", "sign"]),
            (&["--created-before", "1970-01-02"], &["web"]),
            (&["--spec", "EC_P256"], &["sign"]),
            (&["--usage", "ENCRYPT_DECRYPT"], &["web", "web-old"]),
            (&["--expires-before", "1970-01-05"], &["sign"]),
            (&["--expires-before", "1970-01-04"], &[]),
            (&["--origin", "external"], &["sign"]),
            (&["--enterprise-project", "e1"], &["sign"]),
            (&["--default"], &["csms/default"]),
        ];
        for (words, expected) in cases {
            assert_eq!(found(words), *expected, "{words:?}");
        }
    }

    /// Requirement: KMS-158
    #[test]
    fn of_several_conditions_all_must_hold() {
        assert_eq!(found(&["--state", "enabled", "--spec", "AES_256"]), ["web"]);
        assert_eq!(found(&["--state", "disabled", "--spec", "EC_P256"]), [""; 0]);
    }

    /// Requirement: KMS-106
    #[test]
    fn a_list_fits_a_terminal_and_shows_ids_whole() {
        let project = "5bf0d8ca-5f2a-4f6b-9d0b-3c1f0d6a7e55";
        let key = json!({
            "key_alias": "a-name-that-is-as-long-as-names-get-and-then-some", "key_state": "4",
            "key_id": "0d0466b0-e727-4d9c-b35d-f84bb474a37f", "key_spec": "EC_SECP256K1", "origin": "external",
            "creation_date": "1638806642000", "key_usage": "SIGN_VERIFY", "sys_enterprise_project_id": project,
        });
        let shown = |wide| {
            let table = table(std::slice::from_ref(&key), wide);
            anstream::adapter::strip_str(&table.render(80)).to_string()
        };
        let (text, wide) = (shown(false), shown(true));
        assert!(["SIGN_VERIFY", project, "2021-12-06"].iter().all(|word| wide.contains(word)), "{wide}");
        assert!(text.contains("2021-12-06"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("0d0466b0-e727-4d9c-b35d-f84bb474a37f"), "{text}");
        assert!(text.contains("pending"), "{text}");
    }
}
