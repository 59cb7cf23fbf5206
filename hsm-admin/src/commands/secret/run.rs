//! `run`: a program with secrets in its environment, or in files that are in memory alone.

use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use zeroize::Zeroizing;

use super::value::{bytes, pair_text, pairs};
use super::{Desk, In, Look, named, version};
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

impl Run {
    pub(crate) fn run(&self, daemon: &Daemon) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let mut variables = Vec::new();
        for secret in &self.secrets {
            match secret.split_once('=') {
                Some((variable, secret)) => {
                    variables.push((variable.to_owned(), self.text(&desk, secret)?));
                }
                None => variables.extend(self.pairs(&desk, secret)?),
            }
        }
        let mut open = Vec::new();
        for file in &self.files {
            let (variable, secret) = file
                .split_once('=')
                .ok_or_else(|| Error::Usage(format!("{file:?}: expected VARIABLE=NAME")))?;
            let (file, path) = in_memory(&self.value(&desk, secret)?)?;
            variables.push((variable.to_owned(), Zeroizing::new(path)));
            open.push(file);
        }
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Error::Usage("there is no program to run".into()));
        };
        let mut command = Command::new(program);
        command.args(arguments);
        for (name, value) in &variables {
            check(name, value)?;
            command.env(name, value.as_str());
        }
        let cause = command.exec();
        drop(open);
        Err(Error::File { path: program.into(), why: cause.to_string() })
    }

    fn value(&self, desk: &Desk<'_>, secret: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (name, which) = named(secret);
        let code = self.look.ask(desk, false)?;
        bytes(&version(desk, name, which, code)?)
    }

    fn text(&self, desk: &Desk<'_>, secret: &str) -> Result<Zeroizing<String>, Error> {
        let value = self.value(desk, secret)?;
        let text = String::from_utf8(value.to_vec());
        text.map(Zeroizing::new)
            .map_err(|_| Error::Failed(format!("{:?} is no text: --file has it", printable(secret))))
    }

    fn pairs(&self, desk: &Desk<'_>, secret: &str) -> Result<Vec<(String, Zeroizing<String>)>, Error> {
        let value = self.value(desk, secret)?;
        let pairs = pairs(&value).ok_or_else(|| {
            let secret = printable(secret);
            Error::Failed(format!(
                "{secret:?} is not of pairs: --secret VARIABLE={secret} takes it as a whole"
            ))
        })?;
        Ok(pairs.into_iter().map(|(name, value)| (name, pair_text(&value))).collect())
    }
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

/// A file that is in memory alone and that the program inherits, and its path there. It can be read and not changed.
fn in_memory(value: &[u8]) -> Result<(OwnedFd, String), Error> {
    let fault =
        |cause: std::io::Error| Error::File { path: "a file in memory".into(), why: cause.to_string() };
    let of = |error: nix::Error| fault(error.into());
    let fd = memfd_create("secret", MFdFlags::MFD_ALLOW_SEALING).map_err(of)?;
    let mut file = File::from(fd);
    file.write_all(value).and_then(|()| file.rewind()).map_err(fault)?;
    let seals =
        SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).map_err(of)?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
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
}
