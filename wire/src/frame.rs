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
    let len = frame.len().saturating_sub(HEADER);
    match (u32::try_from(len), frame.first_chunk_mut::<HEADER>()) {
        (Ok(len), Some(header)) if len <= LIMIT => *header = len.to_le_bytes(),
        _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "frame longer than the limit")),
    }
    to.write_all(frame)
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
}
