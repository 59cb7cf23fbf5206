//! The log's files: records are appended by whoever comes first for all that wait, and made durable by one thread
//! for all.
//!
//! Room is taken ahead of what is written, so that a disk that fills up is noticed while what was promised can
//! still be written, and so that what makes room can be recorded when nothing else can.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use audit::record::{CLOCK_SET_BACK, CLOCK_TOLERANCE};
use audit::segment::{Checkpoint, Signed, State};
use audit::{Class, HEAD, Record, Writer, file_name};
use hsm::vault::NotRecorded;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use parking_lot::Mutex;
use tracing::error;

use super::files::{self, Begun};
use super::form::now;
use super::keys::Key;

/// Bytes taken ahead of what is written.
const AHEAD: u64 = 1 << 20;
/// Of these, what only records of acts that make room may use.
const RESERVE: u64 = 256 << 10;
/// Records that no checkpoint covers, at most.
const UNSIGNED: u64 = 1000;
/// How long after a failure the file is read and written again.
const AGAIN: Duration = Duration::from_secs(1);
/// A segment lasts at most a day, in nanoseconds.
const DAY: u64 = 24 * 3600 * 1_000_000_000;

/// The log.
pub(super) struct Log {
    directory: PathBuf,
    signer: Key,
    segment_bytes: u64,
    line: Mutex<Line>,
    /// The newest record that somebody waited for until it was on the disk.
    synced: Mutex<u64>,
    tail: Mutex<Tail>,
    /// The newest record, and the segment and byte where it ends, for those who read along.
    pub(super) written: Written,
    /// Whether the last look at the room found none, so that uses that are only counted end as well.
    refusing: AtomicBool,
}

/// How far the log is written, without a lock.
#[derive(Default)]
pub(super) struct Written {
    /// The number of the newest record.
    sequence: AtomicU64,
    /// The bytes of the newest segment, whose number stands in the upper 24 bits.
    place: AtomicU64,
}

impl Written {
    /// The newest segment, and its length in bytes.
    pub(super) fn place(&self) -> (u64, u64) {
        let place = self.place.load(Ordering::Acquire);
        (place >> 40, place & ((1 << 40) - 1))
    }

    fn at(&self, sequence: u64, segment: u64, end: u64) {
        self.place.store(segment << 40 | end, Ordering::Release);
        self.sequence.store(sequence, Ordering::Release);
    }
}

/// Those who wait to have records written.
#[derive(Default)]
struct Line {
    waiting: Vec<Waiting>,
    tickets: u64,
}

struct Waiting {
    ticket: u64,
    records: Vec<Record>,
    makes_room: bool,
}

type Outcome = Result<(), NotRecorded>;

/// Where the log is written. Whoever holds it writes.
struct Tail {
    writer: Writer,
    file: Arc<File>,
    begun: u64,
    /// Bytes of the newest segment.
    end: u64,
    /// Where the room ends that has been taken.
    room: u64,
    /// Outcomes that were not fetched yet.
    outcomes: HashMap<u64, Outcome>,
    /// Notes of durable commits that could not be written yet.
    backlog: Vec<Record>,
    /// The greatest number of a note that is written.
    note: u64,
    durable: Durable,
    /// Why the file must be read again before it is written to, and since when.
    failed: Option<(NotRecorded, Instant)>,
    bytes: Vec<u8>,
}

/// What a crash leaves.
#[derive(Clone, Default)]
pub(super) struct Durable {
    /// The greatest number of a note.
    pub(super) note: u64,
    /// The newest checkpoint.
    pub(super) head: Option<Signed<Checkpoint>>,
}

