//! Where a log is: a folder, or its segments one by one.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use audit::segment::{Broken, Checkpoint, Frame, Reader, Signed};
use audit::{HEAD, PublicKey, Record};
use clap::Args;

use crate::Failure;

/// A head has a few hundred bytes, and so has a key; more is not read.
const SMALL: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// The folder of the log, or its segments in order
    #[arg(required = true, value_name = "DIR|FILES")]
    paths: Vec<PathBuf>,
}

/// A log's files.
pub(crate) struct Files {
    pub(crate) segments: Vec<PathBuf>,
    /// Where the head is, if a folder was given.
    pub(crate) head: Option<PathBuf>,
}

impl Log {
    pub(crate) fn files(&self) -> Result<Files, Failure> {
        match self.paths.as_slice() {
            [folder] if folder.is_dir() => {
                let read = |error: std::io::Error| Failure::file(folder)(error.into());
                let mut segments = Vec::new();
                for entry in fs::read_dir(folder).map_err(read)? {
                    let entry = entry.map_err(read)?;
                    let name = entry.file_name().to_string_lossy().into_owned();
                    if name.starts_with("audit-") && name.ends_with(".log") {
                        segments.push(entry.path());
                    }
                }
                segments.sort();
                if segments.is_empty() {
                    return Err(Failure::Usage(format!("{} has no segment of a log", folder.display())));
                }
                Ok(Files { segments, head: Some(folder.join(HEAD)) })
            }
            paths => Ok(Files { segments: paths.to_vec(), head: None }),
        }
    }
}

pub(crate) fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    let file = File::open(path).map_err(|error| Failure::file(path)(error.into()))?;
    Ok(BufReader::with_capacity(256 * 1024, file))
}

fn small(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = open(path).map(|file| std::io::Read::take(file, SMALL))?;
    std::io::Read::read_to_end(&mut { read }, &mut bytes)
        .map_err(|error| Failure::file(path)(error.into()))?;
    Ok(bytes)
}

pub(crate) fn key(path: &Path) -> Result<PublicKey, Failure> {
    PublicKey::from_pem(&small(path)?).map_err(Failure::file(path))
}

pub(crate) fn head(path: &Path) -> Result<Signed<Checkpoint>, Failure> {
    Signed::from_head(&small(path)?).map_err(Failure::file(path))
}

pub(crate) fn proof(path: &Path) -> Result<audit::prove::Proof, Failure> {
    serde_json::from_slice(&small(path)?)
        .map_err(|error| Failure::Usage(format!("{} is no proof: {error}", path.display())))
}

/// Every record of the log, unchecked, as long as `each` says that it wants more.
pub(crate) fn records(
    files: &Files,
    mut each: impl FnMut(&Record) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    for path in &files.segments {
        let mut reader = match Reader::open(open(path)?) {
            Ok(reader) => reader,
            // A segment that was just begun holds nothing.
            Err(audit::Error::TornHeader) => continue,
            Err(error) => return Err(Failure::file(path)(error)),
        };
        loop {
            let cause = match reader.frame() {
                Ok(Some(Frame::Record { bytes, .. })) => {
                    let record = Record::decode(bytes).map_err(Failure::file(path))?;
                    if !each(&record)? {
                        return Ok(());
                    }
                    continue;
                }
                Ok(Some(_)) => continue,
                Ok(None) | Err(Broken::Torn) => break,
                Err(Broken::Io(error)) => return Err(Failure::file(path)(error.into())),
                Err(Broken::Malformed(error)) => error,
                Err(Broken::Length(_)) => {
                    audit::Error::Malformed("a frame has an impossible length (see `verify`)")
                }
            };
            // What a crash left behind the last whole frame.
            if reader.ends_in_zeros()? {
                break;
            }
            return Err(Failure::file(path)(cause));
        }
    }
    Ok(())
}
