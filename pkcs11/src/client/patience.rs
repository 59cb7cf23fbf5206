//! Waiting for an answer: a short while awake, since to be woken takes longer than most calls, then asleep.

use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use crate::memory::Window;
use crate::memory::system::{Wait, processors, receive};

/// How long an answer is waited for awake, at the most: an RSA signature comes within it.
const AWAKE: Duration = Duration::from_micros(500);
/// The same while more threads wait than may do so awake, and only if answers usually come within it.
const CROWDED: Duration = Duration::from_micros(60);

/// Which threads of the process wait for an answer awake: one fewer than there are processors, since the others are
/// better left to the daemon, and in a crowd only those whose answer can be expected at once.
pub(super) struct Patience {
    room: usize,
    /// Threads that wait, awake or asleep.
    waiting: AtomicUsize,
    /// Threads that wait awake.
    awake: AtomicUsize,
    /// How long answers took of late, in nanoseconds: an eighth of the newest and the rest of what it was before.
    usual: AtomicU64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            room: processors().saturating_sub(1),
            waiting: AtomicUsize::new(0),
            awake: AtomicUsize::new(0),
            usual: AtomicU64::new(0),
        }
    }
}

impl Patience {
    /// Waits for an answer, which `read` reads.
    fn read(&self, mut read: impl FnMut(Wait) -> io::Result<usize>) -> io::Result<usize> {
        self.waiting.fetch_add(1, Relaxed);
        let began = Instant::now();
        let awake =
            if self.awake.fetch_add(1, Relaxed) < self.room { self.poll(&mut read, began) } else { None };
        self.awake.fetch_sub(1, Relaxed);
        let read = awake.unwrap_or_else(|| read(Wait::Yes));
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // Another thread's figure may be lost on the way: it is an estimate.
        let usual = self.usual.load(Relaxed);
        self.usual.store(usual - usual / 8 + took / 8, Relaxed);
        self.waiting.fetch_sub(1, Relaxed);
        read
    }

    /// Waits awake; none if the answer does not come soon enough.
    fn poll(
        &self,
        read: &mut impl FnMut(Wait) -> io::Result<usize>,
        began: Instant,
    ) -> Option<io::Result<usize>> {
        loop {
            let crowded = self.waiting.load(Relaxed) > self.room;
            if crowded && u128::from(self.usual.load(Relaxed)) > CROWDED.as_nanos() {
                return None;
            }
            match read(Wait::No) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return Some(read),
            }
            if began.elapsed() > if crowded { CROWDED } else { AWAKE } {
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
        self.patience.read(|wait| receive(self.stream, to, wait))
    }
}

impl Patient<'_> {
    /// Reads all of a window.
    ///
    /// # Errors
    /// `UnexpectedEof` if the daemon closes meanwhile; else what the kernel says.
    pub(super) fn fill(&self, window: &mut Window) -> io::Result<()> {
        while window.left() > 0 {
            match self.patience.read(|wait| window.receive(self.stream, wait)) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
