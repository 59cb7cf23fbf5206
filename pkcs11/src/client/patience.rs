//! Waiting for an answer: a short while awake, since to be woken takes longer than most calls, then asleep. And
//! waiting for the turn to call at all, while calls are so short that more of them at once take longer.

use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use crate::memory::Window;
use crate::memory::system::{Wait, processors, receive};

use super::turns::{Room, Turn, Turns};

/// How long an answer is waited for awake, at the most: an RSA signature comes within it.
const AWAKE: Duration = Duration::from_micros(500);
/// The same while other threads call or wait for their turn.
const CROWDED: Duration = Duration::from_micros(60);
/// Calls that take longer than this on the processors are better made at once than in turns.
const SHORT: Duration = Duration::from_micros(25);
/// Calls that take no longer than this, each alone, are hardly more than the way to the daemon and back: to have two
/// processors for one of them is the fastest. Of those that take longer, one is made on each.
const TRIP: Duration = Duration::from_micros(14);
/// Of so many calls, the first few are made on two processors each, to see what they take so.
const ROUND: usize = 1024;
const FEW: usize = 16;
/// What calls usually take is not followed beyond this, so that it is soon forgotten.
const LONG: Duration = Duration::from_micros(240);
/// The least by which it goes up, in nanoseconds.
const STEP: u64 = 500;

/// How the threads of the process wait.
///
/// Who has a turn waits for the answer awake, and gives it up when the answer does not come soon, so that a long call
/// keeps nobody waiting.
pub(super) struct Patience {
    turns: Turns,
    /// Whether the daemon has a processor while this process uses one.
    may_stay_awake: bool,
    /// Calls that were sent, or are about to be, and have no answer yet.
    under_way: AtomicUsize,
    /// What most calls took of late, shared by the calls that were under way at once.
    usual: Usual,
    /// What most calls took of late that were under way alone.
    alone: Usual,
    /// How many calls there were.
    calls: AtomicUsize,
}

/// What most calls took of late, in nanoseconds. It goes up or down by an eighth with each call, so that a few that take
/// very long, or whose thread is held up, change little.
#[derive(Default)]
struct Usual(AtomicU64);

impl Usual {
    fn is_within(&self, time: Duration) -> bool {
        u128::from(self.0.load(Relaxed)) <= time.as_nanos()
    }

    fn note(&self, nanoseconds: u128) {
        let before = self.0.load(Relaxed);
        let now = if nanoseconds > before.into() { before + before / 8 + STEP } else { before - before / 8 };
        // Another thread's figure may be lost on the way: it is an estimate.
        self.0.store(now.min(LONG.as_nanos() as u64), Relaxed);
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self::on(processors())
    }
}

impl Patience {
    fn on(processors: usize) -> Self {
        let (under_way, calls) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (usual, alone) = (Usual::default(), Usual::default());
        Self { turns: Turns::new(processors), may_stay_awake: processors > 1, under_way, usual, alone, calls }
    }

    /// Begins a call: after those of others, if calls are short of late, and this one is not known to be long.
    pub(super) fn begin(&self, is_long: bool) -> Pending<'_> {
        let turn = if is_long {
            None
        } else if self.usual.is_within(SHORT) {
            Some(self.turns.wait())
        } else {
            self.turns.take()
        };
        let is_alone = self.under_way.fetch_add(1, Relaxed) == 0;
        Pending { patience: self, turn, is_alone, began: Instant::now() }
    }

    /// How many turns there are to be for the next call.
    fn room(&self) -> Room {
        let is_tried = self.calls.fetch_add(1, Relaxed) % ROUND < FEW;
        if is_tried || self.alone.is_within(TRIP) || !self.alone.is_within(CROWDED) {
            Room::Pairs
        } else {
            Room::All
        }
    }
}

/// A call, from before it is sent until its answer is there.
pub(super) struct Pending<'a> {
    patience: &'a Patience,
    turn: Option<Turn<'a>>,
    /// Whether it began when no other was under way.
    is_alone: bool,
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
            if !*may_stay_awake || crowded && !self.patience.usual.is_within(CROWDED) {
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
        let Patience { turns, under_way, usual, alone, .. } = self.patience;
        let took = self.began.elapsed().as_nanos();
        let at_once = under_way.fetch_sub(1, Relaxed).max(1);
        usual.note(took / at_once as u128);
        if self.is_alone && at_once == 1 {
            alone.note(took);
        }
        turns.set_room(self.patience.room());
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
        Patience { usual: Usual(AtomicU64::new(usual.as_nanos() as u64)), ..Patience::on(2) }
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
                is_alone: true,
                began: Instant::now() - Duration::from_secs(10),
            });
            drop(patience.begin(false));
            drop(patience.begin(false));
            assert!(patience.usual.is_within(SHORT));
        }
    }

    #[test]
    fn each_processor_gets_a_call_where_one_is_more_than_the_way_there_and_back() {
        let patience = patience(Duration::ZERO);
        let calls_of = |took: Duration| {
            let mut rooms = Vec::new();
            for _ in 0..ROUND {
                let mut call = patience.begin(false);
                call.began -= took;
                drop(call);
                rooms.push(patience.turns.room());
            }
            rooms.sort_unstable();
            rooms[ROUND / 2]
        };
        assert_eq!(calls_of(Duration::from_micros(1)), 1);
        assert_eq!(calls_of(2 * TRIP), 2);
        assert_eq!(calls_of(2 * CROWDED), 1);
        assert_eq!(calls_of(Duration::from_micros(1)), 1);
    }

    #[test]
    fn calls_beside_others_say_nothing_of_what_one_takes_alone() {
        let patience = patience(2 * SHORT);
        let mut first = patience.begin(true);
        for _ in 0..100 {
            let mut second = patience.begin(true);
            second.began -= 2 * TRIP;
        }
        first.began -= 2 * TRIP;
        let second = patience.begin(true);
        drop(first);
        drop(second); // ends alone, but began beside another
        assert_eq!(patience.alone.0.load(Relaxed), 0);
    }

    #[test]
    fn what_calls_take_alone_is_tried_again_and_again_where_they_are_many() {
        let patience = patience(Duration::ZERO);
        patience.alone.0.store((2 * TRIP).as_nanos() as u64, Relaxed);
        let rooms: Vec<_> = (0..4 * ROUND).map(|_| patience.room()).collect();
        let pairs = rooms.iter().filter(|room| **room == Room::Pairs).count();
        assert_eq!((pairs, rooms[2 * ROUND], rooms[2 * ROUND + FEW]), (4 * FEW, Room::Pairs, Room::All));
    }

    #[test]
    fn long_calls_at_once_are_not_taken_for_short_ones() {
        let patience = patience(Duration::ZERO);
        for _ in 0..50 {
            let calls: Vec<_> = (0..8)
                .map(|_| {
                    patience.under_way.fetch_add(1, Relaxed);
                    let began = Instant::now() - 8 * 6 * SHORT;
                    Pending { patience: &patience, turn: None, is_alone: false, began }
                })
                .collect();
            drop(calls);
        }
        assert!(!patience.usual.is_within(SHORT));
    }
}
