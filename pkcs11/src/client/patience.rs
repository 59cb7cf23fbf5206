//! Waiting for an answer: a short while awake, since to be woken takes longer than most calls, then asleep.

use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use crate::memory::system::{processors, receive_now};

/// How long an answer is waited for awake, at the most: an RSA signature comes within it.
const AWAKE: Duration = Duration::from_micros(500);

/// How many threads of the process wait for an answer, and how many may do so awake: more than that, and the
/// processors are better left to the daemon.
pub(super) struct Patience {
    room: usize,
    waiting: AtomicUsize,
}

impl Default for Patience {
    /// One processor is left to the daemon.
    fn default() -> Self {
        Self { room: processors().saturating_sub(1), waiting: AtomicUsize::new(0) }
    }
}

impl Patience {
    /// Waits for an answer awake; none if it does not come soon, or too many wait.
    fn wait(&self, stream: &UnixStream, to: &mut [u8]) -> Option<io::Result<usize>> {
        if self.waiting.load(Relaxed) > self.room {
            return None;
        }
        let until = Instant::now() + AWAKE;
        loop {
            match receive_now(stream, to) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return Some(read),
            }
            if self.waiting.load(Relaxed) > self.room || Instant::now() > until {
                return None;
            }
            yield_now(); // to the daemon, if it has no other processor
        }
    }
}

/// The daemon's end of a connection, as it is read from.
pub(super) struct Patient<'a> {
    pub(super) stream: &'a UnixStream,
    pub(super) patience: &'a Patience,
}

impl Read for Patient<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.patience.waiting.fetch_add(1, Relaxed);
        let read = self.patience.wait(self.stream, to).unwrap_or_else(|| (&mut &*self.stream).read(to));
        self.patience.waiting.fetch_sub(1, Relaxed);
        read
    }
}
