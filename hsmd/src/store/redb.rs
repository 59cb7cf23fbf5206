//! The embedded store: one file of `redb`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Bound;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use hsm::store::feed::Feed;
use hsm::store::{Change, Entry, Precondition, Revision, Store, StoreError, Watch};
use nix::fcntl::posix_fallocate;
use parking_lot::RwLock;
use redb::backends::FileBackend;
use redb::{
    BackendError, Builder, Database, DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableDatabase,
    ReadableTable, StorageBackend, Table, TableDefinition,
};

use super::damage::survive;
use super::lock::StoreLock;

mod overwrite;
#[cfg(test)]
mod tests;

/// Each value goes behind the revision that put it, 8 bytes, big-endian.
const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
/// The last revision, under the empty key.
const REVISION: TableDefinition<'_, (), u64> = TableDefinition::new("revision");
/// The last that is believed: no store commits so often, and there is room for a next.
const MAX_REVISION: Revision = Revision::MAX >> 1;
/// Memory for pages of the file.
const CACHE: usize = 32 << 20;

/// A store in one file.
pub(crate) struct RedbStore {
    path: PathBuf,
    max_bytes: u64,
    /// None once the daemon stops, or if the file did not open again after a failure.
    database: RwLock<Option<Open>>,
    feed: Feed,
    _lock: Option<StoreLock>,
}

enum Open {
    Writable(Database),
    ReadOnly(ReadOnlyDatabase),
}

impl RedbStore {
    /// Opens the store in `directory`, and makes both if they are not there. The file grows to `max_bytes` at
    /// most. Where the file may not be written, the store is read-only.
    ///
    /// # Errors
    /// `Busy` if another daemon has it; `Corrupt` if the file is no store; else those of input and output.
    pub(crate) fn open(directory: &Path, max_bytes: u64, read_only: bool) -> Result<Self, StoreError> {
        let path = directory.join("claviger.redb");
        if !read_only {
            make_directory(directory)?;
        }
        let lock = match StoreLock::take(directory) {
            Ok(lock) => Some(lock),
            Err(StoreError::ReadOnly(_)) => None,
            Err(error) => return Err(error),
        };
        if lock.is_some() && !read_only {
            overwrite::finish(&path)?;
        }
        let (database, last) = survive(|| {
            let database = if read_only || lock.is_none() {
                open_read_only(&path)?
            } else {
                match open_writable(&path, max_bytes) {
                    Err(StoreError::ReadOnly(_)) => open_read_only(&path)?,
                    opened => Open::Writable(opened?),
                }
            };
            let last = last_revision(&database.read()?)?;
            Ok((database, last))
        })?;
        Ok(Self {
            path,
            max_bytes,
            database: RwLock::new(Some(database)),
            feed: Feed::new(last),
            _lock: lock,
        })
    }

