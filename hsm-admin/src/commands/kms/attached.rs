//! What hangs on a key: aliases, tags, grants.

use clap::Subcommand;
use serde_json::{Value, json};

use super::desk::{Desk, In, Sure, fields};
use super::search::when;
use super::text;
use crate::commands::tag::predefined;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, Column, Table, facts, printable};

/// KMS: names by which programs find keys
#[derive(Debug, Subcommand)]
pub(crate) enum Alias {
    /// Give a key an alias
    Add {
        /// The key's id or name
        key: String,
        /// The alias: alias/ and letters, digits and _-:/
        alias: String,
        #[command(flatten)]
        place: In,
    },
    /// List the aliases of a key, or of all
    List {
        /// The key's id or name
        key: Option<String>,
        #[command(flatten)]
        place: In,
    },
    /// Give an alias to another key
    Move {
        /// The alias
        alias: String,
        /// The id or name of the key that it is for from now on
        key: String,
        #[command(flatten)]
        place: In,
    },
    /// Take aliases from a key
    Remove {
        /// The key's id or name
        key: String,
        /// The aliases
        #[arg(required = true)]
        aliases: Vec<String>,
        #[command(flatten)]
        place: In,
        #[command(flatten)]
        sure: Sure,
    },
}

/// KMS: tags, by which people find keys
#[derive(Debug, Subcommand)]
pub(crate) enum Tag {
    /// Add a tag, or give it another value: Tab completes predefined ones
    Set {
        /// The key's id, alias or name
        key: String,
        /// The tag's key; without it, says which tags are predefined
        #[arg(value_name = "TAG")]
        tag_key: Option<String>,
        /// The tag's value
        #[arg(value_name = "VALUE", default_value = "")]
        tag_value: String,
        #[command(flatten)]
        place: In,
    },
    /// Show the tags of a key
    List {
        /// The key's id, alias or name
        key: String,
        #[command(flatten)]
        place: In,
    },
    /// Take a tag away
    Remove {
        /// The key's id, alias or name
        key: String,
        /// The tag's key
        tag: String,
        #[command(flatten)]
        place: In,
    },
}

/// KMS: what others may do with one key
#[derive(Debug, Subcommand)]
pub(crate) enum Grant {
    /// Let somebody do something with a key
    Create {
        /// The key's id, alias or name
        key: String,
        /// Whom: a user's id, or an account's with --account
        grantee: String,
        /// The id is that of an account: all its users are meant
        #[arg(long)]
        account: bool,
        /// What, such as decrypt-datakey (repeatable)
        #[arg(long = "operation", value_name = "OPERATION", required = true)]
        operations: Vec<String>,
        /// A name for the grant
        #[arg(long)]
        name: Option<String>,
        /// The id of the user who may give it up
        #[arg(long, value_name = "USER")]
        retiring: Option<String>,
        #[command(flatten)]
        place: In,
    },
    /// List the grants on a key
    List {
        /// The key's id, alias or name
        key: String,
        #[command(flatten)]
        place: In,
    },
    /// Let somebody do something else by a grant
    Edit {
        /// The key's id, alias or name
        key: String,
        /// The grant's id
        grant: String,
        /// All that it lets somebody do from now on, such as decrypt-datakey (repeatable)
        #[arg(long = "operation", value_name = "OPERATION", required = true)]
        operations: Vec<String>,
        #[command(flatten)]
        place: In,
    },
    /// Show a grant in full
    Show {
        /// The key's id, alias or name
        key: String,
        /// The grant's id
        grant: String,
        #[command(flatten)]
        place: In,
    },
    /// Take a grant back
    Revoke {
        /// The key's id, alias or name
        key: String,
        /// The grant's id
        grant: String,
        #[command(flatten)]
        place: In,
        #[command(flatten)]
        sure: Sure,
    },
}

impl Alias {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Add { key, alias, place } => {
                let desk = place.desk(daemon)?;
                let new = fields([("key_id", desk.key(key)?), ("alias", alias.clone())]);
                let made = desk.call("CreateAlias", &new)?;
                screen.show(&made, |_| format!("Made alias {alias:?}."))
            }
            Self::Move { alias, key, place } => {
                let desk = place.desk(daemon)?;
                let new = fields([("alias", alias.clone()), ("target_key_id", desk.key(key)?)]);
                let moved = desk.call("AssociateAlias", &new)?;
                screen.show(&moved, |_| format!("The alias {alias:?} is for key {key:?} now."))
            }
            Self::List { key, place } => {
                let desk = place.desk(daemon)?;
                let about = key.as_ref().map_or_else(|| Ok(json!({})), |key| desk.about(key))?;
                let aliases = desk.pages("ListAliases", about, &["/0/aliases", "/aliases"])?;
                screen.table(&aliases, |aliases| {
                    rows(aliases, &[("ALIAS", "alias"), ("KEY", "key_id")], "No aliases.")
                })
            }
            Self::Remove { key, aliases, place, sure } => {
                let desk = place.desk(daemon)?;
                let body = json!({ "key_id": desk.key(key)?, "aliases": aliases });
                let consequence =
                    format!("Programs that find key {key:?} by {} will find it no more.", aliases.join(", "));
                let code = sure.ask(&desk, &consequence)?;
                let gone = desk.guarded("DeleteAlias", &body, code)?;
                screen.show(&gone, |_| format!("Took {} from key {key:?}.", aliases.join(", ")))
            }
        }
    }
}

