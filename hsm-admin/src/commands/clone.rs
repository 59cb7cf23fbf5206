//! `clone`: keys that two HSMs of one cloning domain share.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use wire::List;
use wire::admin::backup::{self as protocol, MAX_NAMED, To, With};
use wire::admin::people::hex;
use wire::admin::{Ask, Told};

use super::backup::{For, made, opened, restored, sent, shown_file};
use crate::backup_file::{Keys, Whole};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use backup::What;

const EXAMPLES: &str = "\
Two HSMs that share a cloning domain open each other's files:
  hsm-admin clone domain create
  hsm-admin clone domain export --out domain.file --to eva.pub --threshold 1
  hsm-admin clone domain import domain.file --holder eva.ukey    (on the other)

Examples:
  hsm-admin clone export payments --object signing --out signing.clone
  hsm-admin clone import signing.clone --into payments
  hsm-admin clone export payments --out payments.clone
  hsm-admin clone import payments.clone";

/// Clone keys or a whole partition to another HSM of the cloning domain
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Clone {
    #[command(subcommand)]
    Domain(Domain),
    Export(Export),
    Import(Import),
}

/// Make a cloning domain, or join one
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Domain {
    /// Show which cloning domain the HSM is in
    Show,
    /// Make a new cloning domain with this HSM in it
    Create {
        /// Leave the one that the HSM is in
        #[arg(long)]
        replace: bool,
    },
    /// Write the domain's secret to a file, for another HSM
    Export {
        /// The file to make; one that is there is never overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,

        #[command(flatten)]
        recipients: For,
    },
    /// Join the domain whose secret is in a file
    Import {
        /// The file
        file: PathBuf,

        #[command(flatten)]
        keys: Keys,

        /// Leave the one that the HSM is in
        #[arg(long)]
        replace: bool,
    },
}

/// Write keys, or a whole partition, to a file for the HSMs of the cloning domain
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    /// A partition: its label, serial number or slot number
    partition: String,

    /// An object: its number, unique id or label; once for each. None is the whole partition
    #[arg(long = "object", value_name = "OBJECT")]
    objects: Vec<String>,

    /// The file to make; one that is there is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Bring the keys, or the partition, of a file
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Import {
    /// The file
    file: PathBuf,

    /// The partition that single keys go to: its label, serial number or slot number
    #[arg(long, value_name = "PARTITION")]
    into: Option<String>,
}

impl Clone {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Domain(domain) => domain.run(daemon, screen),
            Self::Export(export) => export.run(daemon, screen),
            Self::Import(import) => import.run(daemon, screen),
        }
    }
}

impl Domain {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let told = match self {
            Self::Export { out, recipients } => {
                let none = || Error::Usage("give --to and --threshold, or --passphrase".into());
                let to = recipients.to(daemon)?.ok_or_else(none)?;
                made(daemon, &Ask::Backup(protocol::Ask::DomainExport { to }), out)?;
                return shown_file(out, screen);
            }
            Self::Show => daemon.ask(&Ask::Backup(protocol::Ask::Domain))?,
            Self::Create { replace } => {
                daemon.ask(&Ask::Backup(protocol::Ask::DomainCreate { replace: *replace }))?
            }
            Self::Import { file, keys, replace } => {
                let whole = Whole::at(file)?;
                let with = opened(daemon, &whole, keys)?;
                let ask = protocol::Ask::DomainImport { file: whole.hash, with, replace: *replace };
                Told::Backup(sent(daemon, ask, &whole)?)
            }
        };
        let Told::Backup(protocol::Told::Domain(domain)) = told else { return Err(Error::Unknown) };
        let domain = domain.map(|domain| hex(&domain));
        screen.show(&json!({ "domain": domain }), |_| match &domain {
            Some(domain) => format!("The HSM is in cloning domain {domain}."),
            None => "The HSM is in no cloning domain.".into(),
        })
    }
}

impl Export {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let partition = self.partition.clone();
        let ask = if self.objects.is_empty() {
            protocol::Ask::Create { partition: Some(partition), to: To::Domain }
        } else {
            let objects: Option<List<_, MAX_NAMED>> = List::new(self.objects.clone());
            let objects =
                objects.ok_or_else(|| Error::Usage(format!("at most {MAX_NAMED} objects are named")))?;
            protocol::Ask::Export { partition, objects }
        };
        made(daemon, &Ask::Backup(ask), &self.out)?;
        shown_file(&self.out, screen)
    }
}

impl Import {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let whole = Whole::at(&self.file)?;
        let Some(partition) = self.into.clone().filter(|_| whole.header.facts.what == What::Keys) else {
            if whole.header.facts.what == What::Keys {
                return Err(Error::Usage("the file holds single keys: give --into".into()));
            }
            return restored(daemon, screen, &whole, With::Domain, false, false);
        };
        let ask = protocol::Ask::Import { file: whole.hash, partition };
        let protocol::Told::Imported(count) = sent(daemon, ask, &whole)? else { return Err(Error::Unknown) };
        screen.show(&json!({ "objects": count }), |_| match count {
            1 => "1 object came.".into(),
            count => format!("{count} objects came."),
        })
    }
}
