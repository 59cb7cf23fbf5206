//! `run`: a program with secrets in its environment, or in files that are in memory alone.

use std::fs::{File, Permissions};
use std::io::{Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use serde_json::{Map, Value};

use super::value::{bytes, pair_text, pairs};
use super::{In, Look, named, versions};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::table::printable;

/// Run a program with secrets in its environment, or in files in memory
///
/// The values are in no argument and on no disk. The program takes the place of this one.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// A secret whose pairs become variables; with VARIABLE=, its whole value becomes that one (repeatable).
    /// NAME:VERSION is another version than the current one
    #[arg(long = "secret", value_name = "[VARIABLE=]NAME", required_unless_present = "files")]
    secrets: Vec<String>,

    /// A secret whose value is in a file in memory, the path of which becomes a variable (repeatable)
    #[arg(long = "file", value_name = "VARIABLE=NAME")]
    files: Vec<String>,

    #[command(flatten)]
    look: Look,

    #[command(flatten)]
    place: In,

    /// The program and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// What becomes of a secret's value.
enum Way<'a> {
    /// Each pair is a variable.
    Pairs,
    /// It is a variable.
    Whole(&'a str),
    /// It is in a file, whose path is a variable.
    File(&'a str),
}

impl Run {
    pub(crate) fn run(&self, daemon: &Daemon) -> Result<(), Error> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Error::Usage("there is no program to run".into()));
        };
        let desk = self.place.desk(daemon)?;
        let code = self.look.ask(&desk, false)?;
        let ways = self.ways()?;
        let wanted: Vec<_> = ways.iter().map(|(_, secret)| named(secret)).collect();
        let values = versions(&desk, &wanted, code)?;
        let (mut command, mut open) = (Command::new(program), Vec::new());
        command.args(arguments);
        for ((way, secret), value) in ways.iter().zip(&values) {
            let value = bytes(value)?;
            match way {
                Way::Pairs => {
                    for (name, value) in &pairs_of(secret, &value)? {
                        check_given(name)?;
                        put(&mut command, name, &pair_text(value))?;
                    }
                }
                Way::Whole(name) => put(&mut command, name, text_of(secret, &value)?)?,
                Way::File(name) => {
                    let (file, path) = in_memory(&value)?;
                    put(&mut command, name, &path)?;
                    open.push(file);
                }
            }
        }
        let cause = command.exec();
        drop(open);
        Err(Error::File { path: program.into(), why: cause.to_string() })
    }

    /// The secrets that are wanted, and what becomes of each.
    fn ways(&self) -> Result<Vec<(Way<'_>, &str)>, Error> {
        let mut ways: Vec<(Way<'_>, &str)> = Vec::new();
        for secret in &self.secrets {
            ways.push(match secret.split_once('=') {
                Some((variable, secret)) => (Way::Whole(variable), secret),
                None => (Way::Pairs, secret),
            });
        }
        for file in &self.files {
            let (variable, secret) = file
                .split_once('=')
                .ok_or_else(|| Error::Usage(format!("{file:?}: expected VARIABLE=NAME")))?;
            ways.push((Way::File(variable), secret));
        }
        Ok(ways)
    }
}

fn text_of<'a>(secret: &str, value: &'a [u8]) -> Result<&'a str, Error> {
    std::str::from_utf8(value)
        .map_err(|_| Error::Failed(format!("{:?} is no text: --file has it", printable(secret))))
}

fn pairs_of(secret: &str, value: &[u8]) -> Result<Map<String, Value>, Error> {
    pairs(value).ok_or_else(|| {
        let secret = printable(secret);
        Error::Failed(format!("{secret:?} is not of pairs: --secret VARIABLE={secret} takes it as a whole"))
    })
}

/// Variables by which programs are told what to run: of the linker and the C library, shells, interpreters, and what
/// loads modules or starts others. Those that begin so, where one ends with `_`.
const SAY_WHAT_IS_RUN: &[&str] = &[
    "PATH",
    "LD_",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "SHELL",
    "SHELLOPTS",
    "BASHOPTS",
    "BASH_ENV",
    "ENV",
    "IFS",
    "PS4",
    "PROMPT_COMMAND",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PERL5LIB",
    "PERL5OPT",
    "PERL5DB",
    "RUBYLIB",
    "RUBYOPT",
    "NODE_OPTIONS",
    "NODE_PATH",
    "CLASSPATH",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "LUA_PATH",
    "LUA_CPATH",
    "LUA_INIT",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "GIT_",
    "OPENSSL_CONF",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
];

/// Refuses a pair by which whoever may write the secret would say what is run, and not only with what.
fn check_given(name: &str) -> Result<(), Error> {
    let is_it = |known: &&str| name == *known || known.ends_with('_') && name.starts_with(*known);
    if SAY_WHAT_IS_RUN.iter().any(is_it) {
        return Err(Error::Failed(format!(
            "a pair is named {name}, which says what is run: `--secret {name}=NAME` sets it from a secret of its own"
        )));
    }
    Ok(())
}

fn put(command: &mut Command, name: &str, value: &str) -> Result<(), Error> {
    check(name, value)?;
    command.env(name, value);
    Ok(())
}

/// Refuses what cannot be a variable of an environment.
fn check(name: &str, value: &str) -> Result<(), Error> {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if !begins || !bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(Error::Failed(format!(
            "{:?} cannot be a variable: expected letters, digits and _",
            printable(name)
        )));
    }
    if value.contains('\0') {
        return Err(Error::Failed(format!(
            "the value of {name} has a zero byte in it: --file has such a one"
        )));
    }
    Ok(())
}

/// A file that is in memory alone and that the program inherits, and its path there. It can be read and not changed. The
/// path names the program, which has this process's number, so that it is good for what that starts without its files, too.
fn in_memory(value: &[u8]) -> Result<(OwnedFd, String), Error> {
    let fault =
        |cause: std::io::Error| Error::File { path: "a file in memory".into(), why: cause.to_string() };
    let of = |error: nix::Error| fault(error.into());
    let fd = memfd_create("secret", MFdFlags::MFD_ALLOW_SEALING).map_err(of)?;
    let mut file = File::from(fd);
    file.write_all(value).and_then(|()| file.rewind()).map_err(fault)?;
    // Programs take no key from a file that others may read.
    file.set_permissions(Permissions::from_mode(0o400)).map_err(fault)?;
    let seals =
        SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).map_err(of)?;
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    Ok((file.into(), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_variable_is_refused() {
        for good in ["A", "_a1", "db_password"] {
            assert!(check(good, "value\nof two lines").is_ok(), "{good}");
        }
        for bad in ["", "1a", "a-b", "a b", "a=b", "ä", "LD PRELOAD"] {
            assert!(check(bad, "x").is_err(), "{bad}");
        }
        assert!(check("A", "x\0y").is_err());
    }

    #[test]
    fn no_pair_says_what_is_run() {
        for bad in [
            "PATH",
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "BASH_ENV",
            "ENV",
            "IFS",
            "PYTHONPATH",
            "NODE_OPTIONS",
            "PERL5OPT",
            "RUBYOPT",
            "JAVA_TOOL_OPTIONS",
            "GIT_SSH_COMMAND",
            "OPENSSL_CONF",
        ] {
            assert!(check_given(bad).is_err(), "{bad}");
        }
        for good in ["DB_USER", "LDAP_HOST", "XPATH", "ENVIRONMENT", "GITHUB_TOKEN", "NODE_ENV"] {
            assert!(check_given(good).is_ok(), "{good}");
        }
    }
}
