//! Waiting for an answer: a short while awake, since to be woken takes longer than most calls, then asleep. And
//! waiting for the turn to call at all, while calls are so short that more of them at once take longer.

use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use crate::memory::Window;
use crate::memory::system::{Wait, processors, receive};

use super::turns::{Turn, Turns};

/// How long an answer is waited for awake, at the most: an RSA signature comes within it.
const AWAKE: Duration = Duration::from_micros(500);
/// The same while other threads call or wait for their turn.
const CROWDED: Duration = Duration::from_micros(60);
/// Calls that take longer than this on the processors are better made at once than in turns.
const SHORT: Duration = Duration::from_micros(25);
/// What calls usually take is not followed beyond this, so that it is soon forgotten.
const LONG: Duration = Duration::from_micros(240);
/// The least by which it goes up, in nanoseconds.
const STEP: u64 = 500;

/// How the threads of the process wait.
///
/// One turn for each two processors: of these, one is the caller's and one the daemon's. Who has a turn waits for the
/// answer awake, and gives it up when the answer does not come soon, so that a long call keeps nobody waiting.
pub(super) struct Patience {
    turns: Turns,
    /// Whether the daemon has a processor while this process uses one.
    may_stay_awake: bool,
    /// Calls that were sent, or are about to be, and have no answer yet.
    under_way: AtomicUsize,
    /// What most calls took of late, in nanoseconds, shared by the calls that were under way at once. It goes up or down by
    /// an eighth with each call, so that a few that take very long, or whose thread is held up, change little.
    usual: AtomicU64,
}

impl Default for Patience {
    fn default() -> Self {
        let (turns, may_stay_awake) = (Turns::new(processors() / 2), processors() > 1);
        Self { turns, may_stay_awake, under_way: AtomicUsize::new(0), usual: AtomicU64::new(0) }
    }
}

impl Patience {
    /// Begins a call: after those of others, if calls are short of late, and this one is not known to be long.
    pub(super) fn begin(&self, is_long: bool) -> Pending<'_> {
        let turn = if is_long {
            None
        } else if self.is_usually_within(SHORT) {
            Some(self.turns.wait())
        } else {
            self.turns.take()
        };
        self.under_way.fetch_add(1, Relaxed);
        Pending { patience: self, turn, began: Instant::now() }
    }

    fn is_usually_within(&self, time: Duration) -> bool {
        u128::from(self.usual.load(Relaxed)) <= time.as_nanos()
    }
}

/// A call, from before it is sent until its answer is there.
pub(super) struct Pending<'a> {
    patience: &'a Patience,
    turn: Option<Turn<'a>>,
    began: Instant,
}

impl Pending<'_> {
    /// Lets others go on: this one has something to do that may take long.
    pub(super) fn give_way(&mut self) {
        if let Some(turn) = self.turn.take() {
            turn.give_up();
        }
    }

    /// Waits for an answer, which `read` reads.
    fn read(&mut self, mut read: impl FnMut(Wait) -> io::Result<usize>) -> io::Result<usize> {
        if self.turn.is_none() {
            self.turn = self.patience.turns.take();
        }
        if self.turn.is_some() {
            if let Some(read) = self.poll(&mut read) {
                return read;
            }
            self.give_way();
        }
        read(Wait::Yes)
    }

    /// Waits awake; none if the answer does not come soon enough.
    fn poll(&self, read: &mut impl FnMut(Wait) -> io::Result<usize>) -> Option<io::Result<usize>> {
        let Patience { turns, may_stay_awake, under_way, .. } = self.patience;
        let began = Instant::now();
        loop {
            let crowded = under_way.load(Relaxed) > turns.room() || turns.are_wanted();
            if !*may_stay_awake || crowded && !self.patience.is_usually_within(CROWDED) {
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

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let Patience { under_way, usual, .. } = self.patience;
        let at_once = under_way.fetch_sub(1, Relaxed).max(1);
        let took = self.began.elapsed().as_nanos() / at_once as u128;
        let before = usual.load(Relaxed);
        let now = if took > before.into() { before + before / 8 + STEP } else { before - before / 8 };
        // Another thread's figure may be lost on the way: it is an estimate.
        usual.store(now.min(LONG.as_nanos() as u64), Relaxed);
    }
}

/// The daemon's end of a connection, as it is read from.
pub(super) struct Patient<'a, 'b> {
    pub(super) stream: &'a UnixStream,
    pub(super) call: &'a mut Pending<'b>,
}

impl Read for Patient<'_, '_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.call.read(|wait| receive(self.stream, to, wait))
    }
}

impl Patient<'_, '_> {
    /// Reads all of a window.
    ///
    /// # Errors
    /// `UnexpectedEof` if the daemon closes meanwhile; else what the kernel says.
    pub(super) fn fill(&mut self, window: &mut Window) -> io::Result<()> {
        while window.left() > 0 {
            match self.call.read(|wait| window.receive(self.stream, wait)) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    fn patience(usual: Duration) -> Patience {
        let usual = AtomicU64::new(usual.as_nanos() as u64);
        Patience { turns: Turns::new(1), may_stay_awake: true, under_way: AtomicUsize::new(0), usual }
    }

    #[test]
    fn calls_that_are_long_of_late_are_made_at_once() {
        let patience = patience(2 * SHORT);
        let one = patience.begin(false);
        let other = patience.begin(false);
        assert!(one.turn.is_some() && other.turn.is_none());
        assert_eq!(patience.under_way.load(Relaxed), 2);
    }

    #[test]
    fn a_call_with_long_data_does_not_wait_for_a_turn_and_keeps_nobody_waiting() {
        let patience = patience(Duration::ZERO);
        let _short = patience.begin(false);
        assert!(patience.begin(true).turn.is_none());
    }

    #[test]
    fn short_calls_are_made_one_after_the_other_but_for_those_whose_answer_does_not_come() {
        let patience = patience(Duration::ZERO);
        let mut first = patience.begin(false);
        let (say, hear) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let _second = patience.begin(false);
                say.send(()).unwrap();
            });
            assert!(hear.recv_timeout(Duration::from_millis(50)).is_err(), "it did not wait");
            // The first one's answer comes after the second one has begun.
            let read = first.read(|wait| {
                if wait == Wait::No {
                    return Err(ErrorKind::WouldBlock.into());
                }
                hear.recv_timeout(Duration::from_secs(10)).unwrap();
                Ok(1)
            });
            assert_eq!(read.unwrap(), 1);
        });
    }

    #[test]
    fn one_long_call_says_little_of_the_others() {
        let patience = patience(Duration::from_micros(7));
        for _ in 0..1000 {
            drop(Pending {
                patience: &patience,
                turn: None,
                began: Instant::now() - Duration::from_secs(10),
            });
            drop(patience.begin(false));
            drop(patience.begin(false));
            assert!(patience.is_usually_within(SHORT));
        }
    }

    #[test]
    fn long_calls_at_once_are_not_taken_for_short_ones() {
        let patience = patience(Duration::ZERO);
        for _ in 0..50 {
            let calls: Vec<_> = (0..8)
                .map(|_| {
                    patience.under_way.fetch_add(1, Relaxed);
                    Pending { patience: &patience, turn: None, began: Instant::now() - 8 * 6 * SHORT }
                })
                .collect();
            drop(calls);
        }
        assert!(!patience.is_usually_within(SHORT));
    }
}
