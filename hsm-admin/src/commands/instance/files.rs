//! `instance certificate`: what a client needs, as files.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use wire::admin::instance as protocol;
use wire::admin::{Ask, Told};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;

/// Give a client a certificate for access, as its security officer: with its key and the instance's own authority
#[derive(Debug, Args)]
pub(crate) struct Certificate {
    /// The instance's name or id
    instance: String,

    /// For whom it is: a name by which it is revoked
    #[arg(long, default_value = "client")]
    client: String,

    /// A new directory for the files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// The names of the files.
const AUTHORITY: &str = "ca.pem";
const CERTIFICATE: &str = "client.pem";
const KEY: &str = "client.key";
const ADDRESS: &str = "instance.json";

impl Certificate {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let failed = |path: &Path, error: std::io::Error| Error::File {
            path: path.to_owned(),
            why: format!("cannot write it: {error}"),
        };
        // Before the certificate is made: one that cannot be kept must not be good.
        fs::DirBuilder::new().mode(0o700).create(&self.out).map_err(|error| failed(&self.out, error))?;
        let (instance, client) = (self.instance.clone(), self.client.clone());
        let told = daemon.ask(&Ask::Instance(protocol::Ask::Certificate { instance, client }));
        let made = match told {
            Ok(Told::Instance(protocol::Told::Certificate(made))) => made,
            told => {
                let _ = fs::remove_dir(&self.out); // it is empty and ours
                return told.and(Err(Error::Unknown));
            }
        };
        let reach = json!({
            "instance": made.instance,
            "addresses": made.addresses,
            "server_name": made.server_name,
            "ca": AUTHORITY,
            "certificate": CERTIFICATE,
            "key": KEY,
        });
        for (name, content) in [
            (AUTHORITY, made.authority.as_bytes()),
            (CERTIFICATE, made.certificate.as_bytes()),
            (KEY, &*made.key),
            (ADDRESS, format!("{reach:#}\n").as_bytes()),
        ] {
            let path = self.out.join(name);
            write(&path, content).map_err(|error| failed(&path, error))?;
        }
        screen.show(&reach, |_| {
            format!(
                "{} has a certificate for {} now, in {}: whoever has {KEY} is let in.",
                made.instance,
                self.client,
                self.out.display()
            )
        })
    }
}

fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
