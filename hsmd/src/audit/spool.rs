//! What happened while the daemon was sealed, until there is a log: in memory, and in a file beside the log, so that the
//! end of the process does not lose it.
//!
//! The key that signs the log is sealed then, so that nothing protects the file from who can write it. What comes from
//! here is marked in the log, with a number: if the daemon ends between the log and the file's removal, a record is
//! there twice under one number.
//!
//! The file is the magic, eight bytes that tell this file from others, and entries: length (four bytes, the lowest
//! first), record (`audit/FORMAT.md`), and the first eight bytes of the SHA-256 of both.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use audit::record::{CLOCK_SET_BACK, DETAILS};
use audit::{Class, Record};
use tracing::warn;

use super::form::now;

/// The file's name.
const NAME: &str = "sealed.spool";
const MAGIC: &[u8; 8] = b"CLVSPL1\n";
/// Magic and id.
const HEAD: usize = 16;
/// What stands around a record.
const FRAME: usize = 4 + CHECK;
const CHECK: usize = 8;
/// The most records.
pub(super) const MOST: usize = 1000;
/// The longest file, in bytes: no record takes as much as is left for each.
const LONGEST: u64 = HEAD as u64 + MOST as u64 * (32 << 10);
/// The most files that are kept because they cannot be read.
const ASIDE: usize = 100;

/// Records that wait for a log.
pub(super) struct Spool {
    directory: PathBuf,
    waiting: Vec<Record>,
    id: [u8; 8],
    /// Where it is kept; none if there is nothing, or it cannot be kept.
    file: Option<File>,
}

impl Spool {
    /// What an earlier process left in a directory, if anything.
    pub(super) fn open(directory: PathBuf) -> Self {
        let mut spool = Self { directory, waiting: Vec::new(), id: [0; 8], file: None };
        match spool.load() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                warn!("what happened while hsmd was sealed cannot be read: {error}");
            }
            _ => {}
        }
        spool
    }

    fn load(&mut self) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).append(true).open(self.directory.join(NAME))?;
        let mut bytes = Vec::new();
        (&mut file).take(LONGEST).read_to_end(&mut bytes)?;
        let Some((id, records, good)) = decode(&bytes) else {
            return self.give_up(&bytes);
        };
        (self.id, self.waiting) = (id, records);
        if let Some(rest) = bytes.get(good..).filter(|rest| !rest.is_empty()) {
            self.keep_aside(rest)?;
            file.set_len(good as u64)?;
        }
        self.file = Some(file);
        Ok(())
    }

    /// Keeps bytes that are no records: the first of them may be damaged, and what follows it not.
    fn keep_aside(&self, rest: &[u8]) -> io::Result<()> {
        let aside = self.aside()?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(&aside)?;
        file.write_all(rest)?;
        file.sync_all()?;
        File::open(&self.directory)?.sync_all()?;
        warn!(
            "{} bytes of what happened while hsmd was sealed are no records, and are kept as {}",
            rest.len(),
            aside.display()
        );
        Ok(())
    }

    /// A path for what cannot be read.
    fn aside(&self) -> io::Result<PathBuf> {
        let free = (1..).map(|number| self.directory.join(format!("{NAME}.unreadable-{number}")));
        let free = free.take(ASIDE).find(|path| !path.exists());
        free.ok_or_else(|| {
            let (directory, name) = (self.directory.display(), NAME);
            io::Error::other(format!("{directory} has {ASIDE} files {name}.unreadable-* already"))
        })
    }

    /// Makes room for a file of this process in the place of one that is none of this form.
    fn give_up(&self, bytes: &[u8]) -> io::Result<()> {
        let path = self.directory.join(NAME);
        if bytes.len() < HEAD && MAGIC.starts_with(bytes.get(..MAGIC.len()).unwrap_or(bytes)) {
            // Its beginning was cut short, before any record.
            return fs::remove_file(path);
        }
        // It may be of a later release, or damaged: people may still find in it what happened.
        let aside = self.aside()?;
        fs::rename(&path, &aside)?;
        warn!(
            "what happened while hsmd was sealed is in no form that is known, and is kept as {}",
            aside.display()
        );
        Ok(())
    }

    /// Whether one more can wait.
    pub(super) const fn has_room(&self) -> bool {
        self.waiting.len() < MOST
    }

    /// Takes a record, durably where that can be.
    ///
    /// # Errors
    /// If there is no room.
    pub(super) fn push(&mut self, record: Record) -> Result<(), String> {
        if !self.has_room() {
            return Err("too much has happened since hsmd was sealed to be recorded".into());
        }
        if let Err(error) = self.keep(&record) {
            warn!("what happens while hsmd is sealed is kept in memory only: {error}");
        }
        self.waiting.push(record);
        Ok(())
    }

    fn keep(&mut self, record: &Record) -> io::Result<()> {
        if self.file.is_none() {
            // Some of it may be in memory alone: it goes first, as it came first.
            crypto::random::fill(&mut self.id).map_err(io::Error::other)?;
            let mut bytes = [&MAGIC[..], &self.id].concat();
            self.waiting.iter().for_each(|record| encode(record, &mut bytes));
            self.file = Some(make(&self.directory, &bytes)?);
        }
        let mut bytes = Vec::new();
        encode(record, &mut bytes);
        let Some(file) = &mut self.file else { return Ok(()) };
        let end = file.metadata()?.len();
        let wrote = file.write_all(&bytes).and_then(|()| file.sync_data());
        if wrote.is_err() {
            let _ = file.set_len(end);
        }
        wrote
    }

    /// What waits, marked as what it is.
    pub(super) fn marked(&self) -> Vec<Record> {
        let id = u64::from_be_bytes(self.id);
        let mark = |(number, record): (usize, &Record)| {
            let mut record = record.clone();
            // The file may say anything: what the log goes by is not taken from it.
            (record.sequence, record.commit, record.class) = (0, 0, Class::Admin);
            record.time = record.time.min(now());
            if record.action.as_str() == CLOCK_SET_BACK {
                record.action = "unknown".into();
            }
            record.details.truncate(DETAILS - 2);
            record.details.insert(0, ("while-sealed".into(), format!("{id:016x} {}", number + 1).into()));
            record
        };
        self.waiting.iter().enumerate().map(mark).collect()
    }

    /// Forgets what waited, since the log has it for good.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        if self.file.take().is_some()
            && let Err(error) = fs::remove_file(self.directory.join(NAME))
        {
            warn!("what happened while hsmd was sealed will be in the audit log once more: {error}");
        }
    }
}

