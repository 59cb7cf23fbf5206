//! `object`: what is in a partition, without the value of any key.

use clap::Subcommand;
use wire::admin::{self, Ask, MAX_OBJECTS, Told};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{GOOD, Screen, WARN};
use crate::table::{Cell, Column, Table};

/// See the token objects of a partition
#[derive(Debug, Subcommand)]
pub(crate) enum Object {
    /// List a partition's token objects, without the value of any key
    List {
        /// Its label, serial number or slot number
        partition: String,
    },
}

impl Object {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let Self::List { partition } = self;
        screen.table(&all(daemon, partition)?, |objects| table(objects))
    }
}

/// Every page of the list.
pub(super) fn all(daemon: &Daemon, partition: &str) -> Result<Vec<admin::Object>, Error> {
    let mut all: Vec<admin::Object> = Vec::new();
    loop {
        let after = all.last().map_or(0, |object| object.number);
        let ask = Ask::ObjectList { partition: partition.to_owned(), after };
        let Told::Objects(page) = daemon.ask(&ask)? else { return Err(Error::Unknown) };
        let more = page.len() == MAX_OBJECTS && page.last().is_some_and(|object| object.number > after);
        all.extend(page.into_vec());
        if !more {
            return Ok(all);
        }
    }
}

pub(super) fn table(objects: &[admin::Object]) -> Table {
    let columns = [
        Column::text("CLASS", 8),
        Column::text("TYPE", 8),
        Column::number("BITS"),
        Column::text("LABEL", 8),
        Column::text("ID", 8),
        Column::text("VALUE", 8),
        Column::text("MAY", 10),
    ];
    let mut table = Table::new(&columns, "The partition has no token objects.");
    for object in objects {
        let bits = if object.bits == 0 { Cell::from("") } else { Cell::from(object.bits) };
        table.row(vec![
            Cell::from(class(&object.class)),
            Cell::from(kind(&object.kind)),
            bits,
            Cell::from(&object.label),
            Cell::from(&object.id),
            value(object),
            Cell::from(object.usages.join(" ")),
        ]);
    }
    table
}

/// `CKO_PRIVATE_KEY` as people say it.
pub(super) fn class(name: &str) -> String {
    name.strip_prefix("CKO_").map_or_else(|| name.to_owned(), |rest| rest.to_lowercase().replace('_', " "))
}

/// `CKK_EC` as people say it.
fn kind(name: &str) -> &str {
    ["CKK_", "CKC_"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// Whether a secret can be had from the token: never, as ciphertext, or as it is.
fn value(object: &admin::Object) -> Cell {
    match (object.class.as_str(), object.sensitive, object.extractable) {
        ("CKO_PRIVATE_KEY" | "CKO_SECRET_KEY", _, false) => Cell::from("stays").styled(GOOD),
        ("CKO_PRIVATE_KEY" | "CKO_SECRET_KEY", true, true) => Cell::from("wrapped"),
        ("CKO_PRIVATE_KEY" | "CKO_SECRET_KEY", false, true) => Cell::from("readable").styled(WARN),
        _ => Cell::from(""),
    }
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    fn key(class: &str, kind: &str, bits: u64, sensitive: bool, extractable: bool) -> admin::Object {
        admin::Object {
            number: 1,
            unique_id: "u".into(),
            class: class.into(),
            kind: kind.into(),
            bits,
            label: "the key of the server".into(),
            id: "0123456789abcdef0123456789abcdef01234567".into(),
            private: true,
            sensitive,
            extractable,
            usages: vec!["sign".into(), "decrypt".into(), "unwrap".into()],
        }
    }

    #[test]
    fn a_list_of_objects_fits_80_columns_and_tells_which_values_stay() {
        let objects = [
            key("CKO_PRIVATE_KEY", "CKK_EC", 256, true, false),
            key("CKO_SECRET_KEY", "CKK_AES", 256, true, true),
            key("CKO_SECRET_KEY", "CKK_GENERIC_SECRET", 128, false, true),
            key("CKO_CERTIFICATE", "CKC_X_509", 0, false, false),
            key("CKO_VENDOR", "0x80000001", 0, false, false),
        ];
        let text = strip_str(&table(&objects).render(80)).to_string();
        assert_eq!(
            text,
            "\
CLASS        TYPE          BITS  LABEL        ID           VALUE     MAY
private key  EC             256  the key of…  0123456789…  stays     sign decry…
secret key   AES            256  the key of…  0123456789…  wrapped   sign decry…
secret key   GENERIC_SEC…   128  the key of…  0123456789…  readable  sign decry…
certificate  X_509               the key of…  0123456789…            sign decry…
vendor       0x80000001          the key of…  0123456789…            sign decry…
"
        );
    }
}
