//! Reading along: records of the log as they are written, from any number on.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use audit::segment::{Broken, Frame, Header, Reader, record_at};
use audit::{Error, Record};

use super::{Shared, files};

/// Where a record stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    /// Bytes from the beginning of the segment to that of the record's frame.
    pub(crate) offset: u64,
}

/// Reads records, and goes on where it was when there are more.
pub(crate) struct Reading {
    shared: Arc<Shared>,
    segment: u64,
    reader: Reader<BufReader<Written>>,
    /// The number of the next record.
    next: u64,
    /// Whether the segment has ended, so that the next one is to be read.
    ended: bool,
}

impl Reading {
    /// Begins after a record: with the oldest that is still there, if that one is gone.
    pub(super) fn new(shared: &Arc<Shared>, after: u64) -> Result<Self, Error> {
        let mut segments = files::segments(shared.log.directory())?;
        // The newest whose first record does not come too late.
        while let Some((segment, path)) = segments.pop() {
            let reader = open(shared, segment, File::open(&path)?)?;
            let first = reader.header().body.first;
            if first <= after + 1 || segments.is_empty() {
                let next = first.max(after + 1);
                return Ok(Self { shared: Arc::clone(shared), segment, reader, next, ended: false });
            }
        }
        Err(Error::Malformed("the log has no segment"))
    }

    /// Begins with the segment that was the newest at a time, in nanoseconds since 1970, or the oldest that is there.
    pub(super) fn since(shared: &Arc<Shared>, time: u64) -> Result<Self, Error> {
        let mut segments = files::segments(shared.log.directory())?;
        while let Some((segment, path)) = segments.pop() {
            let reader = open(shared, segment, File::open(&path)?)?;
            let Header { first, time: begun, .. } = reader.header().body;
            if begun <= time || segments.is_empty() {
                return Ok(Self { shared: Arc::clone(shared), segment, reader, next: first, ended: false });
            }
        }
        Err(Error::Malformed("the log has no segment"))
    }

    /// The next record; none if it is not written yet.
    ///
    /// # Errors
    /// If the log cannot be read, or is not as it was written.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, Error> {
        Ok(self.next_with_place()?.map(|(_, record)| record))
    }

    /// The next record, and where it stands; none if it is not written yet.
    ///
    /// # Errors
    /// If the log cannot be read, or is not as it was written.
    pub(crate) fn next_with_place(&mut self) -> Result<Option<(Place, Record)>, Error> {
        loop {
            if self.ended && !self.advance()? {
                return Ok(None);
            }
            let place = Place { segment: self.segment, offset: self.reader.offset() };
            match self.reader.frame() {
                Ok(Some(Frame::Record { bytes, .. })) => {
                    let record = Record::decode(bytes)?;
                    if record.sequence >= self.next {
                        self.next = record.sequence + 1;
                        return Ok(Some((place, record)));
                    }
                }
                Ok(Some(Frame::Checkpoint(_))) => {}
                Ok(Some(Frame::End(_))) => self.ended = true,
                Ok(None) => return Ok(None),
                Err(Broken::Io(error)) => return Err(error.into()),
                Err(Broken::Malformed(error)) => return Err(error),
                Err(Broken::Torn | Broken::Length(_)) => {
                    return Err(Error::Malformed("the segment breaks off where it was whole"));
                }
            }
        }
    }

    /// Goes on with the next segment, if it is there.
    fn advance(&mut self) -> Result<bool, Error> {
        if self.shared.log.written.place().0 <= self.segment {
            return Ok(false);
        }
        self.segment += 1;
        let path = self.shared.log.directory().join(audit::file_name(self.segment));
        self.reader = open(&self.shared, self.segment, File::open(path)?)?;
        self.ended = false;
        Ok(true)
    }

    /// The number of the record before the next.
    pub(super) const fn after(&self) -> u64 {
        self.next.saturating_sub(1)
    }

    /// Whether the record after this one is the next.
    pub(crate) fn follows(&self, after: u64) -> bool {
        self.next == after + 1
    }
}

/// Reads records here and there.
pub(crate) struct Places {
    shared: Arc<Shared>,
    file: Option<(u64, File)>,
}

impl Places {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), file: None }
    }

    /// The record at a place.
    ///
    /// # Errors
    /// If it cannot be read, as when its segment was taken away.
    pub(crate) fn read(&mut self, place: Place) -> Result<Record, Error> {
        let file = match self.file.take() {
            Some((segment, file)) if segment == place.segment => file,
            _ => File::open(self.shared.log.directory().join(audit::file_name(place.segment)))?,
        };
        let (_, file) = self.file.insert((place.segment, file));
        file.seek(SeekFrom::Start(place.offset))?;
        record_at(BufReader::with_capacity(4 << 10, file))
    }
}

fn open(shared: &Arc<Shared>, segment: u64, file: File) -> Result<Reader<BufReader<Written>>, Error> {
    let written = Written { shared: Arc::clone(shared), segment, file, read: 0 };
    Reader::open(BufReader::with_capacity(128 << 10, written))
}

/// A segment up to where it is written whole.
struct Written {
    shared: Arc<Shared>,
    segment: u64,
    file: File,
    read: u64,
}

impl Read for Written {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let left = match self.shared.log.written.place() {
            (newest, end) if newest == self.segment => end.saturating_sub(self.read),
            _ => u64::MAX,
        };
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(to.len());
        let read = self.file.read(to.get_mut(..room).unwrap_or_default())?;
        self.read += read as u64;
        Ok(read)
    }
}
