//! `partition`: slots with a token in them, made, shown, initialised, renamed and destroyed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use wire::Bytes;
use wire::admin::{self, Ask, Told};

use super::so_pin;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen, WARN};
use crate::secret::{self, Prompt, Source};
use crate::table::{Cell, Column, Table, facts, printable};

/// The names of the two PINs in prompts and errors.
const SO_PIN: &str = "the security officer's PIN";
const USER_PIN: &str = "the user's PIN";

/// Make, show and destroy partitions: slots with a token in them
#[derive(Debug, Subcommand)]
pub(crate) enum Partition {
    Create(Create),
    /// List all partitions
    List,
    /// Show one partition in full
    Show {
        /// Its label, serial number or slot number
        partition: String,
    },
    Init(Init),
    /// Give a partition another label
    Rename {
        /// Its label, serial number or slot number
        partition: String,
        /// The new label, at most 32 bytes
        label: String,
    },
    Delete(Delete),
    UnlockSoPin(so_pin::Unlock),
    ResetSoPin(so_pin::Reset),
}

/// Make a partition, and initialise its token with two PINs
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The token's label, at most 32 bytes
    label: String,

    /// The key policy: which uses of keys, and combinations of uses, are refused
    #[arg(long, value_parser = ["strict", "standard", "legacy"], default_value = "standard")]
    policy: String,

    /// Leave the token uninitialised, for `partition init` or C_InitToken
    #[arg(
        long,
        conflicts_with_all = ["so_pin_file", "so_pin_fd", "user_pin_file", "user_pin_fd", "no_user_pin"]
    )]
    blank: bool,

    #[command(flatten)]
    pins: Pins,
}

/// Initialise a partition's token; all objects of an initialised one are destroyed
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Its label, serial number or slot number
    partition: String,

    /// A new label for the token, at most 32 bytes
    #[arg(long)]
    label: Option<String>,

    /// Do not ask before objects are destroyed
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    pins: Pins,
}

/// Destroy a partition and all its objects, for good
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Its label, serial number or slot number
    partition: String,

    /// Do not ask before objects are destroyed
    #[arg(long)]
    yes: bool,
}

/// Where the PINs are; what is not given is asked for.
#[derive(Debug, Args)]
pub(super) struct Pins {
    /// Read the security officer's PIN from this file (its first line)
    #[arg(long, value_name = "FILE")]
    so_pin_file: Option<PathBuf>,

    /// Read the security officer's PIN from this file descriptor (its first line)
    #[arg(long, value_name = "N", conflicts_with = "so_pin_file")]
    so_pin_fd: Option<u32>,

    /// Read the user's PIN from this file (its first line)
    #[arg(long, value_name = "FILE")]
    user_pin_file: Option<PathBuf>,

    /// Read the user's PIN from this file descriptor (its first line)
    #[arg(long, value_name = "N", conflicts_with = "user_pin_file")]
    user_pin_fd: Option<u32>,

    /// Set no PIN for the user; the security officer does that later, with C_InitPIN
    #[arg(long, conflicts_with_all = ["user_pin_file", "user_pin_fd"])]
    no_user_pin: bool,
}

impl Partition {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Create(create) => create.run(daemon, screen),
            Self::List => screen.table(&all(daemon)?, |partitions| table(partitions)),
            Self::Show { partition } => screen.show(&one(daemon, partition)?, people),
            Self::Init(init) => init.run(daemon, screen),
            Self::Rename { partition, label } => {
                let ask = Ask::PartitionRename { partition: partition.clone(), label: label.clone() };
                screen.show(&told_one(daemon, &ask)?, |now| {
                    format!("The partition in slot {} is now {}.", now.slot, quoted(&now.label))
                })
            }
            Self::Delete(delete) => delete.run(daemon, screen),
            Self::UnlockSoPin(unlock) => unlock.run(daemon, screen),
            Self::ResetSoPin(reset) => reset.run(daemon, screen),
        }
    }
}

