//! `backup`: files that hold a partition or the whole HSM, made, looked at and restored.

use std::path::PathBuf;

use backup::{CarriedShare, What};
use clap::{Args, Subcommand};
use serde_json::json;
use ukey::Public;
use wire::admin::backup::{self as protocol, MAX_HOLDERS, Restored, To, With};
use wire::admin::people::hex;
use wire::admin::{Ask, Told};
use wire::{Bytes, List};

use crate::backup_file::{Growing, Keys, PassphraseFrom, Whole, refuse};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::secret::{self, Prompt};
use crate::table::{Cell, Column, Table, printable};
use crate::ukey::{self as ukeys, Spec};
use crate::whole::{self, Readers};

const EXAMPLES: &str = "\
Examples:
  hsm-admin backup holders set --threshold 3 --to ada.pub --to ben.pub \\
    --to eva.pub --to ida.pub --to max.pub
  hsm-admin backup create payments --out payments.backup
  hsm-admin backup create --hsm --out hsm.backup --passphrase
  hsm-admin backup show payments.backup
  hsm-admin backup verify payments.backup --holder ada.ukey \\
    --holder ben.ukey --holder eva.ukey
  hsm-admin backup restore payments.backup --holder ada.ukey \\
    --holder ben.ukey --share eva.share

A holder on another machine opens a share there, for the one who restores:
  hsm-admin backup open-share payments.backup --holder eva.ukey \\
    --to ada.pub --out eva.share";

/// Back up a partition or the whole HSM to a file, and restore it
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Backup {
    #[command(subcommand)]
    Holders(Holders),
    Create(Create),
    /// Show what a backup says of itself, and whether it is whole; no key and no daemon is needed
    Show {
        /// The backup
        file: PathBuf,
    },
    Verify(Verify),
    Restore(Restore),
    OpenShare(OpenShare),
}

/// Say whose UKeys open backups, whoever makes them
#[derive(Debug, Subcommand)]
pub(crate) enum Holders {
    /// Show whose UKeys open backups
    Show,
    /// Set whose UKeys open backups
    Set {
        /// How many of them are needed
        #[arg(long, value_name = "M", default_value_t = 0)]
        threshold: u8,

        /// A UKey: its public part, its file, or a PKCS#11 URI; once for each
        #[arg(long = "to", value_name = "UKEY", requires = "threshold")]
        to: Vec<Spec>,

        /// Nobody: whoever makes a backup says for whom
        #[arg(long, conflicts_with_all = ["to", "threshold"], required_unless_present = "to")]
        nobody: bool,
    },
}

/// Who is to be able to open a file.
#[derive(Debug, Args)]
pub(crate) struct For {
    /// A UKey that is to open it: its public part, its file, or a PKCS#11 URI; once for each
    #[arg(long = "to", value_name = "UKEY", requires = "threshold")]
    to: Vec<Spec>,

    /// How many of the UKeys are needed to open it
    #[arg(long, value_name = "M", requires = "to")]
    threshold: Option<u8>,

    /// A passphrase is to open it, of at least 12 bytes; it is asked for
    #[arg(long, conflicts_with_all = ["to", "passphrase_file", "passphrase_fd"])]
    passphrase: bool,

    #[command(flatten)]
    from: PassphraseFrom,
}

impl For {
    /// None if nobody is named.
    pub(crate) fn to(&self, daemon: &Daemon) -> Result<Option<To>, Error> {
        if self.passphrase || self.from.is_given() {
            if self.threshold.is_some() {
                return Err(Error::Usage(
                    "a file is made for UKeys or for a passphrase, not for both".into(),
                ));
            }
            // Who asks for approvals needs no passphrase yet.
            let requests = daemon.caller().requests_for().is_some();
            let passphrase = if requests { Bytes::default() } else { self.from.obtain(Prompt::Twice)? };
            return Ok(Some(To::Passphrase(passphrase)));
        }
        match self.threshold {
            None => Ok(None),
            Some(threshold) => Ok(Some(To::UKeys { threshold, holders: publics(&self.to)? })),
        }
    }
}

/// Make a backup; everything goes on meanwhile
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    /// A partition: its label, serial number or slot number
    #[arg(required_unless_present = "hsm")]
    partition: Option<String>,

    /// The whole HSM: all partitions, people, quorum, who opens backups
    #[arg(long, conflicts_with = "partition")]
    hsm: bool,

    /// The file to make; one that is there is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    #[command(flatten)]
    recipients: For,
}

/// Open a backup and check everything in it, without restoring it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    /// The backup
    file: PathBuf,

    #[command(flatten)]
    keys: Keys,
}