    /// Whether nothing can be written.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(*self.database.read(), Some(Open::ReadOnly(_)))
    }

    /// Closes the file in good order, so that the next opening need not check all of it.
    pub(crate) fn close(&self) {
        let open = self.database.write().take();
        // Of damage, the next opening tells.
        let _ = survive(|| {
            drop(open);
            Ok(())
        });
    }

    fn read<T>(&self, how: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match &*self.database.read() {
            Some(database) => survive(|| how(&database.read()?)),
            None => Err(lost()),
        }
    }

    /// After the file was full: opens it again, since the library will not go on with it, and sees whether the
    /// commit of `revision` happened.
    fn recover(&self, full: StoreError, revision: Revision) -> StoreError {
        let mut database = self.database.write();
        // The old one goes first, since it holds the file.
        *database = None;
        let again = open_writable(&self.path, self.max_bytes).map(Open::Writable);
        let last = again.as_ref().map_err(Clone::clone).and_then(|open| last_revision(&open.read()?));
        match (again, last) {
            (Ok(open), Ok(last)) => {
                *database = Some(open);
                if last < revision { full } else { StoreError::Io(full.to_string()) }
            }
            (Err(error), _) | (_, Err(error)) => {
                StoreError::Io(format!("{full}, and it does not open again: {error}"))
            }
        }
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl Open {
    fn read(&self) -> Result<ReadTransaction, StoreError> {
        let begun = match self {
            Self::Writable(database) => database.begin_read(),
            Self::ReadOnly(database) => database.begin_read(),
        };
        begun.map_err(store_error)
    }
}

impl Store for RedbStore {
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        self.read(|transaction| {
            let records = transaction.open_table(RECORDS).map_err(store_error)?;
            records.get(key).map_err(store_error)?.map(|value| entry(value.value())).transpose()
        })
    }

    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Entry)>, StoreError> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        self.read(|transaction| {
            let records = transaction.open_table(RECORDS).map_err(store_error)?;
            let mut found: Vec<(Vec<u8>, Entry)> = Vec::new();
            for item in records.range::<&[u8]>((from, Bound::Unbounded)).map_err(store_error)?.take(limit) {
                let (key, value) = item.map_err(store_error)?;
                // Else who goes on after the last key would go round for ever.
                let before = found.last().map(|(before, _)| before.as_slice()).or(after);
                if before.is_some_and(|before| key.value() <= before) {
                    return Err(StoreError::Corrupt("its keys are out of order".into()));
                }
                if !key.value().starts_with(prefix) {
                    break;
                }
                found.push((key.value().to_vec(), entry(value.value())?));
            }
            Ok(found)
        })
    }

    fn commit(&self, preconditions: &[Precondition], changes: &[Change]) -> Result<Revision, StoreError> {
        let (result, revision) = {
            let database = self.database.read();
            let database = match &*database {
                Some(Open::Writable(database)) => database,
                Some(Open::ReadOnly(_)) => return Err(StoreError::ReadOnly(self.path.display().to_string())),
                None => return Err(lost()),
            };
            let mut revision = 0;
            let result = survive(|| write(database, preconditions, changes, &mut revision));
            if result.is_ok() {
                self.feed.publish(revision, changes);
            }
            (result, revision)
        };
        match result {
            Ok(()) => Ok(revision),
            Err(full @ StoreError::Full(_)) => Err(self.recover(full, revision)),
            Err(error) => Err(error),
        }
    }

    fn overwrite_freed(&self) -> Result<(), StoreError> {
        survive(|| self.renew())
    }

    fn watch(&self, prefix: &[u8], from: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.feed.watch(prefix, from)
    }
}

/// Commits; `revision` is the commit's from when that is known.
fn write(
    database: &Database,
    preconditions: &[Precondition],
    changes: &[Change],
    revision: &mut Revision,
) -> Result<(), StoreError> {
    let transaction = database.begin_write().map_err(store_error)?;
    {
        let mut last = transaction.open_table(REVISION).map_err(store_error)?;
        *revision = last.get(()).map_err(store_error)?.map_or(0, |last| last.value()) + 1;
        last.insert((), *revision).map_err(store_error)?;
        let mut records = transaction.open_table(RECORDS).map_err(store_error)?;
        for precondition in preconditions {
            if !holds(&records, precondition)? {
                return Err(StoreError::Conflict); // dropping the transaction undoes it
            }
        }
        let mut stamped = Vec::new();
        for change in changes {
            match change {
                Change::Put { key, value } => {
                    stamped.clear();
                    stamped.extend_from_slice(&revision.to_be_bytes());
                    stamped.extend_from_slice(value);
                    records.insert(key.as_slice(), stamped.as_slice()).map_err(store_error)?;
                }
                Change::Delete { key } => {
                    records.remove(key.as_slice()).map_err(store_error)?;
                }
            }
        }
    }
    transaction.commit().map_err(store_error)
}

fn holds(records: &Table<'_, &[u8], &[u8]>, precondition: &Precondition) -> Result<bool, StoreError> {
    let found = |key: &[u8]| -> Result<Option<Revision>, StoreError> {
        let value = records.get(key).map_err(store_error)?;
        value.map(|value| entry(value.value()).map(|entry| entry.revision)).transpose()
    };
    Ok(match precondition {
        Precondition::Absent(key) => found(key)?.is_none(),
        Precondition::At(key, revision) => found(key)? == Some(*revision),
    })
}

