//! `unseal`: gives a sealed daemon what it waits for: a passphrase, a token's PIN, or a share of the root key.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use wire::Bytes;
use wire::admin::root::{Ask as RootAsk, Custody, SHARE, Told as RootTold};
use wire::admin::{Ask, Told};

use super::root;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::secret::{self, Prompt, Source};

/// Open a sealed daemon: with a passphrase, a token's PIN, or a UKey that holds a share (--ukey)
#[derive(Debug, Args)]
pub(crate) struct Unseal {
    /// Read the passphrase, or the token's PIN, from this file (its first line)
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,

    /// Read it from this file descriptor (its first line; 0 is standard input)
    #[arg(long, value_name = "N", conflicts_with = "passphrase_file")]
    passphrase_fd: Option<u32>,
}

impl Unseal {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let source = Source::of(self.passphrase_file.as_deref(), self.passphrase_fd);
        // Where the secret is given, the daemon knows what it is.
        let custody = if source.is_none() { root::custody(daemon).ok() } else { None };
        let kind = custody.as_ref().map(|custody| custody.kind.as_str()).unwrap_or_default();
        let secret = match kind {
            "ukeys" => return give_share(daemon, screen),
            "file" => Bytes::from(&b""[..]),
            "token" => obtain(source, "the PIN of the token that keeps the root key")?,
            _ => obtain(source, "the passphrase")?,
        };
        match daemon.ask(&Ask::Unseal { passphrase: secret })? {
            Told::Done => screen.show(&json!({ "sealed": false }), |_| "The daemon is open.".into()),
            _ => Err(Error::Unknown),
        }
    }
}

fn obtain(source: Option<Source>, what: &str) -> Result<Bytes, Error> {
    secret::obtain(source, what, Prompt::Once, "give --passphrase-file or --passphrase-fd")
}

/// Fetches the caller's share, has the UKey open it, and gives it back.
fn give_share(daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
    let given = daemon.caller().with_key(|key| {
        let why = |error: ::ukey::Error| Error::UKey {
            place: format!("UKey {}", key.public().name()),
            why: error.to_string(),
        };
        let ukey = *key.public().id().as_bytes();
        let Told::Root(RootTold::Share(sealed)) = daemon.ask(&Ask::Root(RootAsk::Share { ukey }))? else {
            return Err(Error::Unknown);
        };
        let share = key.open(SHARE, &sealed).map_err(why)?;
        let share = Bytes::from(share.as_bytes());
        root::told_custody(daemon.ask(&Ask::Root(RootAsk::Give { share }))?)
    })?;
    match given {
        None => {
            Err(Error::Usage("UKeys hold the root key: say which one opens your share with --ukey".into()))
        }
        Some(Custody { sealed: false, .. }) => {
            screen.show(&json!({ "sealed": false }), |_| "The daemon is open.".into())
        }
        Some(custody) => root::show(screen, &custody),
    }
}