/// Restore a backup: all of it, or nothing
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Restore {
    /// The backup
    file: PathBuf,

    #[command(flatten)]
    keys: Keys,

    /// Overwrite what is there already
    #[arg(long)]
    replace: bool,

    /// Restore although what is there has changed since the backup was made, or comes from another HSM
    #[arg(long, requires = "replace")]
    older: bool,

    /// Do not ask before anything is overwritten
    #[arg(long)]
    yes: bool,
}

/// Open the share of one holder here, for somebody who restores elsewhere; no daemon is needed
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct OpenShare {
    /// The backup
    file: PathBuf,

    #[command(flatten)]
    keys: Keys,

    /// The UKey of who restores: its public part
    #[arg(long, value_name = "UKEY")]
    to: Spec,

    /// The file to make
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Backup {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Holders(holders) => holders.run(daemon, screen),
            Self::Create(create) => create.run(daemon, screen),
            Self::Show { file } => {
                let whole = Whole::at(file)?;
                screen.show(&whole.value(), |_| {
                    format!(
                        "{}\nThe file is whole. Whether it is genuine, `backup verify` finds out.",
                        whole.people()
                    )
                })
            }
            Self::Verify(verify) => verify.run(daemon, screen),
            Self::Restore(restore) => restore.run(daemon, screen),
            Self::OpenShare(open) => open.run(screen),
        }
    }
}

impl Holders {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let ask = match self {
            Self::Show => protocol::Ask::Holders,
            Self::Set { threshold, to, .. } => {
                protocol::Ask::SetHolders { threshold: *threshold, holders: publics(to)? }
            }
        };
        let Told::Backup(protocol::Told::Holders { threshold, holders }) = daemon.ask(&Ask::Backup(ask))?
        else {
            return Err(Error::Unknown);
        };
        let holders = holders.iter().map(|holder| Public::from_bytes(holder).map_err(|_| Error::Unknown));
        let holders = holders.collect::<Result<Vec<_>, _>>()?;
        let ukey = |one: &Public| json!({ "id": hex(one.id().as_bytes()), "name": one.name() });
        let value = json!({ "threshold": threshold, "ukeys": holders.iter().map(ukey).collect::<Vec<_>>() });
        screen.table(&value, |_| {
            let columns = [Column::text("UKEY", 19), Column::text("NAME", 8)];
            let mut table = Table::new(&columns, "Nobody is set: whoever makes a backup says for whom.");
            for holder in &holders {
                table.row(vec![Cell::from(holder.id().to_string()), Cell::from(holder.name())]);
            }
            table
        })
    }
}

impl Create {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let to = self.recipients.to(daemon)?.unwrap_or(To::Holders);
        let ask = Ask::Backup(protocol::Ask::Create { partition: self.partition.clone(), to });
        made(daemon, &ask, &self.out)?;
        shown_file(&self.out, screen)
    }
}

/// Has the daemon make a file.
pub(super) fn made(daemon: &Daemon, ask: &Ask, out: &std::path::Path) -> Result<(), Error> {
    let mut growing = Growing::at(out)?;
    let mut talk = daemon.open()?;
    let first = talk.ask(ask)?;
    let told = talk.receive(first, &mut growing).map_err(|error| match error {
        Error::Write(cause) => refuse(out, format!("cannot write it: {cause}; nothing is left of it")),
        other => other,
    })?;
    match told {
        Told::Backup(protocol::Told::File { .. }) => growing.keep(),
        _ => Err(Error::Unknown),
    }
}

/// Shows a file that was made: it is read back from the disk.
pub(super) fn shown_file(out: &std::path::Path, screen: &Screen) -> Result<(), Error> {
    let whole = Whole::at(out)?;
    let path = out.display().to_string();
    screen.show(&whole.value(), |_| format!("Made {}.\n\n{}", printable(&path), whole.people()))
}

impl Verify {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let whole = Whole::at(&self.file)?;
        let ask = protocol::Ask::Verify { with: opened(daemon, &whole, &self.keys)? };
        match sent(daemon, ask, &whole)? {
            protocol::Told::File { .. } => screen.show(&whole.value(), |_| {
                format!("{}\nThe backup is genuine and whole, and can be restored.", whole.people())
            }),
            _ => Err(Error::Unknown),
        }
    }
}

/// What opens a file; nothing where the command is only to be approved.
pub(super) fn opened(daemon: &Daemon, whole: &Whole, keys: &Keys) -> Result<With, Error> {
    if daemon.caller().requests_for().is_some() {
        return Ok(With::Domain);
    }
    whole.open(keys)
}

