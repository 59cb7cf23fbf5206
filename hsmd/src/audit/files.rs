//! The log's directory: what a crash or somebody left there, and how the log goes on from it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::chain::Resumed;
use audit::segment::{Checkpoint, Frame, Reader, Signed, State};
use audit::{Error, HEAD, PublicKey, Record, Writer, file_name};
use hsm::vault::NotRecorded;
use tracing::{error, warn};

use super::form::now;
use super::forward::CURSOR;
use super::keys::{Key, Keys};

/// The folder with the marks of what was transferred, which count in the log's numbers.
pub(crate) const TRANSFERRED: &str = "transferred";

/// The name of the file with the public key of the oldest segment, with which a verifier begins.
const PUBLIC_KEY: &str = "public-key.pem";

/// A log that can be written on.
pub(super) struct Begun {
    pub(super) writer: Writer,
    /// The key that signs what comes next.
    pub(super) signer: Key,
    pub(super) file: File,
    /// Bytes of the newest segment.
    pub(super) length: u64,
    /// The greatest number of a note in the log.
    pub(super) note: u64,
    /// The newest checkpoint, if the log has any.
    pub(super) head: Option<Signed<Checkpoint>>,
    /// Whether it is read only, and why.
    pub(super) read_only: Option<NotRecorded>,
    /// What was given up to open it, if anything.
    pub(super) lost: Option<String>,
    /// The fingerprints of the key that signed up to here and of the one that signs from here on, if it is another.
    pub(super) changed: Option<(String, String)>,
}

/// What the store knows of the log.
#[derive(Clone)]
pub(super) struct Mark {
    /// The greatest number of a note that was durable in the log.
    pub(super) note: u64,
    /// The newest checkpoint.
    pub(super) head: Signed<Checkpoint>,
}

impl Mark {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&self.note.to_le_bytes()[..], &self.head.to_head()].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (note, head) = bytes.split_first_chunk().ok_or(Error::Malformed("no mark"))?;
        Ok(Self { note: u64::from_le_bytes(*note), head: Signed::from_head(head)? })
    }
}

/// Why the log cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// It is not what it was.
    #[error(
        "the audit log in {directory} was cut or changed: {what}. Find out who did that; to go on, keep the files, \
         and start once with --accept-audit-loss"
    )]
    Lost {
        /// Where it should be.
        directory: String,
        /// What is wrong.
        what: String,
    },
    /// It cannot be read or written.
    #[error("the audit log in {directory} cannot be used: {error}")]
    Io {
        /// Where it is.
        directory: String,
        /// What the system says.
        error: io::Error,
    },
    /// Records cannot be forwarded as the configuration says.
    #[error("[audit.forward]: {0}")]
    Forward(String),
    /// It cannot be signed, or the like.
    #[error("the audit log cannot be begun: {0}")]
    Other(#[from] Error),
}

/// Opens the log, or begins it.
///
/// # Errors
/// `Lost` if it is not what the store knows of it, unless the loss is accepted: then a new log is begun, and what
/// is left of the old one is moved into a directory of its own.
pub(super) fn open(
    directory: &Path,
    hsm: &str,
    keys: &Keys,
    mark: Option<&Mark>,
    accept_loss: bool,
) -> Result<Begun, OpenError> {
    let io = |error: io::Error| OpenError::Io { directory: directory.display().to_string(), error };
    match DirBuilder::new().recursive(true).mode(0o750).create(directory) {
        Err(error) if !directory.is_dir() => return Err(io(error)),
        _ => {}
    }
    let what = match resume(directory, keys, mark) {
        Ok(Some(begun)) => {
            let begun = go_on(directory, keys, begun).map_err(io)?;
            write_public_keys(directory, keys, &begun.signer);
            return Ok(begun);
        }
        Ok(None) => None,
        Err(Error::Io(error)) => return Err(io(error)),
        Err(error) => Some(error.to_string()),
    };
    if let Some(what) = &what {
        if !accept_loss {
            return Err(OpenError::Lost { directory: directory.display().to_string(), what: what.clone() });
        }
        error!("the audit log was cut or changed, and that was accepted: {what}");
        set_aside(directory).map_err(io)?;
    }
    let signer = Arc::clone(keys.chosen());
    let mut log = [0; 16];
    crypto::random::fill(&mut log).map_err(Error::from)?;
    let mut bytes = Vec::new();
    let mut writer = Writer::create(log, hsm.into(), &*signer, now(), &mut bytes)?;
    let head = writer.checkpoint(State::Open, &*signer, now(), &mut bytes)?;
    let file = make(directory, &file_name(1), &bytes).map_err(io)?;
    replace(directory, HEAD, &head.to_head()).map_err(io)?;
    write_public_keys(directory, keys, &signer);
    let (length, note) = (bytes.len() as u64, mark.map_or(0, |mark| mark.note));
    Ok(Begun {
        writer,
        signer,
        file,
        length,
        note,
        head: Some(head),
        read_only: None,
        lost: what,
        changed: None,
    })
}

