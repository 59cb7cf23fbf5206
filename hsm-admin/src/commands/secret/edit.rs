//! A value in somebody's editor.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, LazyLock};

use clap::Args;
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;

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

const SIGHUP_U: usize = SIGHUP as usize;
const SIGTERM_U: usize = SIGTERM as usize;

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
        let fault = |cause: io::Error| Error::File { path: folder.into(), why: cause.to_string() };
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

/// The signals that would end this process, once they are caught.
struct Caught {
    /// Whether they do.
    ends: Arc<AtomicBool>,
    /// The last that was sent by somebody, rather than typed, while they did not.
    sent: Arc<AtomicUsize>,
}

/// They are caught and not blocked, for what is blocked the editor would have blocked, too. Once caught they stay so.
static CAUGHT: LazyLock<io::Result<Caught>> = LazyLock::new(|| {
    let caught = Caught { ends: Arc::new(AtomicBool::new(true)), sent: Arc::default() };
    for (signal, number) in [(SIGTERM, SIGTERM_U), (SIGHUP, SIGHUP_U)] {
        flag::register_usize(signal, Arc::clone(&caught.sent), number)?;
    }
    for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP] {
        flag::register_conditional_default(signal, Arc::clone(&caught.ends))?;
    }
    Ok(caught)
});

/// Runs a program and what follows it, while no signal ends this process: what is typed on the terminal is the editor's
/// business alone, and who ends this process finds it ended once what follows was done.
fn undisturbed<T>(command: &mut Command, follows: impl FnOnce() -> T) -> io::Result<(ExitStatus, T)> {
    let caught = CAUGHT.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
    caught.sent.store(0, SeqCst);
    caught.ends.store(false, SeqCst);
    let done = command.status().map(|status| (status, follows()));
    caught.ends.store(true, SeqCst);
    match caught.sent.load(SeqCst) {
        0 => done,
        SIGHUP_U => emulate_default_handler(SIGHUP).and(done),
        _ => emulate_default_handler(SIGTERM).and(done),
    }
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
