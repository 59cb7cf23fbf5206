//! A value in somebody's editor.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use clap::Args;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
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
        let mut command = Command::new(&words[0]);
        let edited = undisturbed(command.args(&words[1..]).arg(&path), || {
            let after = read(&path);
            drop(folder);
            after
        });
        let (status, after) =
            edited.map_err(|cause| Error::File { path: words[0].clone().into(), why: cause.to_string() })?;
        if !status.success() {
            return Err(Error::Failed("the editor failed: the secret stays as it is".into()));
        }
        let after = after?;
        let after = as_ended(&before, &after);
        if *after == **before {
            return screen.show(&json!({ "changed": false }), |_| "Nothing was changed.".to_owned());
        }
        let text_of = std::str::from_utf8(after);
        let text_of = text_of.map_err(|_| Error::Failed("what was saved is no text in UTF-8".into()))?;
        let made = call(
            &desk,
            "CreateSecretVersion",
            &json!({ "secret_name": self.name, "secret_string": text_of }),
        )?;
        let between = between(text(&there["version_metadata"], "id"), text(&made["version_metadata"], "id"));
        screen.show(&made["version_metadata"], |made| {
            let (name, id) = (printable(&self.name), text(made, "id"));
            let meanwhile = between.map_or_else(String::new, |other| {
                format!(" Version v{other} came meanwhile: `secret diff {name} v{other} {id}` shows in what they differ.")
            });
            format!("Secret {name:?} has version {id}.{meanwhile}")
        })
    }
}

/// The version that somebody else made between two, if one did.
fn between(edited: &str, made: &str) -> Option<u32> {
    let number = |id: &str| id.strip_prefix('v')?.parse::<u32>().ok();
    let other = number(made)?.checked_sub(1)?;
    (other > number(edited)?).then_some(other)
}

/// Runs a program and what follows it, while no signal ends this process: what is typed on the terminal is the editor's
/// business alone, and who ends this process finds it ended once what follows was done.
fn undisturbed<T>(command: &mut Command, follows: impl FnOnce() -> T) -> std::io::Result<(ExitStatus, T)> {
    // What is blocked before, the editor would have blocked, too.
    let mut child = command.spawn()?;
    let typed = SigSet::from_iter([Signal::SIGINT, Signal::SIGQUIT]);
    let mut held = typed;
    held.extend([Signal::SIGTERM, Signal::SIGHUP]);
    let before = held.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let done = child.wait().map(|status| (status, follows()));
    let came = SignalFd::with_flags(&typed, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
    while let Ok(Some(_)) = came.read_signal() {}
    before.thread_set_mask()?;
    done
}

/// What was saved, without the end of the last line if there was none before: editors add one.
fn as_ended<'a>(before: &[u8], after: &'a [u8]) -> &'a [u8] {
    match before.ends_with(b"\n") {
        true => after,
        false => after.strip_suffix(b"\n").unwrap_or(after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_came_meanwhile_is_told() {
        assert_eq!(
            (between("v1", "v2"), between("v1", "v3"), between("v9", "v11")),
            (None, Some(2), Some(10))
        );
        assert_eq!(between("", ""), None);
    }

    #[test]
    fn the_line_that_an_editor_ends_stays_as_it_was() {
        for (before, saved, after) in [
            ("old", "new\n", "new"),
            ("old", "new", "new"),
            ("old", "new\n\n", "new\n"),
            ("old\n", "new\n", "new\n"),
            ("old\n", "new", "new"),
        ] {
            assert_eq!(
                as_ended(before.as_bytes(), saved.as_bytes()),
                after.as_bytes(),
                "{before:?} {saved:?}"
            );
        }
    }
}
