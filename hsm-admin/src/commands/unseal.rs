//! `unseal`: gives a sealed daemon the passphrase of its root key.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use wire::admin::{Ask, Told};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::secret::{self, Prompt, Source};

/// Open a sealed daemon with the passphrase of its root key
#[derive(Debug, Args)]
pub(crate) struct Unseal {
    /// Read the passphrase from this file (its first line)
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,

    /// Read the passphrase from this file descriptor (its first line; 0 is standard input)
    #[arg(long, value_name = "N", conflicts_with = "passphrase_file")]
    passphrase_fd: Option<u32>,
}

impl Unseal {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let passphrase = secret::obtain(
            Source::of(self.passphrase_file.as_deref(), self.passphrase_fd),
            "the passphrase",
            Prompt::Once,
            "give --passphrase-file or --passphrase-fd",
        )?;
        match daemon.ask(&Ask::Unseal { passphrase })? {
            Told::Done => screen.show(&json!({ "sealed": false }), |_| "The daemon is open.".into()),
            _ => Err(Error::Unknown),
        }
    }
}
