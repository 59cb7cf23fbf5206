//! `partition unlock-so-pin` and `partition reset-so-pin`: the ways out of a locked security officer's PIN.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use wire::admin::user::Ask as Users;
use wire::admin::{Ask, Partition, Told};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::secret::{self, Prompt, Source};
use crate::table::printable;

const EXAMPLES: &str = "\
It is for the security officer of the HSM. Whoever has set that PIN can set the
user's PIN, and with that use the keys: on an HSM with a quorum, several people
must approve it.

Examples:
  hsm-admin partition unlock-so-pin payments
  hsm-admin partition reset-so-pin payments --so-pin-file so.pin";

/// Forget the wrong tries of the security officer's PIN, which unlocks it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Unlock {
    /// Its label, serial number or slot number
    partition: String,
}

/// Give the partition's security officer another PIN, which also unlocks it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Reset {
    /// Its label, serial number or slot number
    partition: String,

    /// Read the security officer's PIN from this file (its first line)
    #[arg(long, value_name = "FILE")]
    so_pin_file: Option<PathBuf>,

    /// Read the security officer's PIN from this file descriptor (its first line)
    #[arg(long, value_name = "N", conflicts_with = "so_pin_file")]
    so_pin_fd: Option<u32>,
}

impl Unlock {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let now = super::partition::one(daemon, &self.partition)?;
        done(daemon, Users::UnlockSoPin { partition: now.serial.clone() })?;
        shown(screen, &now, "can be tried again")
    }
}

impl Reset {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let now = super::partition::one(daemon, &self.partition)?;
        let source = Source::of(self.so_pin_file.as_deref(), self.so_pin_fd);
        let instead = "give --so-pin-file or --so-pin-fd";
        let pin = secret::obtain(source, "the security officer's PIN", Prompt::Twice, instead)?;
        done(daemon, Users::ResetSoPin { partition: now.serial.clone(), pin })?;
        shown(screen, &now, "is another one now")
    }
}

fn done(daemon: &Daemon, ask: Users) -> Result<(), Error> {
    match daemon.ask(&Ask::User(ask))? {
        Told::Done => Ok(()),
        _ => Err(Error::Unknown),
    }
}

fn shown(screen: &Screen, partition: &Partition, what: &str) -> Result<(), Error> {
    let done = json!({ "slot": partition.slot, "label": partition.label, "serial": partition.serial });
    screen.show(&done, |_| format!("The security officer's PIN of {} {what}.", printable(&partition.label)))
}
