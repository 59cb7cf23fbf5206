//! `seal`, `root`, `rekey` and `zeroize`: the root key and all that hangs on it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use wire::admin::root::{Ask as RootAsk, Custody, MAX_HOLDERS, NewCustody, Told as RootTold};
use wire::admin::{Ask, Told};
use wire::{Bytes, List};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{GOOD, Screen, WARN};
use crate::secret::{self, Prompt, Source};
use crate::table::{Cell, facts, printable};
use crate::ukey::{self, Spec};

/// Seal the daemon: every session ends, and every key goes from its memory
#[derive(Debug, Args)]
pub(crate) struct Seal {}

impl Seal {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match daemon.ask(&Ask::Root(RootAsk::Seal))? {
            Told::Done => screen.show(&json!({ "sealed": true }), |_| "The daemon is sealed.".into()),
            _ => Err(Error::Unknown),
        }
    }
}

/// The root key, on which every other key hangs
#[derive(Debug, Subcommand)]
pub(crate) enum Root {
    /// Show who keeps it
    Show,
}

impl Root {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Show => show(screen, &custody(daemon)?),
        }
    }
}

/// Who keeps the root key.
pub(super) fn custody(daemon: &Daemon) -> Result<Custody, Error> {
    told_custody(daemon.ask(&Ask::Root(RootAsk::Show))?)
}

pub(super) fn told_custody(told: Told) -> Result<Custody, Error> {
    match told {
        Told::Root(RootTold::Custody(custody)) => Ok(custody),
        _ => Err(Error::Unknown),
    }
}

/// Shows who keeps the root key.
pub(super) fn show(screen: &Screen, custody: &Custody) -> Result<(), Error> {
    screen.show(&as_json(custody), |_| people(custody))
}

fn as_json(custody: &Custody) -> Value {
    let holders: Vec<_> = custody
        .holders
        .iter()
        .map(|holder| json!({ "name": holder.name, "ukey": holder.ukey, "given": holder.given }))
        .collect();
    json!({
        "sealed": custody.sealed,
        "custody": custody.kind,
        "need": custody.need,
        "given": given(custody),
        "holders": holders,
        "token": custody.token,
    })
}

fn given(custody: &Custody) -> usize {
    custody.holders.iter().filter(|holder| holder.given).count()
}

fn people(custody: &Custody) -> String {
    let state =
        if custody.sealed { Cell::from("sealed").styled(WARN) } else { Cell::from("open").styled(GOOD) };
    let keeper = match custody.kind.as_str() {
        "" => "nobody yet: the HSM is new".to_owned(),
        "file" => "a file".into(),
        "ukeys" => format!("{} of {} UKeys", custody.need, custody.holders.len()),
        "token" => format!("token {}", custody.token),
        other => format!("a {other}"),
    };
    let mut rows = vec![("daemon", state), ("root key", Cell::from(keeper))];
    if custody.sealed && custody.need > 0 {
        rows.push(("given", Cell::from(format!("{} of {}", given(custody), custody.need))));
    }
    for holder in custody.holders.iter() {
        let short = holder.ukey.get(..16).unwrap_or(&holder.ukey);
        let given = if holder.given { ", given" } else { "" };
        rows.push(("holder", Cell::from(format!("{} ({short}){given}", printable(&holder.name)))));
    }
    facts(rows)
}

/// Give the HSM new keys while it serves, and seal everything anew
#[derive(Debug, Args)]
pub(crate) struct Rekey {
    #[command(subcommand)]
    what: Option<What>,

    /// Do not wait until all is sealed anew
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show how far it is
    Status,
    /// Change the root key, and maybe who keeps it
    Root(NewRoot),
}

/// Who may keep the root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Keeper {
    /// Whoever knows a passphrase
    Passphrase,
    /// The file that the configuration of hsmd names
    File,
    /// The holders of UKeys, several of them together
    Ukeys,
    /// A key on another PKCS#11 token
    Token,
}

#[derive(Debug, Args)]
struct NewRoot {
    /// Who is to keep the new one; without, a file keeps what a file kept
    #[arg(long, value_name = "WHO")]
    custody: Option<Keeper>,

    /// With ukeys: so many of them open the HSM
    #[arg(long, value_name = "M")]
    need: Option<u8>,

    /// With ukeys: a holder's UKey, or its public part (repeatable)
    #[arg(long = "holder", value_name = "FILE|URI")]
    holders: Vec<Spec>,

    /// With token: the PKCS#11 module, on the daemon's machine
    #[arg(long, value_name = "PATH")]
    module: Option<String>,

    /// With token: the token's label
    #[arg(long, value_name = "LABEL")]
    token: Option<String>,