impl Log {
    /// The log that was opened in `directory`.
    pub(super) fn new(directory: PathBuf, segment_bytes: u64, begun: Begun) -> Self {
        let written = Written::default();
        written.at(begun.writer.next_sequence() - 1, begun.writer.segment(), begun.length);
        let tail = Tail {
            writer: begun.writer,
            file: Arc::new(begun.file),
            begun: now(),
            end: begun.length,
            room: begun.length,
            outcomes: HashMap::new(),
            backlog: Vec::new(),
            note: begun.note,
            durable: Durable { note: begun.note, head: begun.head },
            failed: begun.read_only.map(|why| (why, Instant::now())),
            bytes: Vec::new(),
        };
        Self {
            directory,
            signer: begun.signer,
            segment_bytes,
            line: Mutex::default(),
            synced: Mutex::default(),
            tail: Mutex::new(tail),
            written,
            refusing: AtomicBool::new(false),
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Appends records, which get their numbers; they are in the hands of the kernel when it returns, so that
    /// the daemon's own end does not lose them.
    ///
    /// # Errors
    /// If they are not written.
    pub(super) fn append(&self, records: Vec<Record>, makes_room: bool) -> Outcome {
        let ticket = {
            let mut line = self.line.lock();
            line.tickets += 1;
            let ticket = line.tickets;
            line.waiting.push(Waiting { ticket, records, makes_room });
            ticket
        };
        let mut tail = self.tail.lock();
        if let Some(outcome) = tail.outcomes.remove(&ticket) {
            return outcome;
        }
        let all = std::mem::take(&mut self.line.lock().waiting);
        let mut own = Ok(());
        for (other, outcome) in self.write_all(&mut tail, all) {
            if other == ticket {
                own = outcome;
            } else {
                tail.outcomes.insert(other, outcome);
            }
        }
        own
    }

    /// Writes what several wait for, in one piece if there is room for all of it.
    fn write_all(&self, tail: &mut Tail, all: Vec<Waiting>) -> Vec<(u64, Outcome)> {
        let (mut outcomes, mut records, mut tickets) = (Vec::new(), Vec::new(), Vec::new());
        let (any, last) = (self.room(tail, false), self.room(tail, true));
        for one in all {
            match if one.makes_room { &last } else { &any } {
                Ok(()) => {
                    records.extend(one.records);
                    tickets.push(one.ticket);
                }
                Err(why) => outcomes.push((one.ticket, Err(why.clone()))),
            }
        }
        let written = self.write(tail, records);
        outcomes.extend(tickets.into_iter().map(|ticket| (ticket, written.clone())));
        outcomes
    }

    /// Waits until what is written now is on the disk: whoever comes while another does so waits for that, and then
    /// most likely finds its own there too.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn sync(&self) -> Outcome {
        let newest = self.newest();
        let mut synced = self.synced.lock();
        if *synced >= newest {
            return Ok(());
        }
        let (newest, file) = {
            let tail = self.tail.lock();
            (tail.writer.next_sequence() - 1, Arc::clone(&tail.file))
        };
        // An earlier segment was made durable when it ended.
        file.sync_data().map_err(|error| not_recorded(&self.directory, &error))?;
        *synced = newest;
        Ok(())
    }

    /// Whether records can be written now.
    pub(super) fn ready(&self, makes_room: bool) -> Outcome {
        self.room(&mut self.tail.lock(), makes_room)
    }

    /// Takes records of durable commits. What cannot be written now is written before anything else later.
    pub(super) fn take(&self, records: Vec<Record>) {
        let mut tail = self.tail.lock();
        let note = tail.backlog.last().map_or(tail.note, |record| record.commit);
        tail.backlog.extend(records.into_iter().filter(|record| record.commit > note));
        if let Err(why) = self.catch_up(&mut tail) {
            error!("what was recorded with a change is kept in the store until it can be written: {why}");
        }
    }

    fn catch_up(&self, tail: &mut Tail) -> Outcome {
        if tail.backlog.is_empty() {
            return Ok(());
        }
        let backlog = std::mem::take(&mut tail.backlog);
        let written = self.write(tail, backlog.clone());
        if written.is_err() {
            tail.backlog = backlog;
        }
        written
    }

    /// Sees to room for what comes next.
    fn room(&self, tail: &mut Tail, makes_room: bool) -> Outcome {
        let found = self.find_room(tail, makes_room);
        if !makes_room {
            self.refusing.store(found.is_err(), Ordering::Relaxed);
        }
        found
    }

    /// Why records are refused now, if the last look found that they are.
    pub(super) fn refuses(&self) -> Option<NotRecorded> {
        self.refusing.load(Ordering::Relaxed).then(|| self.ready(false).err()).flatten()
    }

    fn find_room(&self, tail: &mut Tail, makes_room: bool) -> Outcome {
        self.mend(tail)?;
        self.catch_up(tail)?;
        let left = tail.room.saturating_sub(tail.end);
        if left < AHEAD / 2 {
            let (at, more) = (i64::try_from(tail.room), i64::try_from(AHEAD));
            let (Ok(at), Ok(more)) = (at, more) else { return Err(NotRecorded::Failed("too long".into())) };
            match fallocate(&*tail.file, FallocateFlags::FALLOC_FL_KEEP_SIZE, at, more) {
                Ok(()) => tail.room += AHEAD,
                // This file system takes no room ahead; then writing tells that it is full.
                Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => tail.room = u64::MAX,
                Err(why) if left < if makes_room { 16 << 10 } else { RESERVE } => {
                    return Err(not_recorded(&self.directory, &why.into()));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Numbers records, and writes them in one piece.
    fn write(&self, tail: &mut Tail, records: Vec<Record>) -> Outcome {
        self.mend(tail)?;
        let mut bytes = std::mem::take(&mut tail.bytes);
        bytes.clear();
        let note = records.iter().map(|record| record.commit).max().unwrap_or(0);
        let mut chained =
            records.into_iter().try_for_each(|record| chain(&mut tail.writer, record, &mut bytes));
        let mut head = None;
        if chained.is_ok() && tail.writer.unsigned() >= UNSIGNED {
            let signed = tail.writer.checkpoint(State::Open, &*self.signer, now(), &mut bytes);
            chained = signed.map(|signed| head = Some(signed));
        }
        let chained = chained.map_err(|error| NotRecorded::Failed(error.to_string()));
        let written = chained.and_then(|()| {
            let at = tail.end;
            tail.file.write_all_at(&bytes, at).map_err(|error| not_recorded(&self.directory, &error))
        });
        match &written {
            Ok(()) => {
                tail.end += bytes.len() as u64;
                tail.note = tail.note.max(note);
                self.written.at(tail.writer.next_sequence() - 1, tail.writer.segment(), tail.end);
            }
            // The writer is ahead of the file now.
            Err(why) => tail.fail(why.clone()),
        }
        tail.bytes = bytes;
        written
    }

    /// After a failure: cuts off what was written of it, and reads the segment again.
    fn mend(&self, tail: &mut Tail) -> Outcome {
        let Some((why, since)) = &tail.failed else { return Ok(()) };
        if matches!(why, NotRecorded::ReadOnly(_)) || since.elapsed() < AGAIN {
            return Err(why.clone());
        }
        let again = files::again(&self.directory, tail.writer.segment(), tail.end, &self.signer.public());
        let (writer, file) = again.map_err(|error| NotRecorded::Failed(error.to_string()))?;
        (tail.writer, tail.file, tail.room, tail.failed) = (writer, Arc::new(file), tail.end, None);
        Ok(())
    }

    /// Signs for what is written, makes it durable, and ends the segment if it is long or old.
    ///
    /// # Errors
    /// If that fails; nothing that was written is lost by it.
    pub(super) fn settle(&self, state: State) -> Outcome {
        let mut tail = self.tail.lock();
        let full = self.room(&mut tail, false);
        if tail.failed.is_some() {
            return full;
        }
        let known = tail.durable.head.as_ref().map_or(0, |head| head.body.sequence);
        let last = tail.writer.next_sequence() - 1;
        if last == known && tail.durable.head.is_some() && state == State::Open {
            return full;
        }
        let (mut writer, mut bytes) = (tail.writer.clone(), Vec::new());
        let signed = writer.checkpoint(state, &*self.signer, now(), &mut bytes);
        let signed = signed.map_err(|error| NotRecorded::Failed(error.to_string()))?;
        if let Err(error) = tail.file.write_all_at(&bytes, tail.end) {
            tail.cut_off();
            return Err(not_recorded(&self.directory, &error));
        }
        tail.writer = writer;
        tail.end += bytes.len() as u64;
        self.written.at(last, tail.writer.segment(), tail.end);
        let (file, note) = (Arc::clone(&tail.file), tail.note);
        drop(tail);

        let failed = |error: io::Error| not_recorded(&self.directory, &error);
        file.sync_data().map_err(failed)?;
        files::replace(&self.directory, HEAD, &signed.to_head()).map_err(failed)?;
        let mut tail = self.tail.lock();
        tail.durable = Durable { note, head: Some(signed) };
        let old = now().saturating_sub(tail.begun) > DAY && tail.writer.records() > 0;
        if state == State::Open && (old || tail.end >= self.segment_bytes) {
            self.roll(&mut tail)?;
        }
        full
    }

    /// Ends the segment and begins the next.
    fn roll(&self, tail: &mut Tail) -> Outcome {
        let (mut writer, mut last, mut first) = (tail.writer.clone(), Vec::new(), Vec::new());
        let failed = |error: io::Error| not_recorded(&self.directory, &error);
        writer
            .roll(&*self.signer, &*self.signer, now(), &mut last, &mut first)
            .map_err(|error| NotRecorded::Failed(error.to_string()))?;
        let before = tail.end + last.len() as u64;
        let ended = tail.file.write_all_at(&last, tail.end).and_then(|()| tail.file.sync_data());
        if let Err(error) = ended {
            tail.cut_off();
            return Err(failed(error));
        }
        // What was taken ahead and not used goes back.
        let _ = tail.file.set_len(before);
        match files::make(&self.directory, &file_name(writer.segment()), &first) {
            Ok(file) => {
                let end = first.len() as u64;
                (tail.file, tail.end, tail.room, tail.begun) = (Arc::new(file), end, end, now());
                tail.writer = writer;
                self.written.at(tail.writer.next_sequence() - 1, tail.writer.segment(), end);
                Ok(())
            }
            Err(error) => {
                // The segment goes on without its end.
                tail.cut_off();
                Err(failed(error))
            }
        }
    }

    /// The number of the newest record.
    pub(super) fn newest(&self) -> u64 {
        self.written.sequence.load(Ordering::Acquire)
    }

    /// Of the key that signs.
    pub(super) fn fingerprint(&self) -> String {
        self.signer.public().fingerprint().unwrap_or_default()
    }

    /// What a crash would leave.
    pub(super) fn durable(&self) -> Durable {
        self.tail.lock().durable.clone()
    }

    /// The greatest number of a note that is written or waits for it.
    pub(super) fn last_note(&self) -> u64 {
        let tail = self.tail.lock();
        tail.backlog.last().map_or(tail.note, |record| record.commit)
    }

    /// Segment, records and bytes of the newest segment, and why nothing can be written, if that is so.
    pub(super) fn state(&self) -> (u64, u64, u64, Option<NotRecorded>) {
        let tail = self.tail.lock();
        let failed = tail.failed.as_ref().map(|(why, _)| why.clone());
        (tail.writer.segment(), tail.writer.next_sequence() - 1, tail.end, failed)
    }

    /// Gives back the room that was taken ahead.
    pub(super) fn close(&self) {
        let tail = self.tail.lock();
        if tail.failed.is_none() {
            let _ = tail.file.set_len(tail.end);
        }
    }
}

impl Tail {
    fn fail(&mut self, why: NotRecorded) {
        self.failed = Some((why, Instant::now()));
    }

    /// Cuts off what a write that failed has left behind the end.
    fn cut_off(&mut self) {
        match self.file.set_len(self.end) {
            Ok(()) => self.room = self.end,
            Err(error) => self.fail(NotRecorded::Failed(error.to_string())),
        }
    }
}

/// Gives a record its number and chains it. The time never goes back without a record that says so.
fn chain(writer: &mut Writer, mut record: Record, out: &mut Vec<u8>) -> Result<(), audit::Error> {
    let last = writer.last_time();
    if record.time + CLOCK_TOLERANCE < last {
        let now = now();
        if now + CLOCK_TOLERANCE < last {
            let step = Record::new(writer.next_sequence(), now, Class::Admin, CLOCK_SET_BACK);
            writer.append(&step, out)?;
        } else {
            // It was kept back: its own time is a detail.
            record.detail("happened", record.time.to_string());
            record.time = last;
        }
    }
    record.sequence = writer.next_sequence();
    writer.append(&record, out).map(drop)
}

pub(super) fn not_recorded(directory: &Path, error: &io::Error) -> NotRecorded {
    let text = format!("{}: {error}", directory.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            NotRecorded::Full(text)
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => NotRecorded::ReadOnly(text),
        _ => NotRecorded::Failed(text),
    }
}
