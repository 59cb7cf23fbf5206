//! Frames: a length, then a body of at most [`LIMIT`] bytes.
//!
//! A request's body is the call's code (two bytes, little-endian) and its encoding; a reply's is a `CK_RV`
//! (eight bytes, little-endian) and, if that is `CKR_OK`, the encoding of the reply.

use std::io::{self, Read, Write};

/// The longest body of a frame, in bytes.
pub const LIMIT: u32 = 16 << 20;
/// The longest run of data in one call: leaves room for the rest of the call in its frame.
pub const MAX_DATA: u64 = (LIMIT - (64 << 10)) as u64;
/// A frame's length goes before its body in so many bytes.
pub const HEADER: usize = 4;

/// Reads one frame's body into `body`, whose old content goes.
///
/// # Errors
/// `InvalidData` if it is longer than [`LIMIT`]; nothing is allocated then. `UnexpectedEof` if the peer
/// closed in the middle of it.
pub fn read(from: &mut impl Read, body: &mut Vec<u8>) -> io::Result<()> {
    let mut len = [0; HEADER];
    from.read_exact(&mut len)?;
    let len = u32::from_le_bytes(len);
    if len > LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame longer than the limit"));
    }
    body.clear();
    from.take(len.into()).read_to_end(body)?;
    if body.len() as u64 != u64::from(len) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// Starts a frame in `frame`, whose old content goes: room for the length.
pub fn begin(frame: &mut Vec<u8>) {
    frame.clear();
    frame.extend_from_slice(&[0; HEADER]);
}

/// Ends a frame that [`begin`] started, and writes it.
///
/// # Errors
/// `InvalidData` if its body is longer than [`LIMIT`]; nothing is written then. Else what the writer says.
pub fn end(frame: &mut [u8], to: &mut impl Write) -> io::Result<()> {
    close(frame)?;
    to.write_all(frame)
}

/// Writes into a frame that [`begin`] started how long it is.
///
/// # Errors
/// `InvalidData` if its body is longer than [`LIMIT`].
pub fn close(frame: &mut [u8]) -> io::Result<()> {
    close_with(frame, 0)
}

/// Writes into a frame that [`begin`] started how long it is together with `more` bytes of it that are elsewhere.
///
/// # Errors
/// As [`close`].
pub fn close_with(frame: &mut [u8], more: usize) -> io::Result<()> {
    let len = frame.len().saturating_sub(HEADER).saturating_add(more);
    match (u32::try_from(len), frame.first_chunk_mut::<HEADER>()) {
        (Ok(len), Some(header)) if len <= LIMIT => *header = len.to_le_bytes(),
        _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "frame longer than the limit")),
    }
    Ok(())
}

/// Reads frames from one peer with one read each, if they come whole and fit the buffer.
#[derive(Default)]
pub struct Reader {
    /// What was read stands at `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Reader {
    /// What the buffer holds without growing.
    pub const ROOM: usize = 16 << 10;