impl Create {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let (so_pin, user_pin) = if self.blank {
            (None, None)
        } else {
            let (so_pin, user_pin) = self.pins.obtain(Prompt::Twice)?;
            (Some(so_pin), user_pin)
        };
        let (label, policy) = (self.label.clone(), self.policy.clone());
        let made = told_one(daemon, &Ask::PartitionCreate { label, policy, so_pin, user_pin })?;
        screen.show(&made, |made| format!("Made a partition.\n\n{}", people(made)))
    }
}

impl Init {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let now = one(daemon, &self.partition)?;
        let prompt = if now.initialized { Prompt::Once } else { Prompt::Twice };
        if now.initialized && !self.yes {
            agree("Initialising it again", &now)?;
        }
        let (so_pin, user_pin) = self.pins.obtain(prompt)?;
        // By its serial number: what was looked at is what is initialised.
        let ask = Ask::PartitionInit { partition: now.serial, label: self.label.clone(), so_pin, user_pin };
        screen.show(&told_one(daemon, &ask)?, |made| format!("The token is initialised.\n\n{}", people(made)))
    }
}

impl Delete {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let doomed = one(daemon, &self.partition)?;
        if !self.yes {
            agree("Deleting it", &doomed)?;
        }
        let partition = doomed.serial.clone();
        match daemon.ask(&Ask::PartitionDelete { partition })? {
            Told::Done => {
                let done = json!({ "slot": doomed.slot, "label": doomed.label, "serial": doomed.serial });
                screen.show(&json!({ "deleted": done }), |_| {
                    format!("Deleted {} with {}.", quoted(&doomed.label), count(doomed.objects, "object"))
                })
            }
            _ => Err(Error::Unknown),
        }
    }
}

impl Pins {
    /// The security officer's PIN, and the user's if there is to be one.
    pub(super) fn obtain(&self, so: Prompt) -> Result<(Bytes, Option<Bytes>), Error> {
        if self.so_pin_fd.is_some() && self.so_pin_fd == self.user_pin_fd {
            return Err(Error::Usage("the two PINs must come from different file descriptors".into()));
        }
        let so_source = Source::of(self.so_pin_file.as_deref(), self.so_pin_fd);
        let user_source = Source::of(self.user_pin_file.as_deref(), self.user_pin_fd);
        let so_pin = secret::obtain(so_source, SO_PIN, so, "give --so-pin-file or --so-pin-fd")?;
        let user_pin = match user_source {
            _ if self.no_user_pin => None,
            Some(source) => Some(source.read(USER_PIN)?),
            None => {
                secret::ask(USER_PIN, Prompt::Twice, "give --user-pin-file, --user-pin-fd or --no-user-pin")?
            }
        };
        Ok((so_pin, user_pin))
    }
}

/// Every partition.
pub(super) fn all(daemon: &Daemon) -> Result<Vec<admin::Partition>, Error> {
    match daemon.ask(&Ask::PartitionList)? {
        Told::Partitions(partitions) => Ok(partitions.into_vec()),
        _ => Err(Error::Unknown),
    }
}

pub(super) fn one(daemon: &Daemon, partition: &str) -> Result<admin::Partition, Error> {
    told_one(daemon, &Ask::PartitionShow { partition: partition.to_owned() })
}

fn told_one(daemon: &Daemon, ask: &Ask) -> Result<admin::Partition, Error> {
    match daemon.ask(ask)? {
        Told::Partition(partition) => Ok(*partition),
        _ => Err(Error::Unknown),
    }
}

fn agree(what: &str, partition: &admin::Partition) -> Result<(), Error> {
    let (label, objects) = (quoted(&partition.label), count(partition.objects, "object"));
    let consequence =
        format!("This is {label} in slot {}, with {objects}. {what} destroys them for good.", partition.slot);
    if partition.label.is_empty() {
        secret::confirm(&consequence, "its serial number", &partition.serial)
    } else {
        secret::confirm(&consequence, "its label", &partition.label)
    }
}

fn table(partitions: &[admin::Partition]) -> Table {
    let columns = [
        Column::number("SLOT"),
        Column::text("LABEL", 8),
        Column::text("STATE", 12),
        Column::text("POLICY", 8),
        Column::number("OBJECTS"),
        Column::number("SESSIONS"),
        Column::text("SERIAL", 6),
    ];
    let mut table = Table::new(&columns, "There are no partitions: make one with `partition create LABEL`.");
    for one in partitions {
        table.row(vec![
            Cell::from(one.slot),
            Cell::from(&one.label),
            state(one),
            Cell::from(&one.policy),
            Cell::from(one.objects),
            Cell::from(one.sessions),
            Cell::from(&one.serial),
        ]);
    }
    table
}