fn entry(stamped: &[u8]) -> Result<Entry, StoreError> {
    let (revision, value) = stamped
        .split_first_chunk()
        .ok_or_else(|| StoreError::Corrupt("a value without a revision".into()))?;
    Ok(Entry { value: value.to_vec(), revision: Revision::from_be_bytes(*revision) })
}

fn last_revision(transaction: &ReadTransaction) -> Result<Revision, StoreError> {
    let table = transaction.open_table(REVISION).map_err(store_error)?;
    match table.get(()).map_err(store_error)?.map_or(0, |last| last.value()) {
        last if last <= MAX_REVISION => Ok(last),
        last => Err(StoreError::Corrupt(format!("its revision is {last}"))),
    }
}

fn make_directory(directory: &Path) -> Result<(), StoreError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| io_error(&format!("cannot make {}", directory.display()), &error))
}

fn open_writable(path: &Path, max_bytes: u64) -> Result<Database, StoreError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(|error| io_error(&path.display().to_string(), &error))?;
    let is_new = file.metadata().map_err(|error| io_error("", &error))?.len() == 0;
    let space = file.try_clone().map_err(|error| io_error("", &error))?;
    let backend = Bounded { inner: file_backend(file)?, space, max_bytes };
    let database =
        Builder::new().set_cache_size(CACHE).create_with_backend(backend).map_err(database_error)?;
    if is_new {
        let transaction = database.begin_write().map_err(store_error)?;
        transaction.open_table(RECORDS).map_err(store_error)?;
        transaction.open_table(REVISION).map_err(store_error)?;
        transaction.commit().map_err(store_error)?;
        sync_directory(path)?;
    }
    Ok(database)
}

fn open_read_only(path: &Path) -> Result<Open, StoreError> {
    Builder::new().set_cache_size(CACHE).open_read_only(path).map(Open::ReadOnly).map_err(|error| match error
    {
        DatabaseError::RepairAborted => {
            StoreError::Corrupt("it was not closed, and must be opened once where it can be written".into())
        }
        error => database_error(error),
    })
}

/// Makes the file's name as durable as its content.
fn sync_directory(path: &Path) -> Result<(), StoreError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| io_error(&directory.display().to_string(), &error))
}

fn file_backend(file: File) -> Result<FileBackend, StoreError> {
    FileBackend::new(file).map_err(database_error)
}

fn database_error(error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            StoreError::Busy("another process holds the store's file".into())
        }
        error => store_error(error),
    }
}

/// The store's error for any of the library's.
fn store_error(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(error) => io_error("", &error),
        redb::Error::Corrupted(what) => StoreError::Corrupt(what),
        error @ (redb::Error::UpgradeRequired(_) | redb::Error::TableDoesNotExist(_)) => {
            StoreError::Corrupt(error.to_string())
        }
        error => StoreError::Io(error.to_string()),
    }
}

/// The store's error for one of input and output on `what`.
pub(crate) fn io_error(what: &str, error: &io::Error) -> StoreError {
    use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let message = if what.is_empty() { error.to_string() } else { format!("{what}: {error}") };
    match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => StoreError::Full(message),
        PermissionDenied | ReadOnlyFilesystem => StoreError::ReadOnly(message),
        _ => StoreError::Io(message),
    }
}

fn lost() -> StoreError {
    StoreError::Io("the store is closed".into())
}

/// A file that does not grow past a bound, and grows by taking room on the disk at once: a full disk is noticed
/// before any page is written, and what is free within the file can still be used.
#[derive(Debug)]
struct Bounded {
    inner: FileBackend,
    /// The same file.
    space: File,
    max_bytes: u64,
}

impl StorageBackend for Bounded {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        let before = self.inner.len()?;
        if len <= before {
            return self.inner.set_len(len);
        }
        if len > self.max_bytes {
            let message = format!("the limit of {} bytes for the store is reached", self.max_bytes);
            return Err(io::Error::new(io::ErrorKind::StorageFull, message));
        }
        let more = |bytes: u64| i64::try_from(bytes).map_err(io::Error::other);
        posix_fallocate(&self.space, more(before)?, more(len - before)?).map_err(|errno| {
            // Some of it may have been taken.
            let _ = self.inner.set_len(before);
            errno.into()
        })
    }
    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write(offset, data)
    }
    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }
    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }
    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }
    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }
    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }
    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
