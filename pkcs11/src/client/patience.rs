//! Waiting for an answer: a short while awake, since to be woken takes longer than most calls, then asleep.

use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use crate::memory::system::{processors, receive_now};

/// How long an answer is waited for awake.
const AWAKE: Duration = Duration::from_micros(100);
/// After an answer that took longer, so many are waited for asleep: what comes next is likely to be as slow, and
/// the processor is better left to the daemon.
const ASLEEP: u8 = 15;

/// How many threads of the process may wait awake, and how many do.
pub(super) struct Patience {
    room: usize,
    awake: AtomicUsize,
}

impl Default for Patience {
    /// One processor is left to the daemon.
    fn default() -> Self {
        Self { room: processors().saturating_sub(1), awake: AtomicUsize::new(0) }
    }
}

impl Patience {
    /// Waits for an answer awake; none if it does not come soon, or too many wait so, or `asleep` says how many
    /// answers are not to be waited for awake.
    fn wait(&self, stream: &UnixStream, to: &mut [u8], asleep: &mut u8) -> Option<io::Result<usize>> {
        if *asleep > 0 {
            *asleep -= 1;
            return None;
        }
        let more = |awake: usize| (awake < self.room).then_some(awake + 1);
        self.awake.fetch_update(Relaxed, Relaxed, more).ok()?;
        let until = Instant::now() + AWAKE;
        let read = loop {
            match receive_now(stream, to) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => break Some(read),
            }
            if Instant::now() > until {
                *asleep = ASLEEP;
                break None;
            }
            yield_now(); // to the daemon, if it has no other processor
        };
        self.awake.fetch_sub(1, Relaxed);
        read
    }
}

/// The daemon's end of a connection, as it is read from.
pub(super) struct Patient<'a> {
    pub(super) stream: &'a UnixStream,
    pub(super) patience: &'a Patience,
    /// How many answers on this connection are not to be waited for awake.
    pub(super) asleep: &'a mut u8,
}

impl Read for Patient<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self.patience.wait(self.stream, to, self.asleep) {
            Some(read) => read,
            None => (&mut &*self.stream).read(to),
        }
    }
}