pub(super) fn people(one: &admin::Partition) -> String {
    facts(vec![
        ("label", Cell::from(&one.label)),
        ("slot", Cell::from(one.slot)),
        ("serial number", Cell::from(&one.serial)),
        ("state", state(one)),
        ("policy", Cell::from(&one.policy)),
        ("SO's PIN", pin(one.initialized, one.so_pin_locked, one.so_pin_failures)),
        ("user's PIN", pin(one.user_pin, one.user_pin_locked, one.user_pin_failures)),
        ("objects", Cell::from(one.objects)),
        ("sessions", Cell::from(one.sessions)),
        ("URI", Cell::from(&one.uri)),
    ])
}

/// The worst that is to be said of a partition.
fn state(one: &admin::Partition) -> Cell {
    match one {
        admin::Partition { initialized: false, .. } => Cell::from("blank").styled(WARN),
        admin::Partition { so_pin_locked: true, .. } => Cell::from("SO PIN locked").styled(BAD),
        admin::Partition { user_pin_locked: true, .. } => Cell::from("PIN locked").styled(BAD),
        admin::Partition { user_pin: false, .. } => Cell::from("no user PIN").styled(WARN),
        _ => Cell::from("ready").styled(GOOD),
    }
}

fn pin(set: bool, locked: bool, failures: u8) -> Cell {
    match (set, locked, failures) {
        (false, ..) => Cell::from("not set"),
        (_, true, _) => Cell::from("locked").styled(BAD),
        (_, _, 0) => Cell::from("set"),
        _ => Cell::from(format!("set, {} in a row", count(failures.into(), "wrong try"))).styled(WARN),
    }
}

fn quoted(label: &str) -> String {
    format!("“{}”", printable(label))
}

/// `1 object`, `2 objects`.
fn count(number: u64, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    fn partition(slot: u64, label: &str) -> admin::Partition {
        admin::Partition {
            slot,
            label: label.into(),
            serial: "4f6d0a52b1c8e903".into(),
            uri: "pkcs11:token=x".into(),
            policy: "standard".into(),
            initialized: true,
            user_pin: true,
            so_pin_failures: 0,
            user_pin_failures: 0,
            so_pin_locked: false,
            user_pin_locked: false,
            objects: 10_000,
            sessions: 2,
        }
    }

    #[test]
    fn a_list_of_partitions_fits_80_columns() {
        let locked = admin::Partition { so_pin_locked: true, ..partition(12, "b") };
        let table = table(&[partition(0, "0123456789abcdef0123456789abcdef"), locked]);
        let text = strip_str(&table.render(80)).to_string();
        assert_eq!(
            text,
            "\
SLOT  LABEL           STATE          POLICY    OBJECTS  SESSIONS  SERIAL
   0  0123456789abc…  ready          standard    10000         2  4f6d0a52b1c8e…
  12  b               SO PIN locked  standard    10000         2  4f6d0a52b1c8e…
"
        );
    }

    #[test]
    fn the_state_is_the_worst_that_is_to_be_said() {
        let fine = partition(0, "a");
        assert_eq!(strip_str(&people(&fine)).to_string().lines().nth(3), Some("state          ready"));
        let worn = admin::Partition { user_pin_failures: 1, so_pin_failures: 3, ..fine.clone() };
        let text = strip_str(&people(&worn)).to_string();
        assert!(text.contains("user's PIN     set, 1 wrong try in a row\n"), "{text}");
        assert!(text.contains("SO's PIN       set, 3 wrong tries in a row\n"), "{text}");
        let locked = admin::Partition { user_pin_locked: true, ..fine.clone() };
        assert!(strip_str(&people(&locked)).to_string().contains("state          PIN locked\n"));
        let blank = admin::Partition { initialized: false, user_pin: false, ..fine };
        assert!(strip_str(&people(&blank)).to_string().contains("SO's PIN       not set\n"));
    }
}
