//! Reads the frames of a segment.

use std::io::{self, Read};

use super::{Checkpoint, End, Header, LIMIT, MAGIC, Signed, check_opening, kind};
use crate::bytes::Bytes;
use crate::{Digest, Error, LogId, Record};

/// A frame after the header.
#[derive(Debug)]
pub enum Frame<'a> {
    /// A record.
    Record {
        /// The log that it says it belongs to.
        log: LogId,
        /// The record's own bytes, as [`crate::Record::decode`] takes them.
        bytes: &'a [u8],
        /// The hash that was written with it.
        hash: Digest,
    },
    /// A checkpoint.
    Checkpoint(Signed<Checkpoint>),
    /// The end of the segment.
    End(Signed<End>),
}

/// Why there is no next frame.
#[derive(Debug)]
pub enum Broken {
    /// The file stops within the frame.
    Torn,
    /// The frame has an impossible length, so that what follows cannot be found.
    Length(u32),
    /// The frame is damaged; the next one begins where its length says.
    Malformed(Error),
    /// Reading failed.
    Io(io::Error),
}

/// Reads the frames of one segment, in order, without judging them.
pub struct Reader<R> {
    from: Source<R>,
    header: Signed<Header>,
    offset: u64,
    payload: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads the header. Give it a buffered reader.
    ///
    /// # Errors
    /// `TornHeader` if the file is too short for its header, `Version`, `Malformed`, `Io`.
    pub fn open(from: R) -> Result<Self, Error> {
        let mut from = Source::new(from);
        let mut start = [0; 10];
        read_full(&mut from, &mut start, Error::TornHeader)?;
        check_opening(&mut Bytes(&start), MAGIC, Error::Malformed("not a segment of an audit log"))?;
        let mut payload = Vec::new();
        let len = match read_frame(&mut from, &mut payload) {
            Ok(Some(len)) => len,
            Ok(None) | Err(Broken::Torn) => return Err(Error::TornHeader),
            Err(Broken::Io(error)) => return Err(error.into()),
            Err(_) => return Err(Error::Malformed("the header has an impossible length")),
        };
        let header = match payload.split_first() {
            Some((&kind::HEADER, payload)) => Signed::decode(payload)?,
            _ => return Err(Error::Malformed("the segment has no header")),
        };
        Ok(Self { from, header, offset: start.len() as u64 + len, payload })
    }

    /// The header. Its signature is not checked yet.
    pub fn header(&self) -> &Signed<Header> {
        &self.header
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next frame; nothing at the end of the file.
    ///
    /// # Errors
    /// [`Broken`]. After `Malformed` the frame after it can be read.
    pub fn frame(&mut self) -> Result<Option<Frame<'_>>, Broken> {
        let Some(len) = read_frame(&mut self.from, &mut self.payload)? else { return Ok(None) };
        self.offset += len;
        parse(&self.payload).map(Some).map_err(Broken::Malformed)
    }

    /// The frame that was read last.
    ///
    /// # Errors
    /// `Malformed` if that was.
    pub fn again(&self) -> Result<Frame<'_>, Error> {
        parse(&self.payload)
    }

    /// Whether the frame that was read last ends in a zero and nothing but zeros follows to the end of the file: a
    /// crash can leave a file longer than what was written to it. If not, the next frame can be read.
    ///
    /// # Errors
    /// Those of reading.
    pub fn ends_in_zeros(&mut self) -> io::Result<bool> {
        if self.payload.last().is_some_and(|byte| *byte != 0) { Ok(false) } else { self.from.only_zeros() }
    }
}

/// What is read from, with what was looked at ahead.
struct Source<R> {
    from: R,
    /// Zeros to be read again, before `ahead`.
    zeros: u64,
    ahead: io::Cursor<Vec<u8>>,
}

impl<R: Read> Source<R> {
    fn new(from: R) -> Self {
        Self { from, zeros: 0, ahead: io::Cursor::default() }
    }

    /// Whether only zeros follow. Leaves all as it was for [`Read`].
    fn only_zeros(&mut self) -> io::Result<bool> {
        let (mut zeros, mut piece) = (0, Vec::new());
        loop {
            piece.clear();
            self.by_ref().take(64 * 1024).read_to_end(&mut piece)?;
            if piece.is_empty() || piece.iter().any(|byte| *byte != 0) {
                let only = piece.is_empty();
                // Whatever of an earlier look was not read again, is behind what was read now.
                let behind = self.ahead.position();
                let left = self.ahead.get_ref().iter().skip(usize::try_from(behind).unwrap_or(usize::MAX));
                piece.extend(left);
                (self.zeros, self.ahead) = (zeros, io::Cursor::new(piece));
                return Ok(only);
            }
            zeros += piece.len() as u64;
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.zeros > 0 {
            let zeros = usize::try_from(self.zeros).unwrap_or(usize::MAX).min(to.len());
            to.iter_mut().take(zeros).for_each(|byte| *byte = 0);
            self.zeros -= zeros as u64;
            return Ok(zeros);
        }
        match self.ahead.read(to)? {
            0 => self.from.read(to),
            read => Ok(read),
        }
    }
}

/// The record whose frame begins here, without judging it: for who knows where it stands.
///
/// # Errors
/// `Malformed` if none does; those of reading.
pub fn record_at(mut from: impl Read) -> Result<Record, Error> {
    let mut payload = Vec::new();
    match read_frame(&mut from, &mut payload) {
        Ok(Some(_)) => {}
        Err(Broken::Io(error)) => return Err(error.into()),
        Ok(None) | Err(_) => return Err(Error::Malformed("no record begins here")),
    }
    match parse(&payload)? {
        Frame::Record { bytes, .. } => Record::decode(bytes),
        _ => Err(Error::Malformed("no record begins here")),
    }
}

fn parse(payload: &[u8]) -> Result<Frame<'_>, Error> {
    const SHORT: Error = Error::Malformed("a record is too short");
    match payload.split_first() {
        Some((&kind::RECORD, rest)) => {
            let (log, rest) = rest.split_first_chunk().ok_or(SHORT)?;
            let (bytes, hash) = rest.split_last_chunk().ok_or(SHORT)?;
            Ok(Frame::Record { log: *log, bytes, hash: *hash })
        }
        Some((&kind::CHECKPOINT, rest)) => Signed::decode(rest).map(Frame::Checkpoint),
        Some((&kind::END, rest)) => Signed::decode(rest).map(Frame::End),
        _ => Err(Error::Malformed("a frame of an unknown kind")),
    }
}

/// Reads one frame's payload; its whole length on disk, or nothing at the end of the file.
fn read_frame(from: &mut impl Read, payload: &mut Vec<u8>) -> Result<Option<u64>, Broken> {
    let mut len = [0; 4];
    match fill(from, &mut len).map_err(Broken::Io)? {
        0 => return Ok(None),
        4 => {}
        _ => return Err(Broken::Torn),
    }
    let len = u32::from_le_bytes(len);
    payload.clear();
    if len == 0 || len > LIMIT {
        return Err(Broken::Length(len));
    }
    let read = from.by_ref().take(len.into()).read_to_end(payload).map_err(Broken::Io)?;
    if read as u64 == u64::from(len) { Ok(Some(4 + u64::from(len))) } else { Err(Broken::Torn) }
}

fn read_full(from: &mut impl Read, to: &mut [u8], otherwise: Error) -> Result<(), Error> {
    if fill(from, to)? == to.len() { Ok(()) } else { Err(otherwise) }
}

/// Reads until `to` is full or the file ends.
fn fill(from: &mut impl Read, to: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = to.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
