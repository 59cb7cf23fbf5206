//! What hangs on secrets: tags, events, grants.

use clap::Subcommand;
use serde_json::{Value, json};

use super::list::when;
use super::{Desk, In, Sure, call, of_csms};
use crate::commands::kms::text;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen};
use crate::table::{Cell, Column, Table, printable};

/// Tags, by which people find secrets
#[derive(Debug, Subcommand)]
pub(crate) enum Tag {
    /// Add a tag, or give it another value
    Set {
        /// The secret's name
        secret: String,
        /// The tag's key
        tag: String,
        /// The tag's value
        #[arg(default_value = "")]
        value: String,
        #[command(flatten)]
        place: In,
    },
    /// Show the tags of a secret
    List {
        /// The secret's name
        secret: String,
        #[command(flatten)]
        place: In,
    },
    /// Take a tag away
    Remove {
        /// The secret's name
        secret: String,
        /// The tag's key
        tag: String,
        #[command(flatten)]
        place: In,
    },
}

/// Events: by which changes of secrets a topic is told
#[derive(Debug, Subcommand)]
pub(crate) enum Event {
    /// Make an event
    Create {
        /// Its name: letters, digits, - and _
        name: String,
        /// The topic that is told, by its name or its URN (`topic add` makes one)
        #[arg(long)]
        topic: String,
        /// What is told, such as SECRET_ROTATED (repeatable) [default: all]
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
        /// Make it disabled
        #[arg(long)]
        disabled: bool,
        #[command(flatten)]
        place: In,
    },
    /// List the events
    List {
        #[command(flatten)]
        place: In,
    },
    /// Change what an event tells, or whether it does
    Set {
        /// Its name
        name: String,
        /// What is told (repeatable)
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
        /// Tell
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Do not tell
        #[arg(long)]
        disable: bool,
        #[command(flatten)]
        place: In,
    },
    /// Delete an event that tells of no secret
    Delete {
        /// Its name
        name: String,
        #[command(flatten)]
        place: In,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Who may read a secret beside those whose policies allow it
#[derive(Debug, Subcommand)]
pub(crate) enum Grant {
    /// Let a user or a group read a secret
    Create {
        /// The secret's name
        secret: String,
        /// The id of a user of the account, or of a group with --group
        grantee: String,
        /// The id is that of a group
        #[arg(long)]
        group: bool,
        /// Until the end of a day, such as 2027-01-31
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
        #[command(flatten)]
        place: In,
    },
    /// List who was granted a secret
    List {
        /// The secret's name
        secret: String,
        #[command(flatten)]
        place: In,
    },
    /// Take a grant back
    Revoke {
        /// The secret's name
        secret: String,
        /// The id of the user or group
        grantee: String,
        #[command(flatten)]
        place: In,
        #[command(flatten)]
        sure: Sure,
    },
}

/// The id of a secret.
fn id(desk: &Desk<'_>, name: &str) -> Result<Value, Error> {
    Ok(call(desk, "ShowSecret", &json!({ "secret_name": name }))?["secret"]["id"].take())
}

impl Tag {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Set { secret, tag, value, place } => {
                let desk = place.desk(daemon)?;
                let fields =
                    json!({ "secret_id": id(&desk, secret)?, "tag": { "key": tag, "value": value } });
                let answer = call(&desk, "CreateSecretTag", &fields)?;
                screen.show(&answer, |_| "Done.".to_owned())
            }
            Self::List { secret, place } => {
                let desk = place.desk(daemon)?;
                let fields = json!({ "secret_id": id(&desk, secret)? });
                let tags = call(&desk, "ListSecretTags", &fields)?["tags"].take();
                screen.table(&tags, |tags| {
                    let columns = [Column::text("KEY", 8), Column::text("VALUE", 8)];
                    let mut table = Table::new(&columns, "No tags.");
                    for tag in tags.as_array().into_iter().flatten() {
                        table.row(vec![Cell::from(text(tag, "key")), Cell::from(text(tag, "value"))]);
                    }
                    table
                })
            }
            Self::Remove { secret, tag, place } => {
                let desk = place.desk(daemon)?;
                let fields = json!({ "secret_id": id(&desk, secret)?, "key": tag });
                let answer = call(&desk, "DeleteSecretTag", &fields)?;
                screen.show(&answer, |_| "Done.".to_owned())
            }
        }
    }
}

/// Every type of event.
const TYPES: [&str; 5] = [
    "SECRET_VERSION_CREATED",
    "SECRET_VERSION_EXPIRED",
    "SECRET_ROTATED",
    "SECRET_DELETED",
    "SECRET_ROTATED_FAILED",
];