/// Has the daemon read a file.
pub(super) fn sent(daemon: &Daemon, ask: protocol::Ask, whole: &Whole) -> Result<protocol::Told, Error> {
    let mut talk = daemon.open()?;
    match talk.ask(&Ask::Backup(ask))? {
        Told::Send => match talk.send(whole.bytes()?)? {
            Told::Backup(told) => Ok(told),
            _ => Err(Error::Unknown),
        },
        _ => Err(Error::Unknown),
    }
}

impl Restore {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let whole = Whole::at(&self.file)?;
        self.agree(daemon, &whole)?;
        let with = opened(daemon, &whole, &self.keys)?;
        restored(daemon, screen, &whole, with, self.replace, self.older)
    }

    /// Says what would be overwritten, and has a person mean it.
    fn agree(&self, daemon: &Daemon, whole: &Whole) -> Result<(), Error> {
        if !self.replace || self.yes || daemon.caller().requests_for().is_some() {
            return Ok(());
        }
        let told = &whole.header.facts;
        let here = super::partition::all(daemon)?;
        let same = |serial: &str| here.iter().find(|one| one.serial == serial);
        let doomed: Vec<_> = told.partitions.iter().filter_map(|one| same(&one.serial)).collect();
        let mut lines: Vec<_> = doomed
            .iter()
            .map(|one| {
                format!(
                    "Partition “{}” in slot {} is overwritten, with {} objects.",
                    one.label, one.slot, one.objects
                )
            })
            .collect();
        if told.what == What::Hsm {
            lines.push("People, quorum and settings of this HSM are overwritten.".into());
        }
        match (&doomed[..], told.what) {
            ([], What::Partition) => Ok(()),
            ([one], What::Partition) => secret::confirm(&lines.join("\n"), "its serial number", &one.serial),
            _ => secret::confirm(&lines.join("\n"), "the word", "restore"),
        }
    }
}

/// Restores a file, and shows what came of it.
pub(super) fn restored(
    daemon: &Daemon,
    screen: &Screen,
    whole: &Whole,
    with: With,
    replace: bool,
    older: bool,
) -> Result<(), Error> {
    let ask = protocol::Ask::Restore { file: whole.hash, with, replace, older };
    let protocol::Told::Restored { partitions, older } = sent(daemon, ask, whole)? else {
        return Err(Error::Unknown);
    };
    let one = |one: &Restored| {
        json!({
            "slot": one.slot, "slot_then": one.slot_then, "label": one.label, "serial": one.serial,
            "objects": one.objects, "replaced": one.replaced,
        })
    };
    let value =
        json!({ "restored": partitions.iter().map(one).collect::<Vec<_>>(), "older": older.to_vec() });
    screen.show(&value, |_| {
        let mut text = String::from("Restored.\n\n");
        for one in partitions.iter() {
            let moved = match one.slot == one.slot_then {
                true => String::new(),
                false => format!(", which was slot {}", one.slot_then),
            };
            let instead = if one.replaced { " in place of the one that was here" } else { "" };
            let (label, slot, objects) = (printable(&one.label), one.slot, one.objects);
            text.push_str(&format!("“{label}” in slot {slot}{moved}, with {objects} objects{instead}\n"));
        }
        for why in older.iter() {
            text.push_str(&format!("Taken back: {}\n", printable(why)));
        }
        text
    })
}

impl OpenShare {
    fn run(&self, screen: &Screen) -> Result<(), Error> {
        let whole = Whole::at(&self.file)?;
        let to = ukeys::public(&self.to)?;
        let share = self.keys.one_share(&whole.header)?;
        let carried =
            CarriedShare::seal(&whole.header, &share, &to).map_err(|error| refuse(&self.file, error))?;
        whole::create(&self.out, &carried.to_bytes(), Readers::Owner)
            .map_err(|cause| refuse(&self.out, cause))?;
        let value =
            json!({ "file": whole.header.id_text(), "share": share.index(), "to": hex(to.id().as_bytes()) });
        screen.show(&value, |_| {
            format!(
                "Share {} of the backup is sealed to UKey {} ({}).",
                share.index(),
                to.id(),
                printable(to.name())
            )
        })
    }
}

/// The public halves of UKeys.
fn publics(specs: &[Spec]) -> Result<List<Bytes, MAX_HOLDERS>, Error> {
    let publics = specs.iter().map(|spec| ukeys::public(spec).map(|public| Bytes::from(public.to_bytes())));
    let publics = publics.collect::<Result<Vec<_>, _>>()?;
    List::new(publics).ok_or_else(|| Error::Usage(format!("a file is made for at most {MAX_HOLDERS} UKeys")))
}
