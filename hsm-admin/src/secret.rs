//! PINs and passphrases: from a prompt without echo, a file or a file descriptor, and from nowhere else.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use wire::Bytes;
use zeroize::Zeroizing;

use crate::error::Error;

/// The longest secret that is read, in bytes.
const LONGEST: usize = 4096;
/// The longest file that is a secret as a whole, in bytes.
const LONGEST_TEXT: usize = 32 << 10;

/// Whether a prompt asks again, to be sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// The secret exists: the daemon tells whether it is right.
    Once,
    /// The secret is being set: a slip of the finger would lock its owner out.
    Twice,
}

/// Where a secret is, if it is not to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    File(PathBuf),
    Descriptor(u32),
}

impl Source {
    /// What the two options of a secret say; the grammar lets only one of them be given.
    pub(crate) fn of(file: Option<&Path>, descriptor: Option<u32>) -> Option<Self> {
        file.map(|path| Self::File(path.to_owned())).or(descriptor.map(Self::Descriptor))
    }

    /// Reads the first line: `what` is its name in errors.
    pub(crate) fn read(&self, what: &str) -> Result<Bytes, Error> {
        let (path, from) = match self {
            Self::File(path) => (path.clone(), path.display().to_string()),
            Self::Descriptor(fd) => (PathBuf::from(format!("/dev/fd/{fd}")), format!("descriptor {fd}")),
        };
        File::open(path).and_then(first_line).map_err(|cause| Error::Secret {
            what: what.to_owned(),
            from,
            cause,
        })
    }
}

/// Every line of a file as a secret of its own: `what` is their name in errors.
pub(crate) fn lines(path: &Path, what: &str) -> Result<Vec<Bytes>, Error> {
    let read = |file: File| {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 2));
        file.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long"));
        }
        bytes.split_inclusive(|&byte| byte == b'\n').map(first_line).collect()
    };
    File::open(path).and_then(read).map_err(|cause| Error::Secret {
        what: what.to_owned(),
        from: path.display().to_string(),
        cause,
    })
}

/// All of a file, which is a text: `what` is its name in errors.
pub(crate) fn whole(path: &Path, what: &str) -> Result<Zeroizing<String>, Error> {
    let read = |file: File| {
        let mut text = Zeroizing::new(String::with_capacity(LONGEST_TEXT + 2));
        file.take(LONGEST_TEXT as u64 + 1).read_to_string(&mut text)?;
        match text.len() {
            0 => Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty")),
            1..=LONGEST_TEXT => Ok(text),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long")),
        }
    };
    File::open(path).and_then(read).map_err(|cause| Error::Secret {
        what: what.to_owned(),
        from: path.display().to_string(),
        cause,
    })
}

/// The first line of `from`, without its end; there must be something in it.
fn first_line(from: impl Read) -> io::Result<Bytes> {
    let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidData, why));
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 2));
    from.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line.len() {
        0 => refuse("its first line is empty"),
        len if len > LONGEST => refuse("its first line is too long"),
        _ => Ok(Bytes::from(line)),
    }
}

/// Asks for `what` on the terminal, without echo; an empty answer is `None`.
///
/// `instead` tells what to do where there is no terminal.
pub(crate) fn ask(what: &str, prompt: Prompt, instead: &str) -> Result<Option<Bytes>, Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::Usage(format!("no terminal to ask for {what}: {instead}")));
    }
    let first = hidden(what, &format!("{}: ", capital(what)))?;
    if first.is_empty() {
        return Ok(None);
    }
    if prompt == Prompt::Twice && *hidden(what, "The same again: ")? != *first {
        return Err(Error::NotConfirmed(format!("the two entries of {what} differ")));
    }
    Ok(Some(Bytes::from(first.as_bytes())))
}

/// Reads from the file or descriptor, else asks; an empty answer is an error.
pub(crate) fn obtain(
    source: Option<Source>,
    what: &str,
    prompt: Prompt,
    instead: &str,
) -> Result<Bytes, Error> {
    match source {
        Some(source) => source.read(what),
        None => ask(what, prompt, instead)?.ok_or_else(|| Error::NotConfirmed(format!("{what} is empty"))),
    }
}

/// A secret as a text: `what` is its name in errors.
pub(crate) fn text(secret: &[u8], what: &str) -> Result<Zeroizing<String>, Error> {
    let text = std::str::from_utf8(secret).map(|text| Zeroizing::new(text.to_owned()));
    text.map_err(|_| Error::Usage(format!("{what} is no text in UTF-8")))
}

/// Has a person type `word`, to show that they mean it.
pub(crate) fn confirm(consequence: &str, kind: &str, word: &str) -> Result<(), Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::Usage("no terminal to ask for confirmation: give --yes".into()));
    }
    let shown = crate::table::printable(word);
    anstream::eprintln!("{consequence}");
    anstream::eprint!("Type {kind} to go on ({shown}): ");
    let mut typed = String::new();
    io::stdin().read_line(&mut typed).map_err(Error::Print)?;
    if typed.trim_end_matches(['\r', '\n']) == word {
        Ok(())
    } else {
        Err(Error::NotConfirmed(format!("that is not {kind}")))
    }
}

fn hidden(what: &str, prompt: &str) -> Result<Zeroizing<String>, Error> {
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|cause| Error::Secret {
        what: what.to_owned(),
        from: "the terminal".into(),
        cause,
    })
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_first_line_without_its_end() {
        for text in ["12345678", "12345678\n", "12345678\r\n", "12345678\nnot this\n"] {
            assert_eq!(*first_line(text.as_bytes()).unwrap(), *b"12345678", "{text:?}");
        }
        assert_eq!(*first_line(&b" a b "[..]).unwrap(), *b" a b ");
    }

    #[test]
    fn an_empty_or_endless_secret_is_refused() {
        assert!(first_line(&b""[..]).is_err());
        assert!(first_line(&b"\n12345678"[..]).is_err());
        assert!(first_line(io::repeat(b'x')).is_err());
        assert_eq!(first_line(io::repeat(b'x').take(4096)).unwrap().len(), LONGEST);
    }

    #[test]
    fn an_error_names_the_file_and_never_its_content() {
        let error = Source::File("/nowhere/so.pin".into()).read("the SO's PIN").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("cannot read the SO's PIN from /nowhere/so.pin: No such file"), "{text}");
    }
}
