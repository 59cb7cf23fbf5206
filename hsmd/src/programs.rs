//! Programs of the operator's that rotate secrets: run as a user who may do nothing here, or behind a socket of another
//! service, for a time that is bounded. What they are asked and answer is in README.md; `dew` writes and reads it.
//!
//! A program gets no argument and no variable that the configuration does not name. `setpriv` and `prlimit` (util-linux)
//! take from it what it has no use of, since what must happen between fork and exec cannot be written without `unsafe`.
//! Where the daemon may, a program has a namespace of processes to itself (`unshare`), which ends with it: whatever it
//! started ends then, too. Elsewhere what leaves its group of processes is not found.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use dew::csms::Fault;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, Uid, User};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use crate::harden::holds;

/// The most bytes of an answer, and of what a program complains of: a value, escaped, and what is around it.
const ANSWER: u64 = 256 << 10;
/// The most files that a program has open, and the most bytes of one that it writes.
const FILES: u32 = 256;
const FILE_BYTES: u32 = 64 << 20;
/// `CAP_SETUID`, `CAP_SETGID` and `CAP_KILL`: who holds them may run programs as another user.
const BECOMES_OTHERS: u64 = 1 << 7 | 1 << 6 | 1 << 5;
/// `CAP_SYS_ADMIN`: who holds it may make namespaces, unless something else forbids it.
const MAKES_NAMESPACES: u64 = 1 << 21;
/// Whether programs can be confined.
static CONFINES: LazyLock<bool> = LazyLock::new(|| {
    let mut tried = std::process::Command::new(CONFINED[0]);
    tried.args(&CONFINED[1..]).arg("/bin/true");
    tried.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    holds(MAKES_NAMESPACES) && tried.status().is_ok_and(|status| status.success())
});
/// What runs a command in a namespace of processes, the first of which waits for it and ends with the daemon.
const CONFINED: [&str; 12] = [
    "/usr/bin/setpriv",
    "--pdeathsig=KILL",
    "--",
    "/usr/bin/unshare",
    "--pid",
    "--fork",
    "--kill-child=KILL",
    "--",
    "/bin/sh",
    "-c",
    "unset PWD; \"$@\"; exit $?",
    "sh",
];

/// The sections `[rotation.programs.NAME]` of the configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Programs(BTreeMap<String, Program>);

/// One of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    /// What is run, by its whole path, and its arguments.
    command: Option<Vec<String>>,
    /// Who runs it.
    #[serde(default = "nobody")]
    user: String,
    /// Variables that it gets, beside `PATH`.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// In place of a command: a socket on which a service answers, once for each connection.
    socket: Option<PathBuf>,
    /// Seconds that it may take.
    #[serde(default = "a_minute")]
    seconds: u64,
    /// The ids of the projects whose secrets it rotates, or `*` for those of all. Who has secrets there says in their values
    /// what it is to change.
    #[serde(default)]
    projects: Vec<String>,
}

fn nobody() -> String {
    "nobody".to_owned()
}

const fn a_minute() -> u64 {
    60
}

impl Programs {
    /// Refuses what could not be run.
    ///
    /// # Errors
    /// What is wrong, and what was expected.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (name, program) in &self.0 {
            program.check().map_err(|why| format!("[rotation.programs.{name}] {why}"))?;
        }
        Ok(())
    }

    /// Asks a program, and gives its answer.
    ///
    /// # Errors
    /// `Program`
    pub(crate) fn run(&self, project: &str, name: &str, asked: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let known = self.0.get(name).filter(|program| program.serves(project));
        let program = known.ok_or_else(|| {
            Fault::Program(format!(
                "there is no program {name:?} for this project: [rotation.programs] in hsmd.toml lists them"
            ))
        })?;
        let limit = Duration::from_secs(program.seconds);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let ran = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
            runtime.block_on(async {
                match (&program.command, &program.socket) {
                    (Some(command), _) => program.run(command, asked, limit).await,
                    (None, Some(socket)) => within(limit, ask(socket, asked)).await,
                    (None, None) => Err("it has neither a command nor a socket".to_owned()),
                }
            })
        });
        ran.map_err(|why| Fault::Program(format!("the program {name} failed: {why}")))
    }
}

impl Program {
    fn check(&self) -> Result<(), String> {
        if self.projects.is_empty() {
            let text = "projects: expected the ids of those whose secrets it rotates, or \"*\" for all";
            return Err(text.to_owned());
        }
        if !(1..=600).contains(&self.seconds) {
            return Err(format!("seconds = {}: expected 1 to 600", self.seconds));
        }
        match (&self.command, &self.socket) {
            (Some(command), None) => {
                let Some(program) = command.first().filter(|program| Path::new(program).is_absolute()) else {
                    return Err(
                        "command: expected a list that begins with the whole path of a program".into()
                    );
                };
                if !Path::new(program).is_file() {
                    return Err(format!("command: there is no file {program:?}"));
                }
                let user = User::from_name(&self.user).ok().flatten();
                let user =
                    user.ok_or_else(|| format!("user: there is no {:?} on this machine", self.user))?;
                if user.uid.is_root() || user.uid == Uid::effective() {
                    return Err(format!(
                        "user: {:?} may do what hsmd may: expected another one, without rights",
                        self.user
                    ));
                }
                if !holds(BECOMES_OTHERS) {
                    return Err(format!(
                        "command: hsmd may not run it as {:?}: start hsmd with CAP_SETUID, CAP_SETGID and CAP_KILL, or \
                         better have a service answer on a socket",
                        self.user
                    ));
                }
                Ok(())
            }
            (None, Some(socket)) if socket.is_absolute() => Ok(()),
            (None, Some(_)) => Err("socket: expected a whole path".to_owned()),
            _ => Err("expected either command or socket".to_owned()),
        }
    }