    /// With token: the label of its AES or RSA key
    #[arg(long, value_name = "LABEL")]
    key: Option<String>,

    /// Read the passphrase, or the token's PIN, from this file (its first line)
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,

    /// Read it from this file descriptor (its first line; 0 is standard input)
    #[arg(long, value_name = "N", conflicts_with = "secret_file")]
    secret_fd: Option<u32>,
}

impl NewRoot {
    fn secret(&self, what: &str, prompt: Prompt) -> Result<Bytes, Error> {
        let source = Source::of(self.secret_file.as_deref(), self.secret_fd);
        secret::obtain(source, what, prompt, "give --secret-file or --secret-fd")
    }

    fn custody(&self) -> Result<Option<NewCustody>, Error> {
        let usage = |what: &str| Error::Usage(what.to_owned());
        Ok(Some(match self.custody {
            None => return Ok(None),
            Some(Keeper::File) => NewCustody::File,
            Some(Keeper::Passphrase) => {
                NewCustody::Passphrase(self.secret("the new passphrase", Prompt::Twice)?)
            }
            Some(Keeper::Ukeys) => {
                let need = self.need.ok_or_else(|| usage("say how many UKeys open the HSM: --need"))?;
                let public = |spec: &Spec| ukey::public(spec).map(|public| Bytes::from(public.to_bytes()));
                let publics = self.holders.iter().map(public).collect::<Result<Vec<_>, _>>()?;
                let many = || usage(&format!("at most {MAX_HOLDERS} UKeys hold a root key"));
                NewCustody::UKeys { need, publics: List::new(publics).ok_or_else(many)? }
            }
            Some(Keeper::Token) => {
                let given = |option: &Option<String>, name: &str| {
                    option.clone().ok_or_else(|| usage(&format!("a token needs --{name}")))
                };
                NewCustody::Token {
                    module: given(&self.module, "module")?,
                    token: given(&self.token, "token")?,
                    key: given(&self.key, "key")?,
                    pin: self.secret("the token's PIN", Prompt::Once)?,
                }
            }
        }))
    }
}

impl Rekey {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let ask = match &self.what {
            Some(What::Root(new)) => RootAsk::Change { custody: new.custody()? },
            Some(What::Status) => RootAsk::RekeyStatus,
            None => RootAsk::Rekey { wait: !self.no_wait },
        };
        match daemon.ask(&Ask::Root(ask))? {
            Told::Root(RootTold::Custody(custody)) => screen.show(&as_json(&custody), |_| {
                format!("Another root key opens the store from now on.\n\n{}", people(&custody))
            }),
            Told::Root(RootTold::Rekey(None)) => {
                let done = self.what.is_none();
                screen.show(&json!({ "rekeying": false }), |_| match done {
                    true => "Everything is under new keys, and the old ones are destroyed.".into(),
                    false => "No change of keys is under way.".into(),
                })
            }
            Told::Root(RootTold::Rekey(Some(rekey))) => {
                let value = json!({ "rekeying": true, "done": rekey.done, "total": rekey.total });
                let (done, total) = (rekey.done, rekey.total);
                screen.show(&value, |_| format!("{done} of {total} records are under the new keys."))
            }
            _ => Err(Error::Unknown),
        }
    }
}

/// Destroy a partition or the HSM for good: the keys that seal it first
#[derive(Debug, Subcommand)]
pub(crate) enum Zeroize {
    /// Destroy a partition, with sessions open on it or not
    Partition {
        /// Label, serial number or slot number
        partition: String,

        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Destroy the HSM: every partition, everybody who is registered, the root key
    Hsm {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

impl Zeroize {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        const WORD: &str = "zeroize";
        let (ask, yes, consequence, done) = match self {
            Self::Partition { partition, yes } => (
                RootAsk::ZeroizePartition { partition: partition.clone() },
                *yes,
                format!("This destroys partition {} and every key in it. Nothing brings them back.", printable(partition)),
                "The partition is destroyed.",
            ),
            Self::Hsm { yes } => (
                RootAsk::ZeroizeHsm,
                *yes,
                "This destroys the HSM: all partitions, all keys, everybody who is registered. Nothing brings them back."
                    .into(),
                "The HSM is destroyed. The daemon is sealed; with a new root key it is a new HSM.",
            ),
        };
        if !yes {
            secret::confirm(&consequence, "the word", WORD)?;
        }
        match daemon.ask(&Ask::Root(ask))? {
            Told::Done => screen.show(&json!({ "zeroized": true }), |_| done.into()),
            _ => Err(Error::Unknown),
        }
    }
}