impl Tag {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Set { tag_key: None, .. } => Err(Error::Usage(offer(&predefined(daemon)?))),
            Self::Set { key, tag_key: Some(tag), tag_value: value, place } => {
                let desk = place.desk(daemon)?;
                let body = json!({ "key_id": desk.key(key)?, "tag": { "key": tag, "value": value } });
                let made = desk.call("CreateKmsTag", &body)?;
                screen.show(&made, |_| format!("Set tag {tag:?}."))
            }
            Self::List { key, place } => {
                let desk = place.desk(daemon)?;
                let mut answer = desk.call("ShowKmsTags", &desk.about(key)?)?;
                let Value::Array(tags) = answer["tags"].take() else { return Err(Error::Unknown) };
                screen.table(&tags, |tags| rows(tags, &[("KEY", "key"), ("VALUE", "value")], "No tags."))
            }
            Self::Remove { key, tag, place } => {
                let desk = place.desk(daemon)?;
                let gone =
                    desk.call("DeleteTag", &fields([("key_id", desk.key(key)?), ("key", tag.clone())]))?;
                screen.show(&gone, |_| format!("Took tag {tag:?} away."))
            }
        }
    }
}

/// What tags there are to choose from.
fn offer(predefined: &[(String, String)]) -> String {
    let tags: Vec<_> = predefined.iter().map(|(key, value)| printable(&format!("{key}={value}"))).collect();
    match tags.is_empty() {
        true => "give the tag's key, and its value: none are predefined".to_owned(),
        false => format!("give the tag's key, and its value; predefined are {}", tags.join(", ")),
    }
}

impl Grant {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Create { key, grantee, account, operations, name, retiring, place } => {
                let desk = place.desk(daemon)?;
                // What is null counts as left out.
                let body = json!({
                    "key_id": desk.key(key)?,
                    "grantee_principal": grantee,
                    "grantee_principal_type": if *account { "domain" } else { "user" },
                    "operations": operations,
                    "name": name,
                    "retiring_principal": retiring,
                });
                let made = desk.call("CreateGrant", &body)?;
                screen.show(&made, |made| format!("Made grant {}.", text(made, "grant_id")))
            }
            Self::List { key, place } => {
                let grants = grants(&place.desk(daemon)?, key)?;
                screen.table(&grants, |grants| list(grants))
            }
            Self::Show { key, grant, place } => {
                let all = grants(&place.desk(daemon)?, key)?;
                let found = all.iter().find(|one| text(one, "grant_id") == grant);
                let found = found.ok_or_else(|| Error::Failed(format!("the key has no grant {grant:?}")))?;
                screen.show(found, in_full)
            }
            Self::Edit { key, grant, operations, place } => {
                let desk = place.desk(daemon)?;
                let body = json!({ "key_id": desk.key(key)?, "grant_id": grant, "operations": operations });
                let changed = desk.call("EditGrant", &body)?;
                screen.show(&changed, |_| format!("Changed grant {grant}."))
            }
            Self::Revoke { key, grant, place, sure } => {
                let desk = place.desk(daemon)?;
                let body = fields([("key_id", desk.key(key)?), ("grant_id", grant.clone())]);
                let consequence = "Whoever has the grant can do by it no more what it allows.";
                let code = sure.ask(&desk, consequence)?;
                let gone = desk.guarded("CancelGrant", &body, code)?;
                screen.show(&gone, |_| format!("Revoked grant {grant}."))
            }
        }
    }
}

/// The grants on a key, each with what it gives in one text.
fn grants(desk: &Desk<'_>, key: &str) -> Result<Vec<Value>, Error> {
    let mut grants = desk.pages("ListGrants", desk.about(key)?, &["/grants"])?;
    for grant in &mut grants {
        let operations = grant["operations"].as_array().into_iter().flatten();
        let words: Vec<_> = operations.filter_map(Value::as_str).collect();
        let words = words.join(", ");
        grant["what"] = words.into();
    }
    Ok(grants)
}

/// Whom a grant is to, in words: `domain` is the interface's word for an account.
fn kind(grant: &Value) -> &'static str {
    if text(grant, "grantee_principal_type") == "domain" { "account" } else { "user" }
}

fn list(grants: &[Value]) -> Table {
    let columns = [
        Column::text("NAME", 12),
        // Ids are what other commands take.
        Column::text("GRANT", 64),
        Column::text("TO", 7),
        Column::text("ID", 32),
        Column::text("WHAT", 20),
        Column::text("CREATED", 10),
    ];
    let mut table = Table::new(&columns, "No grants.");
    for grant in grants {
        table.row(vec![
            Cell::from(text(grant, "name")),
            Cell::from(text(grant, "grant_id")),
            Cell::from(kind(grant)),
            Cell::from(text(grant, "grantee_principal")),
            Cell::from(text(grant, "what")),
            Cell::from(when(grant, "creation_date", 10)),
        ]);
    }
    table
}

fn in_full(grant: &Value) -> String {
    let words = |field| Cell::from(text(grant, field));
    let mut lines = vec![
        ("name", words("name")),
        ("grant", words("grant_id")),
        ("key", words("key_id")),
        ("to", Cell::from(format!("{} {}", kind(grant), text(grant, "grantee_principal")))),
        ("what", words("what")),
        ("made by", words("issuing_principal")),
        ("created", Cell::from(when(grant, "creation_date", 19))),
    ];
    if !text(grant, "retiring_principal").is_empty() {
        lines.push(("retired by", words("retiring_principal")));
    }
    facts(lines)
}

/// A table of some fields of each row.
fn rows(all: &[Value], columns: &[(&'static str, &str)], empty: &'static str) -> Table {
    let titles: Vec<_> = columns.iter().map(|(title, _)| Column::text(title, 12)).collect();
    let mut table = Table::new(&titles, empty);
    for one in all {
        table.row(columns.iter().map(|(_, field)| Cell::from(text(one, field))).collect());
    }
    table
}
