//! One daemon for a store: a lock file that names the process that holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use hsm::store::StoreError;

/// Held while a daemon has the store; the kernel lets go of it when the daemon dies.
#[derive(Debug)]
pub(crate) struct StoreLock(#[allow(dead_code)] File);

impl StoreLock {
    /// Takes the lock of the store in `directory`.
    ///
    /// # Errors
    /// `Busy` with the holder's process number.
    pub(crate) fn take(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join("lock");
        let failed = |error: io::Error| super::redb::io_error(&format!("{}", path.display()), &error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let holder = match file.read_to_string(&mut holder) {
                    Ok(_) if !holder.trim().is_empty() => format!(" (process {})", holder.trim()),
                    _ => String::new(),
                };
                return Err(StoreError::Busy(format!(
                    "another hsmd{holder} holds the store {}",
                    directory.display()
                )));
            }
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_told_who_holds_the_store() {
        let directory = tempfile::tempdir().unwrap();
        let held = StoreLock::take(directory.path()).unwrap();
        let refused = StoreLock::take(directory.path()).unwrap_err().to_string();
        assert!(refused.contains(&format!("another hsmd (process {})", std::process::id())), "{refused}");
        drop(held);
        StoreLock::take(directory.path()).unwrap();
    }
}