impl Event {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Create { name, topic, types, disabled, place } => {
                let desk = place.desk(daemon)?;
                let types: Vec<_> = match types.as_slice() {
                    [] => TYPES.map(str::to_owned).to_vec(),
                    types => types.to_vec(),
                };
                let fields = json!({
                    "name": name, "event_types": types,
                    "state": if *disabled { "DISABLED" } else { "ENABLED" },
                    "notification": {
                        "target_type": "SMN", "target_id": topic, "target_name": topic_name(topic),
                    },
                });
                let made = call(&desk, "CreateSecretEvent", &fields)?;
                screen.show(&made["event"], |_| {
                    format!(
                        "Made event {:?}: `secret set NAME --event {0:?}` has it tell of a secret.",
                        printable(name)
                    )
                })
            }
            Self::List { place } => {
                let desk = place.desk(daemon)?;
                let events = desk.pages(&of_csms("ListSecretEvents"), json!({}), &["/events"])?;
                screen.table(&events, |events| table(events))
            }
            Self::Set { name, types, enable, disable, place } => {
                let desk = place.desk(daemon)?;
                let mut fields = json!({ "event_name": name });
                if !types.is_empty() {
                    fields["event_types"] = types.clone().into();
                }
                if *enable || *disable {
                    fields["state"] = if *enable { "ENABLED" } else { "DISABLED" }.into();
                }
                let changed = call(&desk, "UpdateSecretEvent", &fields)?;
                screen.show(&changed["event"], |_| format!("Changed event {:?}.", printable(name)))
            }
            Self::Delete { name, place, sure } => {
                let desk = place.desk(daemon)?;
                let code = sure.ask(&desk, &format!("Event {:?} is gone then.", printable(name)))?;
                let fields = json!({ "event_name": name });
                let answer = desk.guarded(&of_csms("DeleteSecretEvent"), &fields, code)?;
                screen.show(&answer, |_| format!("Deleted event {:?}.", printable(name)))
            }
        }
    }
}

/// The name at the end of a topic's URN.
fn topic_name(urn: &str) -> &str {
    urn.rsplit(':').next().unwrap_or_default()
}

fn table(events: &[Value]) -> Table {
    let columns = [
        Column::text("NAME", 8),
        Column::text("STATE", 8),
        Column::text("TELLS", 14),
        Column::text("TOPIC", 8),
        Column::text("CREATED", 10),
    ];
    let mut table = Table::new(&columns, "No events: `secret event create` makes one.");
    for event in events {
        let state = match text(event, "state") {
            "ENABLED" => Cell::from("enabled").styled(GOOD),
            _ => Cell::from("disabled").styled(BAD),
        };
        let types = event["event_types"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let types: Vec<_> = types.map(|name| name.trim_start_matches("SECRET_").to_lowercase()).collect();
        table.row(vec![
            Cell::from(text(event, "name")),
            state,
            Cell::from(types.join(", ")),
            Cell::from(text(&event["notification"], "target_name")),
            Cell::from(when(&event["create_time"], 10)),
        ]);
    }
    table
}

impl Grant {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Create { secret, grantee, group, until, place } => {
                let desk = place.desk(daemon)?;
                let mut fields = json!({
                    "resource_id": id(&desk, secret)?, "type": "SECRET",
                    "grantee_type": if *group { "2" } else { "0" }, "grantee_target_id": grantee,
                });
                if let Some(until) = until {
                    fields["validity_time"] = until.clone().into();
                }
                let made = call(&desk, "CreateGrants", &fields)?;
                screen.show(&made["data"], |_| format!("{} may read it.", printable(grantee)))
            }
            Self::List { secret, place } => {
                let desk = place.desk(daemon)?;
                let fields = json!({ "resource_id": id(&desk, secret)? });
                let grants = call(&desk, "ListGrants", &fields)?["data"]["grantee_user"].take();
                screen.table(&grants, |grants| {
                    let columns = [Column::text("WHO", 8), Column::text("ID", 32), Column::text("UNTIL", 19)];
                    let mut table = Table::new(&columns, "No grants.");
                    for grant in grants.as_array().into_iter().flatten() {
                        table.row(vec![
                            Cell::from(text(grant, "user_name")),
                            Cell::from(text(grant, "user_id")),
                            Cell::from(when(&grant["validity_time"], 19)),
                        ]);
                    }
                    table
                })
            }
            Self::Revoke { secret, grantee, place, sure } => {
                let desk = place.desk(daemon)?;
                let consequence = format!("{} cannot read it by this grant any more.", printable(grantee));
                let code = sure.ask(&desk, &consequence)?;
                let fields = json!({ "resource_id": id(&desk, secret)?, "grantee_user": grantee });
                let answer = desk.guarded(&of_csms("DeleteGrant"), &fields, code)?;
                screen.show(&answer, |_| "Done.".to_owned())
            }
        }
    }
}
