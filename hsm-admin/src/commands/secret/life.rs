//! The life of a secret: changed, deleted, kept after all, backed up and restored.

use std::path::PathBuf;

use clap::Args;
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::{In, Sure, call, of_csms};
use crate::commands::kms::text;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::printable;
use crate::whole;

/// Give a secret another description, or another key for its new versions
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its name
    name: String,

    /// What it is for, in words
    #[arg(long, required_unless_present_any = ["key", "event"])]
    description: Option<String>,

    /// The key that new versions are encrypted with, by id or alias
    #[arg(long)]
    key: Option<String>,

    /// The event by which its changes are told; an empty name for none
    #[arg(long)]
    event: Option<String>,

    #[command(flatten)]
    place: In,
}

/// Have a secret deleted, after 7 to 30 days or at once
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Its name
    name: String,

    /// After how many days
    #[arg(long, required_unless_present = "now")]
    days: Option<u32>,

    /// At once: nothing brings it back but a backup
    #[arg(long, conflicts_with = "days")]
    now: bool,

    #[command(flatten)]
    place: In,

    #[command(flatten)]
    sure: Sure,
}

/// Keep a secret that was to be deleted
#[derive(Debug, Args)]
pub(crate) struct CancelDeletion {
    /// Its name
    name: String,

    #[command(flatten)]
    place: In,
}

/// Write a secret with all its versions to a file, encrypted
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Its name
    name: String,

    /// The file
    #[arg(long, value_name = "FILE")]
    output: PathBuf,

    #[command(flatten)]
    place: In,
}

/// Make a secret again from its backup
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The file
    file: PathBuf,

    #[command(flatten)]
    place: In,
}

impl Set {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let mut fields = json!({ "secret_name": self.name });
        for (field, given) in [("description", &self.description), ("kms_key_id", &self.key)] {
            if let Some(given) = given {
                fields[field] = given.clone().into();
            }
        }
        if let Some(event) = &self.event {
            fields["event_subscriptions"] = if event.is_empty() { json!([]) } else { json!([event]) };
        }
        let changed = call(&desk, "UpdateSecret", &fields)?;
        screen.show(&changed["secret"], |_| format!("Changed secret {:?}.", printable(&self.name)))
    }
}

impl Delete {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let name = printable(&self.name);
        let (operation, fields, consequence, done) = match self.days {
            Some(days) => (
                "DeleteSecretForSchedule",
                json!({ "secret_name": self.name, "recovery_window_in_days": days }),
                format!("From now on secret {name:?} cannot be read; after {days} days it is gone for good."),
                format!("Secret {name:?} goes after {days} days: `secret cancel-deletion` keeps it."),
            ),
            None => (
                "DeleteSecret",
                json!({ "secret_name": self.name }),
                format!(
                    "Secret {name:?} is gone for good, at once, with all its versions. `secret backup` writes it to a file before."
                ),
                format!("Deleted secret {name:?}."),
            ),
        };
        let code = self.sure.ask(&desk, &consequence)?;
        let answer = desk.guarded(&of_csms(operation), &fields, code)?;
        screen.show(&answer, |_| done)
    }
}

impl CancelDeletion {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let kept = call(&desk, "RestoreSecret", &json!({ "secret_name": self.name }))?;
        screen.show(&kept["secret"], |_| format!("Secret {:?} stays.", printable(&self.name)))
    }
}

impl Backup {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let answer = call(&desk, "DownloadSecretBlob", &json!({ "secret_name": self.name }))?;
        let blob = BASE64.decode(text(&answer, "secret_blob").as_bytes()).map_err(|_| Error::Unknown)?;
        whole::put(&self.output, &blob)
            .map_err(|cause| Error::File { path: self.output.clone(), why: cause.to_string() })?;
        let told = json!({ "secret": self.name, "file": self.output, "bytes": blob.len() });
        screen.show(&told, |_| {
            format!(
                "Secret {:?} with all its versions is in {}: {} bytes, which the same HSM opens, as long as it has the secret's keys.",
                printable(&self.name),
                self.output.display(),
                blob.len()
            )
        })
    }
}

impl Restore {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        // As much as a blob can have, and a byte by which one is seen that is longer.
        const MOST: u64 = (2 << 20) + 1;
        use std::io::Read as _;
        let desk = self.place.desk(daemon)?;
        let mut blob = Vec::new();
        std::fs::File::open(&self.file)
            .and_then(|file| file.take(MOST).read_to_end(&mut blob))
            .map_err(|cause| Error::File { path: self.file.clone(), why: cause.to_string() })?;
        let mut made = call(&desk, "UploadSecretBlob", &json!({ "secret_blob": BASE64.encode(&blob) }))?;
        let made: Value = made["secret"].take();
        screen.show(&made, |made| {
            format!("Restored secret {:?}: {}", printable(text(made, "name")), text(made, "id"))
        })
    }
}
