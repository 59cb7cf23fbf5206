//! Key stores: partitions of their own for some keys of a project, which are disabled all at once.

use clap::Subcommand;
use serde_json::{Value, json};

use super::desk::{Desk, In, Sure, fields};
use super::search::when;
use super::text;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, Column, Table, printable};

/// KMS: partitions of their own for some of a project's keys
#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Make a key store, with a partition for its keys: `key create --store` makes some
    Create {
        /// Its name: letters, digits and :/_-
        name: String,
        #[command(flatten)]
        place: In,
    },
    /// List the key stores of a project
    List {
        #[command(flatten)]
        place: In,
    },
    /// Let the keys of a store be used again
    Enable {
        /// Its id or name
        store: String,
        #[command(flatten)]
        place: In,
    },
    /// Let the keys of a store be used no more, through PKCS#11 neither
    Disable {
        /// Its id or name
        store: String,
        #[command(flatten)]
        place: In,
    },
    /// Delete a key store that has no keys, with its partition, access points and key policies
    Delete {
        /// Its id or name
        store: String,
        #[command(flatten)]
        place: In,
        #[command(flatten)]
        sure: Sure,
    },
}

impl Store {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Create { name, place } => {
                let made = place.desk(daemon)?.call("CreateKeyStore", &json!({ "keystore_alias": name }))?;
                screen.show(&made["keystore"], |made| {
                    format!("Made key store {:?}: {}", printable(name), text(made, "keystore_id"))
                })
            }
            Self::List { place } => screen.table(&all(&place.desk(daemon)?)?, |stores| table(stores)),
            Self::Enable { store, place } => change(&place.desk(daemon)?, screen, "EnableKeyStore", store),
            Self::Disable { store, place } => change(&place.desk(daemon)?, screen, "DisableKeyStore", store),
            Self::Delete { store, place, sure } => {
                let desk = place.desk(daemon)?;
                let about = about(&desk, store)?;
                let consequence =
                    "The partition of the key store, and what belongs to it, is deleted for good.";
                let code = sure.ask(&desk, consequence)?;
                let gone = desk.guarded("DeleteKeyStore", &about, code)?;
                screen.show(&gone, |_| format!("Deleted key store {}.", text(&about, "keystore_id")))
            }
        }
    }
}

/// The key stores of a project, of which there are fewer than one answer brings.
fn all(desk: &Desk<'_>) -> Result<Vec<Value>, Error> {
    match desk.call("ListKeyStores", &json!({ "limit": "1000" }))?["keystores"].take() {
        Value::Array(stores) => Ok(stores),
        _ => Err(Error::Unknown),
    }
}

/// The id of the key store of a name; what is no name is taken for one.
pub(super) fn id(desk: &Desk<'_>, named: &str) -> Result<String, Error> {
    let found = all(desk)?.into_iter().find(|store| text(store, "keystore_alias") == named);
    Ok(found.map_or_else(|| named.to_owned(), |store| text(&store, "keystore_id").to_owned()))
}

fn about(desk: &Desk<'_>, named: &str) -> Result<Value, Error> {
    Ok(fields([("keystore_id", id(desk, named)?)]))
}

fn change(desk: &Desk<'_>, screen: &Screen, operation: &str, named: &str) -> Result<(), Error> {
    let changed = desk.call(operation, &about(desk, named)?)?;
    screen.show(&changed["keystore"], |store| {
        let state = if text(store, "keystore_state") == "2" { "enabled" } else { "disabled" };
        format!("Key store {} is {state}.", text(store, "keystore_id"))
    })
}

fn table(stores: &[Value]) -> Table {
    let columns = [Column::text("NAME", 8), Column::text("ID", 36), Column::text("CREATED", 10)];
    let mut table = Table::new(&columns, "No key stores: `key store create` makes one.");
    for store in stores {
        table.row(vec![
            Cell::from(text(store, "keystore_alias")),
            Cell::from(text(store, "keystore_id")),
            Cell::from(when(store, "create_time", 10)),
        ]);
    }
    table
}
