//! Answers on their way out: frames that are sent together, the last of which may end with long bytes that are sent
//! from where they are.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, sendmsg};
use wire::Bytes;
use wire::bytes::wipe;
use wire::calls::Reply;
use wire::frame::{self, HEADER};

/// Room for answers that is kept between calls, in bytes.
const KEPT: usize = 64 << 10;

/// Answers that were not sent yet. They may hold a plaintext or a key: wiped once they are sent.
#[derive(Default)]
pub(super) struct Outgoing {
    frames: Vec<u8>,
    /// Where the last frame begins.
    at: usize,
    /// How the last frame ends.
    end: Bytes,
}

impl Reply for Outgoing {
    fn frame(&mut self) -> &mut Vec<u8> {
        &mut self.frames
    }

    fn end_with(&mut self, bytes: Bytes) {
        self.end = bytes;
    }
}

impl Outgoing {
    /// Begins a frame.
    pub(super) fn begin(&mut self) {
        self.at = self.frames.len();
        self.frames.extend_from_slice(&[0; HEADER]);
    }

    /// Takes back the frame that was begun.
    pub(super) fn take_back(&mut self) {
        wipe(self.frames.get_mut(self.at..).unwrap_or_default());
        self.frames.truncate(self.at);
        self.end = Bytes::default();
    }

    /// Ends the frame that was begun.
    ///
    /// # Errors
    /// `InvalidData` if it is longer than a frame can be.
    pub(super) fn close(&mut self) -> io::Result<()> {
        frame::close_with(self.frames.get_mut(self.at..).unwrap_or_default(), self.end.len())
    }

    /// The bytes that are to be sent.
    pub(super) fn len(&self) -> usize {
        self.frames.len() + self.end.len()
    }

    /// Whether it would be wrong to put another frame behind these.
    pub(super) fn is_full(&self) -> bool {
        self.len() > KEPT || !self.end.is_empty()
    }

    /// Sends the answers gathered so far, and wipes them.
    ///
    /// # Errors
    /// As [`write`].
    pub(super) fn flush(&mut self, socket: &UnixStream, patience: Duration) -> io::Result<()> {
        let sent = write(&self.frames, &self.end, socket, patience);
        self.forget();
        sent
    }

    /// Keeps no more room than most calls need.
    fn forget(&mut self) {
        wipe(&mut self.frames);
        self.frames.clear();
        if self.frames.capacity() > KEPT {
            self.frames = Vec::new();
        }
        self.end = Bytes::default();
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Writes all of `bytes`, and then `more`, in time. A peer that takes a little at a time gets no longer than one that
/// takes nothing, since the answer's memory waits for it.
///
/// # Errors
/// `TimedOut` if it takes longer than `patience`; else what the kernel says.
pub(super) fn write(bytes: &[u8], more: &[u8], socket: &UnixStream, patience: Duration) -> io::Result<()> {
    let mut parts = [IoSlice::new(bytes), IoSlice::new(more)];
    let mut left = parts.as_mut_slice();
    IoSlice::advance_slices(&mut left, 0); // past those that are empty
    let mut deadline = None;
    while !left.is_empty() {
        // A wait within `send` would begin anew with each part that is taken.
        match send_now(socket, left) {
            Ok(sent) => IoSlice::advance_slices(&mut left, sent),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + patience);
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
                match poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)], left) {
                    Ok(_) | Err(Errno::EINTR) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

fn send_now(socket: &UnixStream, parts: &[IoSlice<'_>]) -> nix::Result<usize> {
    sendmsg::<()>(socket.as_raw_fd(), parts, &[], MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL, None)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_peer_that_reads_nothing_or_a_little_at_a_time_is_given_up() {
        const SHORT: Duration = Duration::from_millis(100);
        for slowly in [false, true] {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let reader = std::thread::spawn(move || {
                let mut some = [0; 4096];
                while slowly && theirs.read(&mut some).is_ok_and(|read| read > 0) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                std::thread::sleep(5 * SHORT);
            });
            let began = Instant::now();
            let error = write(&vec![1; 16 << 20], &[], &ours, SHORT).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert!(began.elapsed() < 20 * SHORT, "{:?}", began.elapsed());
            drop(ours);
            reader.join().unwrap();
        }
    }

    #[test]
    fn frames_go_out_in_order_and_long_bytes_with_the_last() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let long: Vec<u8> = (0..1 << 20).map(|at: u32| at as u8).collect();
        let expected =
            [&[3, 0, 0, 0][..], b"one", &(4 + (1_u32 << 20)).to_le_bytes(), b"head", &long].concat();
        let reader = std::thread::spawn(move || {
            let mut came = Vec::new();
            theirs.read_to_end(&mut came).unwrap();
            came
        });
        let mut answers = Outgoing::default();
        answers.begin();
        answers.frame().extend_from_slice(b"one");
        answers.close().unwrap();
        assert!(!answers.is_full());
        answers.begin();
        answers.frame().extend_from_slice(b"lost");
        answers.end_with(long.clone().into());
        answers.take_back();
        answers.begin();
        answers.frame().extend_from_slice(b"head");
        answers.end_with(long.into());
        answers.close().unwrap();
        assert!(answers.is_full());
        answers.flush(&ours, Duration::from_secs(60)).unwrap();
        assert_eq!(answers.len(), 0);
        drop(ours);
        assert!(reader.join().unwrap() == expected);
    }
}