    fn serves(&self, project: &str) -> bool {
        self.projects.iter().any(|one| one == project || one == "*")
    }

    /// Runs a command as somebody who may do nothing here.
    async fn run(
        &self,
        command: &[String],
        asked: &[u8],
        limit: Duration,
    ) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut child = self.unprivileged(command).spawn().map_err(|error| {
            format!("it cannot be started: {error}; setpriv and prlimit are of the package util-linux")
        })?;
        let group = child.id().and_then(|id| id.try_into().ok()).map(Pid::from_raw);
        let done = within(limit, talk(&mut child, asked)).await;
        // What it left behind goes with it.
        if let Some(group) = group {
            let _ = killpg(group, Signal::SIGKILL);
        }
        let _ = child.wait().await;
        let (answer, complaint, status) = done?;
        // Who fails may say why in an answer.
        let says_why = || {
            let answer = serde_json::from_slice::<serde_json::Value>(&answer);
            answer.is_ok_and(|answer| answer.get("error").is_some())
        };
        if status.success() || says_why() {
            return Ok(answer);
        }
        Err(format!("{status}{}", last_line(&complaint)))
    }

    fn unprivileged(&self, command: &[String]) -> Command {
        let mut words = CONFINED.iter().filter(|_| *CONFINES).chain(&["/usr/bin/setpriv"]);
        let mut all = Command::new(words.next().unwrap_or(&"/usr/bin/setpriv"));
        all.args(words).args([format!("--reuid={}", self.user), format!("--regid={}", self.group())]);
        all.args(["--clear-groups", "--no-new-privs", "--inh-caps=-all", "--pdeathsig=KILL", "--"]);
        all.args([
            "/usr/bin/prlimit".to_owned(),
            format!("--nofile={FILES}"),
            format!("--fsize={FILE_BYTES}"),
        ]);
        all.args(["--core=0", "--"]).args(command);
        all.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").envs(&self.environment);
        all.current_dir("/").process_group(0).kill_on_drop(true);
        all.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        all
    }

    /// The group of whoever runs it.
    fn group(&self) -> String {
        let user = User::from_name(&self.user).ok().flatten();
        user.map_or_else(|| self.user.clone(), |user| user.gid.to_string())
    }
}

/// Gives a program its question, and takes what it says until it ends.
async fn talk(
    child: &mut Child,
    asked: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>, ExitStatus), String> {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (answer, complaint, written) =
        tokio::join!(read_all(output), read_all(errors), write_all(input, asked));
    let status = child.wait().await.map_err(|error| error.to_string())?;
    // Who fails may have read nothing.
    if status.success() {
        written.map_err(|error| format!("it does not read its question: {error}"))?;
    }
    let answer = answer.map_err(|error| format!("its answer cannot be read: {error}"))?;
    Ok((answer, complaint.unwrap_or_default(), status))
}

/// Asks a service.
async fn ask(socket: &Path, asked: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    let open = UnixStream::connect(socket).await;
    let stream = open.map_err(|error| format!("nobody answers on {}: {error}", socket.display()))?;
    let (output, input) = stream.into_split();
    let (answer, written) = tokio::join!(read_all(Some(output)), write_all(Some(input), asked));
    let told = |error: io::Error| format!("the service on {} breaks off: {error}", socket.display());
    written.map_err(told)?;
    answer.map_err(told)
}

async fn write_all(to: Option<impl AsyncWrite + Unpin>, bytes: &[u8]) -> io::Result<()> {
    let Some(mut to) = to else { return Ok(()) };
    to.write_all(bytes).await?;
    to.shutdown().await
}

async fn read_all(from: Option<impl AsyncRead + Unpin>) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(8 << 10));
    let Some(from) = from else { return Ok(bytes) };
    from.take(ANSWER + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > ANSWER {
        return Err(io::Error::other(format!("expected at most {ANSWER} bytes")));
    }
    Ok(bytes)
}

/// What comes of it in a time.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = || format!("it is not done within {} s", limit.as_secs());
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}

/// The last line that a program complained with, behind a colon. It is whole: who cuts it looks for values in it before.
fn last_line(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.map(|line| format!(": {line}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_complaint_is_whole() {
        let long = "x".repeat(1000);
        assert_eq!(last_line(format!("Traceback\n  {long}\n\n").as_bytes()), format!(": {long}"));
        assert_eq!(last_line(b" \n"), "");
    }

    #[test]
    fn a_program_is_for_the_projects_that_are_listed_alone() {
        let programs: Programs =
            toml::from_str("[site]\nsocket = \"/none/such\"\nprojects = [\"one\", \"two\"]\n").unwrap();
        programs.check().unwrap();
        let why = |project: &str| programs.run(project, "site", b"").unwrap_err().to_string();
        assert!(why("one").contains("nobody answers on /none/such"), "{}", why("one"));
        for project in ["three", "*", ""] {
            assert!(why(project).contains("no program \"site\" for this project"), "{}", why(project));
        }
    }
}
