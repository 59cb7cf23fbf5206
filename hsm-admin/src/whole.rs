//! Files that are there whole or not at all, even where the power fails or the stick is full.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner.
    Owner,
    /// Everyone.
    All,
}

/// Makes a file. What is at the path stays: then it is `AlreadyExists`.
pub(crate) fn create(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    written(path, bytes, readers)?.persist_noclobber(path).map_err(|error| error.error)?;
    sync_folder(path)
}

/// Puts other bytes in the place of a file's, at once.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Through a link to where the file is: else the link would be replaced, and the file stay as it was.
    let path = path.canonicalize()?;
    written(&path, bytes, Readers::Owner)?.persist(&path).map_err(|error| error.error)?;
    sync_folder(&path)
}

/// Writes a file for its owner alone: one that is there is replaced at once, whoever could read it. What is no file, such
/// as a pipe, is written to.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(there) if there.is_file() => replace(path, bytes),
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => OpenOptions::new().write(true).open(path)?.write_all(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path, bytes, Readers::Owner),
        Err(error) => Err(error),
    }
}

/// The bytes on the disk beside the path, under a name that vanishes unless it is kept.
fn written(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<NamedTempFile> {
    let mode = if readers == Readers::All { 0o644 } else { 0o600 };
    let mut file = tempfile::Builder::new()
        .prefix(".hsm-admin-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_is_there_stays_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one");
        create(&path, b"first", Readers::Owner).unwrap();
        let again = create(&path, b"second", Readers::Owner).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_put_is_for_its_owner_alone_whatever_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one");
        put(&path, b"first").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let reader = File::open(&path).unwrap();
        put(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(io::read_to_string(reader).unwrap(), "first", "who had it open has what was there");
        put(Path::new("/dev/null"), b"third").unwrap();
        assert!(put(folder.path(), b"fourth").is_err());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_file_is_replaced_where_it_is_and_not_the_link_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("one"), folder.path().join("link"));
        create(&path, b"first", Readers::Owner).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, b"second").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert!(replace(&folder.path().join("none"), b"x").is_err());
    }
}