/// Goes on with what is there; none if there never was a log.
fn resume(directory: &Path, keys: &Keys, mark: Option<&Mark>) -> Result<Option<Begun>, Error> {
    let mut segments = segments(directory)?;
    let tampered = |segment, what: &str| Error::Tampered { segment, offset: 0, what: what.to_owned() };
    let wanted = mark.map_or(0, |mark| mark.head.body.segment);
    loop {
        let Some((segment, path)) = segments.pop() else {
            return match mark {
                None => Ok(None),
                Some(mark) => Err(tampered(
                    wanted,
                    &format!("the log is gone, and it had {} records", mark.head.body.sequence),
                )),
            };
        };
        if segment < wanted {
            return Err(tampered(segment, &format!("it ends here, and it had segment {wanted}")));
        }
        let (file, read_only) = open_to_write(&path)?;
        let named = signed_by(&path)?;
        let signer = Arc::clone(named.and_then(|key| keys.of(&key)).unwrap_or(keys.chosen()));
        let key = signer.public();
        let head = newest_head(directory, &key, mark);
        let resumed = match Writer::resume(BufReader::with_capacity(1 << 20, &file), &key, head.as_ref()) {
            Ok(resumed) => resumed,
            Err(Error::TornHeader) if !segments.is_empty() || mark.is_none() => {
                warn!("{} was begun and nothing written to it when the daemon ended", path.display());
                fs::remove_file(&path)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Resumed { writer, length, torn, .. } = resumed;
        if torn {
            warn!("a write to {} was cut short: what it left is cut off", path.display());
            file.set_len(length)?;
        }
        let floor = mark.map_or(0, |mark| mark.note);
        let note = match last_note(&path, length)? {
            0 if segment > wanted => before(&segments, wanted)?.max(floor),
            note => note.max(floor),
        };
        let (head, lost, changed) = (None, None, None);
        return Ok(Some(Begun { writer, signer, file, length, note, head, read_only, lost, changed }));
    }
}

/// The key that a segment's header names; none if it has no whole header, which whoever reads on will find.
fn signed_by(path: &Path) -> Result<Option<PublicKey>, Error> {
    match Reader::open(BufReader::new(File::open(path)?)) {
        Ok(reader) => Ok(Some(reader.header().body.key.clone())),
        Err(Error::Io(error)) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// The greatest number of a note in earlier segments, as far back as the store does not know.
fn before(segments: &[(u64, PathBuf)], wanted: u64) -> Result<u64, Error> {
    for (segment, path) in segments.iter().rev() {
        let note = last_note(path, u64::MAX)?;
        if note > 0 || *segment <= wanted {
            return Ok(note);
        }
    }
    Ok(0)
}

/// The greatest number of a note in a segment.
fn last_note(path: &Path, length: u64) -> Result<u64, Error> {
    let mut reader = Reader::open(BufReader::with_capacity(1 << 20, File::open(path)?))?;
    let mut note = 0;
    while reader.offset() < length {
        match reader.frame() {
            Ok(Some(Frame::Record { bytes, .. })) => note = note.max(Record::decode(bytes)?.commit),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => break,
        }
    }
    Ok(note)
}

/// Begins the next segment if the last one has ended, or another key was chosen to sign.
fn go_on(directory: &Path, keys: &Keys, mut begun: Begun) -> io::Result<Begun> {
    if begun.read_only.is_some() {
        return Ok(begun);
    }
    if begun.writer.ended() {
        let named = keys.of(begun.writer.key()).ok_or_else(|| io::Error::other(Error::OtherKey))?;
        begun.signer = Arc::clone(named);
        let mut bytes = Vec::new();
        begun.writer.next(&*begun.signer, now(), &mut bytes).map_err(io::Error::other)?;
        begun.file = make(directory, &file_name(begun.writer.segment()), &bytes)?;
        begun.length = bytes.len() as u64;
    }
    let (old, new) = (begun.signer.public(), keys.chosen().public());
    if old != new {
        let (mut last, mut first) = (Vec::new(), Vec::new());
        let rolled = begun.writer.roll(&*begun.signer, &**keys.chosen(), now(), &mut last, &mut first);
        rolled.map_err(io::Error::other)?;
        begun.file.write_all_at(&last, begun.length)?;
        begun.file.sync_data()?;
        begun.file = make(directory, &file_name(begun.writer.segment()), &first)?;
        begun.length = first.len() as u64;
        begun.signer = Arc::clone(keys.chosen());
        let fingerprint = |key: &PublicKey| key.fingerprint().unwrap_or_default();
        begun.changed = Some((fingerprint(&old), fingerprint(&new)));
    }
    Ok(begun)
}

/// Reads a segment again up to where it is known to be good, and cuts off the rest.
pub(super) fn again(
    directory: &Path,
    segment: u64,
    length: u64,
    key: &PublicKey,
) -> Result<(Writer, File), Error> {
    let (file, read_only) = open_to_write(&directory.join(file_name(segment)))?;
    if let Some(why) = read_only {
        return Err(io::Error::other(why.to_string()).into());
    }
    file.set_len(length)?;
    let resumed = Writer::resume(BufReader::with_capacity(1 << 20, &file), key, None)?;
    Ok((resumed.writer, file))
}

fn open_to_write(path: &Path) -> Result<(File, Option<NotRecorded>), Error> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => Ok((file, None)),
        Err(error) if matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem) => {
            Ok((File::open(path)?, Some(NotRecorded::ReadOnly(error.to_string()))))
        }
        Err(error) => Err(error.into()),
    }
}

/// The newest checkpoint that is known: the store's, or one of the directory's own that is of the same log.
fn newest_head(directory: &Path, key: &PublicKey, mark: Option<&Mark>) -> Option<Signed<Checkpoint>> {
    let here = fs::read(directory.join(HEAD)).ok().and_then(|bytes| Signed::from_head(&bytes).ok());
    let here = here.filter(|head| head.verify(key).is_ok());
    let known = mark.map(|mark| mark.head.clone());
    let newer = |head: &Signed<Checkpoint>| {
        known
            .as_ref()
            .is_none_or(|known| known.body.log == head.body.log && known.body.sequence < head.body.sequence)
    };
    here.filter(newer).or_else(|| known.clone())
}

/// The segments that are there, in their order.
pub(super) fn segments(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix("audit-").and_then(|name| name.strip_suffix(".log"));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Moves what is there of a log into a directory of its own, and with it how far it was sent and transferred.
pub(super) fn set_aside(directory: &Path) -> io::Result<()> {
    let aside = directory.join(format!("lost-{}", now()));
    DirBuilder::new().mode(0o750).create(&aside)?;
    move_into(directory, &aside)
}

/// Moves a log. What counts in its numbers goes first: wherever this ends, none of it is left for another log.
fn move_into(directory: &Path, aside: &Path) -> io::Result<()> {
    for name in [HEAD, CURSOR, TRANSFERRED] {
        match fs::rename(directory.join(name), aside.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    for (_, path) in segments(directory)? {
        if let Some(name) = path.file_name() {
            fs::rename(&path, aside.join(name))?;
        }
    }
    Ok(())
}

/// Writes the public key of the oldest segment, and that of what is signed now if it is another.
fn write_public_keys(directory: &Path, keys: &Keys, signer: &Key) {
    let oldest = segments(directory).ok().and_then(|segments| signed_by(&segments.first()?.1).ok().flatten());
    let first = oldest.and_then(|key| keys.of(&key)).unwrap_or(signer);
    write_public_key(directory, PUBLIC_KEY, &first.public());
    if first.public() != signer.public() {
        let algorithm = signer.public().algorithm().name().to_lowercase();
        write_public_key(directory, &format!("public-key-{algorithm}.pem"), &signer.public());
    }
}

fn write_public_key(directory: &Path, name: &str, key: &PublicKey) {
    let wrote = key.to_pem().map_err(|error| error.to_string()).and_then(|pem| {
        let there = fs::read(directory.join(name)).is_ok_and(|there| there == pem.as_bytes());
        if there {
            return Ok(());
        }
        replace(directory, name, pem.as_bytes()).map_err(|error| error.to_string())
    });
    if let Err(error) = wrote {
        warn!("the public key of the audit log is not in {}: {error}", directory.display());
    }
}

/// Makes a file with this content, durably.
pub(super) fn make(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<File> {
    let path = directory.join(name);
    let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o640).open(&path);
    let wrote = made.and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(file)
    });
    if wrote.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
        let _ = fs::remove_file(&path);
    }
    let file = wrote?;
    File::open(directory)?.sync_all()?;
    Ok(file)
}

/// Gives a file new content: the old or the new is there, whatever happens.
pub(crate) fn replace(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = directory.join(format!(".{name}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&beside, directory.join(name))
}

/// Gives a file new content, which is there for good when it returns.
pub(crate) fn replace_durably(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    replace(directory, name, bytes)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cursor_stays_of_a_log_that_was_moved_in_part() {
        let directory = tempfile::tempdir().unwrap();
        let (here, aside) = (directory.path(), directory.path().join("aside"));
        for name in [HEAD, CURSOR, &file_name(1), &file_name(2)] {
            fs::write(here.join(name), name).unwrap();
        }
        fs::create_dir(here.join(TRANSFERRED)).unwrap();
        // Nothing can be moved to where a directory is.
        fs::create_dir_all(aside.join(file_name(2))).unwrap();
        move_into(here, &aside).unwrap_err();
        for name in [HEAD, CURSOR, TRANSFERRED] {
            assert!(aside.join(name).exists() && !here.join(name).exists(), "{name}");
        }
        assert_eq!(segments(here).unwrap().len(), 1);
    }
}