fn make(directory: &Path, bytes: &[u8]) -> io::Result<File> {
    match DirBuilder::new().recursive(true).mode(0o750).create(directory) {
        Err(error) if !directory.is_dir() => return Err(error),
        _ => {}
    }
    let path = directory.join(NAME);
    let mut file = OpenOptions::new().append(true).create_new(true).mode(0o640).open(&path)?;
    let wrote =
        file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| File::open(directory)?.sync_all());
    match wrote {
        Ok(()) => Ok(file),
        Err(error) => {
            let _ = fs::remove_file(path);
            Err(error)
        }
    }
}

fn encode(record: &Record, out: &mut Vec<u8>) {
    let mut bytes = vec![0; 4];
    record.encode(&mut bytes);
    let len = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
    if let Some(place) = bytes.first_chunk_mut() {
        *place = len.to_le_bytes();
    }
    let check = check(&bytes);
    out.extend(bytes);
    out.extend(check);
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let digest = crypto::hash::digest(crypto::Hash::Sha256, bytes).unwrap_or_default();
    digest.first_chunk().copied().unwrap_or_default()
}

/// The id, the records, and how many of the bytes are good.
fn decode(bytes: &[u8]) -> Option<([u8; 8], Vec<Record>, usize)> {
    let (magic, rest) = bytes.split_first_chunk::<8>()?;
    let (id, mut rest) = rest.split_first_chunk::<8>().filter(|_| magic == MAGIC)?;
    let (mut records, mut good) = (Vec::new(), HEAD);
    while let Some((record, used)) = entry(rest).filter(|_| records.len() < MOST) {
        records.push(record);
        good += used;
        rest = rest.get(used..).unwrap_or_default();
    }
    Some((*id, records, good))
}

