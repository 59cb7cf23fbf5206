//! Overwriting what was deleted: the store is copied into a new file, and the old file is written over.
//!
//! The old file gets a second name before the new one takes its place, so that after a crash its next opening finds
//! it and finishes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hsm::store::StoreError;
use redb::{Database, ReadableDatabase, ReadableTable};

use super::{Open, RECORDS, REVISION, RedbStore, io_error, lost, open_writable, store_error, sync_directory};

/// Bytes written over at once.
const PIECE: usize = 1 << 20;

fn beside(path: &Path, name: &str) -> PathBuf {
    path.with_extension(name)
}

impl RedbStore {
    /// Copies what is there into a new file, and writes over the old one.
    pub(super) fn renew(&self) -> Result<(), StoreError> {
        self.renew_with(sync_directory)
    }

    fn renew_with(&self, sync: impl FnOnce(&Path) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut database = self.database.write();
        let Some(Open::Writable(old)) = &*database else {
            return Err(match &*database {
                Some(_) => StoreError::ReadOnly(self.path.display().to_string()),
                None => lost(),
            });
        };
        finish(&self.path)?;
        let new_path = beside(&self.path, "new");
        let new = copy(old, &new_path, self.max_bytes).inspect_err(|_| {
            // Half a copy is of no use, and the next try removes what is left of it.
            let _ = fs::remove_file(&new_path);
        })?;
        let failed = |error: io::Error| io_error(&self.path.display().to_string(), &error);
        fs::hard_link(&self.path, beside(&self.path, "old")).map_err(failed)?;
        fs::rename(&new_path, &self.path).map_err(failed)?;
        // From here on the old file is the one to be written over, whatever fails: nothing may be put into it any more.
        *database = Some(Open::Writable(new));
        sync(&self.path)?;
        finish(&self.path)
    }
}

/// Finishes what a crash may have cut short: writes over the file that was replaced.
pub(super) fn finish(path: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error| io_error(&path.display().to_string(), &error);
    let (old, new) = (beside(path, "old"), beside(path, "new"));
    let there = |path: &Path| match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        metadata => metadata.map(Some),
    };
    if there(&new).map_err(failed)?.is_some() {
        write_over(&new).map_err(failed)?;
    }
    if let Some(metadata) = there(&old).map_err(failed)? {
        let in_use = there(path).map_err(failed)?.is_some_and(|used| used.ino() == metadata.ino());
        let gone = if in_use { fs::remove_file(&old) } else { write_over(&old) };
        gone.map_err(failed)?;
        sync_directory(path)?;
    }
    Ok(())
}

/// Writes zeros over all of a file, and removes it.
fn write_over(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let zeros = vec![0; PIECE];
    let mut left = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    while left > 0 {
        let piece = zeros.get(..left.min(PIECE)).unwrap_or(&zeros);
        file.write_all(piece)?;
        left -= piece.len();
    }
    file.sync_all()?;
    fs::remove_file(path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn copy(old: &Database, path: &Path, max_bytes: u64) -> Result<Database, StoreError> {
    let new = open_writable(path, max_bytes)?;
    let from = old.begin_read().map_err(store_error)?;
    let to = new.begin_write().map_err(store_error)?;
    {
        let records = from.open_table(RECORDS).map_err(store_error)?;
        let mut copies = to.open_table(RECORDS).map_err(store_error)?;
        for item in records.iter().map_err(store_error)? {
            let (key, value) = item.map_err(store_error)?;
            copies.insert(key.value(), value.value()).map_err(store_error)?;
        }
        let last = super::last_revision(&from)?;
        to.open_table(REVISION).map_err(store_error)?.insert((), last).map_err(store_error)?;
    }
    to.commit().map_err(store_error)?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use hsm::store::{Change, Store};

    use super::*;

    const LIMIT: u64 = 1 << 30;

    fn put(store: &RedbStore, key: &[u8], value: &[u8]) {
        store.commit(&[], &[Change::Put { key: key.to_vec(), value: value.to_vec() }]).unwrap();
    }

    fn filled(directory: &Path) -> RedbStore {
        let store = RedbStore::open(directory, LIMIT, false).unwrap();
        for number in 0..100_u8 {
            put(&store, &[number], &[number; 100]);
        }
        put(&store, b"doomed", b"what nobody may find again");
        store.commit(&[], &[Change::Delete { key: b"doomed".to_vec() }]).unwrap();
        store
    }

    fn holds(directory: &Path) -> bool {
        fs::read_dir(directory).unwrap().any(|file| {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            bytes.windows(14).any(|part| part == b"nobody may fin")
        })
    }

    #[test]
    fn what_was_deleted_is_in_no_file_afterwards_and_the_rest_is_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let store = filled(directory.path());
        assert!(holds(directory.path()), "or the test shows nothing");
        let before = (store.scan(b"", None, 1000).unwrap(), store.get(&[5]).unwrap());
        store.overwrite_freed().unwrap();
        assert!(!holds(directory.path()));
        assert_eq!((store.scan(b"", None, 1000).unwrap(), store.get(&[5]).unwrap()), before);
        put(&store, &[5], b"goes on");
        let last = store.get(&[5]).unwrap().unwrap();
        assert_eq!(last.revision, 103, "revisions go on");
        drop(store);
        let store = RedbStore::open(directory.path(), LIMIT, false).unwrap();
        assert_eq!(store.get(&[5]).unwrap(), Some(last));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "the store and its lock");
    }

    #[test]
    fn what_a_crash_cut_short_is_finished_at_the_next_opening() {
        let directory = tempfile::tempdir().unwrap();
        drop(filled(directory.path()));
        let path = directory.path().join("claviger.redb");
        // Before the new file took the place: two names of one file, and a copy.
        fs::hard_link(&path, path.with_extension("old")).unwrap();
        fs::write(path.with_extension("new"), b"half a copy").unwrap();
        let store = RedbStore::open(directory.path(), LIMIT, false).unwrap();
        assert_eq!(store.scan(b"", None, 1000).unwrap().len(), 100);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
        drop(store);
        // After: the old file is another.
        fs::copy(&path, path.with_extension("old")).unwrap();
        drop(RedbStore::open(directory.path(), LIMIT, false).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_written_after_the_new_file_could_not_be_made_sure_of_is_not_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let store = filled(directory.path());
        let failed =
            store.renew_with(|path| Err(io_error(&path.display().to_string(), &io::Error::other("no"))));
        failed.unwrap_err();
        put(&store, b"later", b"kept");
        drop(store);
        let store = RedbStore::open(directory.path(), LIMIT, false).unwrap();
        assert_eq!(store.get(b"later").unwrap().map(|entry| entry.value), Some(b"kept".to_vec()));
        assert!(!holds(directory.path()), "the old file is written over all the same");
    }
}
