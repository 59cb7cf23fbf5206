//! The root key in a file, or in a service credential, which is a file too.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crypto::{Secret, random};
use hsm::vault::RootKey;
use zeroize::Zeroizing;

use super::RootKeyError;

/// The root key in a file: 64 hexadecimal digits or 32 bytes. One that is `guarded` must be the daemon's alone.
///
/// # Errors
/// `Form`, `Mode`, `Owner`, `Missing`; else those of input and output.
pub(super) fn read(path: &Path, guarded: bool) -> Result<RootKey, RootKeyError> {
    parse(&content(path, guarded, 100)?).ok_or_else(|| RootKeyError::Form { path: path.into() })
}

fn content(path: &Path, guarded: bool, limit: usize) -> Result<Zeroizing<Vec<u8>>, RootKeyError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => RootKeyError::Missing { path: path.into() },
        _ => RootKeyError::File { path: path.into(), error },
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if guarded {
        let mode = metadata.mode() & 0o7777;
        if mode & 0o177 != 0 {
            return Err(RootKeyError::Mode { path: path.into(), mode });
        }
        let expected = nix::unistd::geteuid().as_raw();
        if metadata.uid() != expected {
            return Err(RootKeyError::Owner { path: path.into(), owner: metadata.uid(), expected });
        }
    }
    // Room for all that is read, so that the buffer never moves and leaves a copy behind.
    let mut content = Zeroizing::new(Vec::with_capacity(limit + 64));
    (&file).take(limit as u64).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

/// The first line of a file that is the daemon's alone.
///
/// # Errors
/// As [`read`].
pub(super) fn read_line(path: &Path) -> Result<Zeroizing<Vec<u8>>, RootKeyError> {
    let mut line = content(path, true, 1024)?;
    let end = line.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(line.len());
    line.truncate(end);
    Ok(line)
}

/// 64 hexadecimal digits, with white space around them or not; or 32 bytes.
fn parse(content: &[u8]) -> Option<RootKey> {
    if content.len() == RootKey::LEN {
        return RootKey::new(Secret::new(content.to_vec()));
    }
    let digits = content.trim_ascii();
    if digits.len() != 2 * RootKey::LEN {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut key = Zeroizing::new(Vec::with_capacity(RootKey::LEN));
    for pair in digits.chunks_exact(2) {
        let mut pair = pair.iter().map(digit);
        let (high, low) = (pair.next()??, pair.next()??);
        key.push(u8::try_from(high * 16 + low).ok()?);
    }
    RootKey::new(Secret::new(std::mem::take(&mut *key)))
}

/// Makes a file with a new root key: mode 0600, and never over one that is there.
///
/// # Errors
/// Those of input and output.
pub(crate) fn make_file(path: &Path) -> Result<(), RootKeyError> {
    let key = Zeroizing::new(random::bytes(RootKey::LEN)?);
    let mut text = Zeroizing::new(String::with_capacity(2 * RootKey::LEN + 1));
    for byte in key.iter() {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    text.push('\n');
    let failed = |error| RootKeyError::File { path: path.into(), error };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let written =
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| sync_directory(path));
    written.map_err(|error| {
        // Half a key is of no use, and would be in the way of the next try.
        let _ = fs::remove_file(path);
        failed(error)
    })
}

/// Makes a file's name as durable as its content.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// Where the next root key is, from when it is made until it has taken the place of the one before.
pub(super) fn next(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

/// Puts the next root key in the place of the one that no longer opens the store.
///
/// # Errors
/// Those of input and output.
pub(super) fn take_next(path: &Path) -> Result<(), RootKeyError> {
    let failed = |error| RootKeyError::File { path: path.into(), error };
    overwrite(path).map_err(failed)?;
    fs::rename(next(path), path).and_then(|()| sync_directory(path)).map_err(failed)
}

/// Goes on with [`take_next`], if a crash came after the old key was written over and before the next took its place.
///
/// # Errors
/// Those of input and output.
pub(super) fn finish_taking(path: &Path) -> Result<(), RootKeyError> {
    let next = next(path);
    let is_zeros = |old: &[u8]| !old.is_empty() && old.iter().all(|byte| *byte == 0);
    let is_gone = || content(path, false, 100).is_ok_and(|old| is_zeros(&old));
    if !next.exists() || !is_gone() {
        return Ok(());
    }
    let failed = |error| RootKeyError::File { path: path.into(), error };
    fs::rename(next, path).and_then(|()| sync_directory(path)).map_err(failed)
}

/// Destroys a root key file: its content first.
///
/// # Errors
/// Those of input and output.
pub(super) fn destroy(path: &Path) -> io::Result<()> {
    overwrite(path)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => sync_directory(path),
    }
}

/// Writes zeros over a file; there need be none.
fn overwrite(path: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let zeros = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or_default().min(4096)];
    (&file).write_all(&zeros)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn obtain_from(path: &Path) -> Result<RootKey, RootKeyError> {
        read(path, true)
    }

    #[test]
    fn a_made_file_is_a_root_key_and_is_never_made_twice() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        assert!(matches!(obtain_from(&path), Err(RootKeyError::Missing { .. })));
        make_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        obtain_from(&path).unwrap();
        let before = fs::read(&path).unwrap();
        make_file(&path).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_key_is_64_digits_or_32_bytes() {
        for good in
            [&[b'a'; 64][..], b"\n 0123456789abcdefABCDEF00000000000000000000000000000000000000000f \n"]
        {
            assert!(parse(good).is_some());
        }
        assert!(parse(&[0xff; 32]).is_some());
        for bad in [&[b'a'; 63][..], &[b'g'; 64], &[0; 33], &[]] {
            assert!(parse(bad).is_none());
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        make_file(&path).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o700] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = obtain_from(&path).unwrap_err().to_string();
            assert!(refused.contains(&format!("{mode:04o}")) && refused.contains("0600"), "{refused}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        obtain_from(&path).unwrap();
    }

    #[test]
    fn the_next_key_takes_the_place_of_the_one_before_and_a_destroyed_one_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        make_file(&path).unwrap();
        make_file(&next(&path)).unwrap();
        let new = fs::read(next(&path)).unwrap();
        take_next(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), new);
        assert!(!next(&path).exists());
        destroy(&path).unwrap();
        destroy(&path).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_crash_before_the_next_key_takes_its_place_is_made_up_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.key");
        make_file(&path).unwrap();
        make_file(&next(&path)).unwrap();
        let (old, new) = (fs::read(&path).unwrap(), fs::read(next(&path)).unwrap());
        let config = crate::config::RootKey { file: Some(path.clone()), ..Default::default() };
        // Before anything is written over, which of them opens the store is not known.
        super::super::from_config(&config).unwrap();
        assert_eq!(fs::read(&path).unwrap(), old);
        overwrite(&path).unwrap();
        super::super::from_config(&config).unwrap();
        assert_eq!(fs::read(&path).unwrap(), new);
        assert!(!next(&path).exists());
    }
}