fn entry(bytes: &[u8]) -> Option<(Record, usize)> {
    let len = usize::try_from(u32::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    let used = len.checked_add(FRAME)?;
    let (framed, found) = bytes.get(..used)?.split_last_chunk::<CHECK>()?;
    if check(framed) != *found {
        return None;
    }
    Some((Record::decode(framed.get(4..)?).ok()?, used))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(action: &str) -> Record {
        Record::new(0, 7, Class::Admin, action)
    }

    fn actions(spool: &Spool) -> Vec<String> {
        spool.waiting.iter().map(|record| record.action.as_str().to_owned()).collect()
    }

    #[test]
    fn what_one_process_kept_the_next_one_has_until_it_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let at = || Spool::open(folder.path().join("audit"));
        let mut spool = at();
        for action in ["one", "two"] {
            spool.push(record(action)).unwrap();
        }
        let (mut next, id) = (at(), spool.id);
        assert_eq!((actions(&next), next.id), (vec!["one".to_owned(), "two".into()], id));
        next.push(record("three")).unwrap();
        let mut last = at();
        assert_eq!(actions(&last), ["one", "two", "three"]);
        let marks: Vec<_> =
            last.marked().iter().map(|record| record.details[0].1.as_str().to_owned()).collect();
        let id = u64::from_be_bytes(id);
        assert_eq!(marks, [1, 2, 3].map(|number| format!("{id:016x} {number}")));
        last.clear();
        assert_eq!(actions(&at()), [""; 0]);
    }

    #[test]
    fn a_file_that_was_cut_or_changed_anywhere_gives_what_is_whole_before() {
        let folder = tempfile::tempdir().unwrap();
        let at = || Spool::open(folder.path().to_owned());
        let path = folder.path().join(NAME);
        let mut spool = at();
        for action in ["one", "two", "three"] {
            spool.push(record(action)).unwrap();
        }
        let whole = fs::read(&path).unwrap();
        let all = actions(&spool);
        let aside = folder.path().join(format!("{NAME}.unreadable-1"));
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let left = actions(&at());
            assert!(left.len() < 3 && all.starts_with(&left), "{end}: {left:?}");
            let _ = fs::remove_file(&aside);
            let mut bent = whole.clone();
            bent[end] ^= 0x10;
            fs::write(&path, &bent).unwrap();
            let left = actions(&at());
            // Nothing is lost: what is no record is beside what is.
            if end >= HEAD {
                let kept = [fs::read(&path).unwrap(), fs::read(&aside).unwrap()].concat();
                assert!(kept == bent, "{end}");
            }
            let _ = fs::remove_file(&aside);
            // Of the id nothing shows.
            assert!(
                all.starts_with(&left) && (left.len() < 3 || (8..HEAD).contains(&end)),
                "{end}: {left:?}"
            );
        }
        // It goes on after what was whole.
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        at().push(record("four")).unwrap();
        assert_eq!(actions(&at()), ["one", "two", "four"]);
    }

    #[test]
    fn a_file_of_another_form_is_kept_aside_and_nothing_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let at = || Spool::open(folder.path().to_owned());
        for number in 1..3 {
            let other = format!("CLVSPL9\n and whatever is in it {number}");
            fs::write(folder.path().join(NAME), &other).unwrap();
            let mut spool = at();
            let aside = folder.path().join(format!("{NAME}.unreadable-{number}"));
            assert_eq!(fs::read_to_string(aside).unwrap(), other);
            spool.push(record("one")).unwrap();
            assert_eq!(actions(&at()), ["one"], "a file of this form takes its place");
            spool.clear();
        }
        // What was cut short before any record holds nothing to be kept.
        fs::write(folder.path().join(NAME), &MAGIC[..5]).unwrap();
        assert_eq!(actions(&at()), [""; 0]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn nothing_that_the_log_goes_by_is_taken_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path().to_owned());
        let mut forged = Record::new(9, u64::MAX, Class::Use, CLOCK_SET_BACK);
        forged.commit = 4711;
        (0..DETAILS).for_each(|number| forged.detail("detail", number.to_string()));
        spool.push(forged).unwrap();
        let [marked]: [Record; 1] = spool.marked().try_into().unwrap();
        assert_eq!((marked.sequence, marked.commit, marked.class), (0, 0, Class::Admin));
        assert!(marked.time <= now() && marked.action.as_str() != CLOCK_SET_BACK);
        assert_eq!(marked.details[0].0.as_str(), "while-sealed");
        assert!(marked.details.len() < DETAILS, "there is room for when it happened");
    }

    #[test]
    fn there_is_room_for_a_thousand_and_what_cannot_be_kept_waits_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("file");
        fs::write(&nowhere, "").unwrap();
        let mut spool = Spool::open(nowhere);
        for _ in 0..MOST {
            spool.push(record("one")).unwrap();
        }
        assert!(spool.push(record("one")).unwrap_err().contains("too much"));
    }
}
