//! A value in somebody's editor.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use clap::Args;
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use serde_json::json;

use super::value::{bytes, read};
use super::{CURRENT, In, Look, call, version};
use crate::commands::kms::text;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::printable;

/// Change what is in a secret in your editor: what is saved becomes its next version
#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// Its name
    name: String,

    #[command(flatten)]
    look: Look,

    #[command(flatten)]
    place: In,
}

/// Files here are in memory alone, and gone with the machine.
const MEMORY: &str = "/dev/shm";

impl Edit {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let editor =
            std::env::var("VISUAL").or_else(|_| std::env::var("EDITOR")).unwrap_or_else(|_| "vi".into());
        let code = self.look.ask(&desk, true)?;
        let there = version(&desk, &self.name, CURRENT, code)?;
        if there["secret_string"].is_null() {
            return Err(Error::Failed(
                "the value is no text: `secret get --output` and `secret put --file --binary`".into(),
            ));
        }
        let before = bytes(&there)?;
        let folder = Path::new(MEMORY);
        let fault = |cause: std::io::Error| Error::File { path: folder.into(), why: cause.to_string() };
        if !statfs(folder).is_ok_and(|of| of.filesystem_type() == TMPFS_MAGIC) {
            return Err(Error::Failed(format!(
                "{MEMORY} is no memory file system: the value would be on the disk"
            )));
        }
        // A folder of its own, so that what the editor keeps beside the file goes with it.
        let folder = tempfile::Builder::new()
            .prefix("hsm-admin-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(folder)
            .map_err(fault)?;
        let path = folder.path().join(&self.name);
        let mut file = fs::OpenOptions::new();
        let file = std::os::unix::fs::OpenOptionsExt::mode(file.write(true).create_new(true), 0o600);
        file.open(&path)
            .and_then(|mut file| file.write_all(&before))
            .map_err(|cause| Error::File { path: path.clone(), why: cause.to_string() })?;
        let words = shlex::split(&editor).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| Error::Usage(format!("{editor:?} is no editor: set EDITOR")))?;
        let status = Command::new(&words[0]).args(&words[1..]).arg(&path).status();
        let status =
            status.map_err(|cause| Error::File { path: words[0].clone().into(), why: cause.to_string() })?;
        if !status.success() {
            return Err(Error::Failed("the editor failed: the secret stays as it is".into()));
        }
        let after = read(&path)?;
        if *after == *before {
            return screen.show(&json!({ "changed": false }), |_| "Nothing was changed.".to_owned());
        }
        let text_of = std::str::from_utf8(&after);
        let text_of = text_of.map_err(|_| Error::Failed("what was saved is no text in UTF-8".into()))?;
        let made = call(
            &desk,
            "CreateSecretVersion",
            &json!({ "secret_name": self.name, "secret_string": text_of }),
        )?;
        screen.show(&made["version_metadata"], |made| {
            format!("Secret {:?} has version {}.", printable(&self.name), text(made, "id"))
        })
    }
}