    /// The body of the next frame.
    ///
    /// # Errors
    /// `InvalidData` if it is longer than [`LIMIT`]; nothing is allocated then. `UnexpectedEof` if the peer
    /// closed, be it between two frames or in the middle of one. After an error the reader is of no more use.
    pub fn next(&mut self, from: &mut impl Read) -> io::Result<&[u8]> {
        let len = loop {
            if let Some(header) = self.unread().first_chunk::<HEADER>() {
                break u32::from_le_bytes(*header);
            }
            self.fill(HEADER, usize::MAX, from)?;
        };
        if len > LIMIT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "frame longer than the limit"));
        }
        let whole = HEADER + len as usize;
        while self.unread().len() < whole {
            self.fill(whole, usize::MAX, from)?;
        }
        let at = self.start;
        self.start += whole;
        self.buffer.get(at + HEADER..at + whole).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The length of the next frame's body, and as much of it as is there after one read at the least: all of a small
    /// one. The frame is still [`next`](Self::next).
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn begin(&mut self, from: &mut impl Read) -> io::Result<(usize, &[u8])> {
        while self.unread().len() < HEADER {
            self.fill(HEADER, Self::ROOM, from)?;
        }
        let header = self.unread().first_chunk::<HEADER>().copied().unwrap_or_default();
        let len = usize::try_from(u32::from_le_bytes(header)).unwrap_or(usize::MAX);
        let body = self.unread().get(HEADER..).unwrap_or_default();
        Ok((len, body.get(..len).unwrap_or(body)))
    }

    /// Takes what [`begin`](Self::begin) showed of a frame of which more is to come; the rest is read elsewhere.
    pub fn take_begun(&mut self) {
        self.start = self.end;
    }

    /// Whether nothing was read beyond the last frame.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Wipes the frames read so far, and gives back the memory that a long one took.
    pub fn wipe(&mut self, keep: usize) {
        let used = self.start.min(self.buffer.len());
        if let Some(read) = self.buffer.get_mut(..used) {
            crate::bytes::wipe(read);
        }
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
            if self.buffer.len() > keep.max(Self::ROOM) {
                self.buffer = Vec::new();
            }
        }
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads once, but no more than `most` bytes, having made room for a part of the `whole` bytes from `start` on.
    fn fill(&mut self, whole: usize, most: usize, from: &mut impl Read) -> io::Result<()> {
        if self.start + whole > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            if self.end == self.buffer.len() {
                // No more than doubled: memory is made for what came, not for what is claimed.
                self.buffer.resize(whole.min(2 * self.end).max(Self::ROOM), 0);
            }
        }
        let room = self.end..self.buffer.len().min(self.end.saturating_add(most));
        loop {
            return match from.read(self.buffer.get_mut(room.clone()).unwrap_or_default()) {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.end += read;
                    Ok(())
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_went() {
        let (mut frame, mut sent, mut body) = (Vec::new(), Vec::new(), b"old".to_vec());
        begin(&mut frame);
        frame.extend_from_slice(b"hello");
        end(&mut frame, &mut sent).unwrap();
        read(&mut sent.as_slice(), &mut body).unwrap();
        assert_eq!(body, b"hello");
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_before_memory_is_made() {
        let mut body = Vec::new();
        let claim = (LIMIT + 1).to_le_bytes();
        let error = read(&mut claim.as_slice(), &mut body).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(body.capacity(), 0);
        assert!(end(&mut vec![0; HEADER + 1 + LIMIT as usize], &mut Vec::new()).is_err());
        end(&mut vec![0; HEADER + LIMIT as usize], &mut Vec::new()).unwrap();
    }

    #[test]
    fn half_a_frame_is_an_error() {
        let sent = [5, 0, 0, 0, b'h', b'a'];
        let error = read(&mut sent.as_slice(), &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    /// Gives what it holds in pieces of at most so many bytes, and counts the reads.
    struct Pieces<'a>(&'a [u8], usize, usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            self.2 += 1;
            let len = self.1.min(to.len()).min(self.0.len());
            to[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    fn frames(bodies: &[&[u8]]) -> Vec<u8> {
        let (mut frame, mut sent) = (Vec::new(), Vec::new());
        for body in bodies {
            begin(&mut frame);
            frame.extend_from_slice(body);
            end(&mut frame, &mut sent).unwrap();
        }
        sent
    }

    #[test]
    fn a_whole_frame_takes_one_read() {
        let sent = frames(&[b"hello"]);
        let (mut from, mut reader) = (Pieces(&sent, usize::MAX, 0), Reader::default());
        assert_eq!(reader.next(&mut from).unwrap(), b"hello");
        assert!(reader.is_empty());
        assert_eq!(from.2, 1);
    }

    #[test]
    fn frames_come_back_however_they_are_cut() {
        let long = vec![7; 3 * Reader::ROOM];
        let bodies: [&[u8]; 5] = [b"one", b"", &long, b"two", b"three"];
        let sent = frames(&bodies);
        for piece in [1, 3, 4, 5, 1000, Reader::ROOM, usize::MAX] {
            let (mut from, mut reader) = (Pieces(&sent, piece, 0), Reader::default());
            for body in bodies {
                assert_eq!(reader.next(&mut from).unwrap(), body);
                reader.wipe(0);
            }
            assert_eq!(reader.next(&mut from).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn a_long_frame_can_be_begun_here_and_ended_elsewhere() {
        let long = vec![7; 5 * Reader::ROOM];
        let sent = frames(&[b"one", &long, b"two"]);
        let (mut from, mut reader) = (Pieces(&sent, usize::MAX, 0), Reader::default());
        assert_eq!(reader.begin(&mut from).unwrap(), (3, b"one".as_slice()));
        assert_eq!(reader.next(&mut from).unwrap(), b"one");
        let (len, begun) = reader.begin(&mut from).unwrap();
        assert_eq!((len, begun), (long.len(), &long[..begun.len()]));
        assert!(begun.len() > Reader::ROOM / 2 && begun.len() <= Reader::ROOM);
        let mut rest = vec![0; len - begun.len()];
        reader.take_begun();
        from.read_exact(&mut rest).unwrap();
        assert_eq!(reader.next(&mut from).unwrap(), b"two");
        reader.wipe(0);
        assert!(reader.is_empty());
    }

    #[test]
    fn the_beginning_of_a_long_frame_is_short_even_in_a_large_buffer() {
        let long = vec![7; 5 * Reader::ROOM];
        let sent = frames(&[&long, &long]);
        let (mut from, mut reader) = (Pieces(&sent, usize::MAX, 0), Reader::default());
        reader.next(&mut from).unwrap();
        reader.wipe(usize::MAX);
        assert!(reader.begin(&mut from).unwrap().1.len() <= Reader::ROOM);
    }

    #[test]
    fn a_reader_refuses_a_frame_over_the_limit_before_memory_is_made() {
        let claim = (LIMIT + 1).to_le_bytes();
        let mut reader = Reader::default();
        assert_eq!(reader.next(&mut claim.as_slice()).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert!(reader.buffer.len() <= Reader::ROOM);
    }

    #[test]
    fn a_reader_makes_no_memory_for_a_claim() {
        let sent = [LIMIT.to_le_bytes().as_slice(), &[7; 100]].concat();
        let mut reader = Reader::default();
        assert_eq!(reader.next(&mut sent.as_slice()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(reader.buffer.len() <= Reader::ROOM);
    }

    #[test]
    fn a_wiped_reader_holds_nothing_of_what_it_read() {
        let sent = frames(&[b"secret"]);
        let mut reader = Reader::default();
        reader.next(&mut sent.as_slice()).unwrap();
        reader.wipe(Reader::ROOM);
        assert!(reader.buffer.iter().all(|byte| *byte == 0));
    }
}
