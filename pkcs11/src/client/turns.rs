//! Turns: no more threads have a short call under way than the processors can work on.
//!
//! To put a thread to sleep and wake it takes longer than a short call. So those that wait for a turn sleep, and who has
//! it makes one call after the other for a short while before it is handed on: the daemon's thread and this one stay
//! awake meanwhile.
//!
//! A call keeps two processors awake, its thread's and the daemon's, each of which waits for the other. That is the
//! fastest for calls that are hardly more than the way there and back. Where the daemon computes for longer, there are
//! as many turns as processors, and each pair shares one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::lock;

/// How long a turn lasts while others wait for one: some thirty calls. To hand it on wakes two threads, which takes as long as
/// several calls.
const SLICE: Duration = Duration::from_micros(300);
/// The same where a pair of threads shares a processor: who is woken must first get at it.
const SHARED_SLICE: Duration = Duration::from_millis(1);
/// A turn that somebody asks for within this time need not be handed on: a thread that sleeps takes as long to come.
const SOON: Duration = Duration::from_micros(10);

/// So many turns, and who waits for one.
pub(super) struct Turns {
    processors: usize,
    /// How many turns there are. Changed under the lock of the state.
    room: AtomicUsize,
    /// How long a turn lasts while others wait, with one for each two processors.
    slice: Duration,
    /// The same with one for each.
    shared_slice: Duration,
    state: Mutex<State>,
}

/// How many turns there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// One for each two processors.
    Pairs,
    /// One for each processor.
    All,
}

#[derive(Default)]
struct State {
    taken: usize,
    waiting: VecDeque<Arc<Waiter>>,
    /// When a turn was last handed on.
    handed_on: Option<Instant>,
    /// When a turn was left to its thread while others waited, if nobody has asked for one since.
    left: Option<Instant>,
    /// How long it took of late until somebody asked, an eighth of it the newest. It is forgotten little by little while
    /// turns are handed on: to wake a thread takes so long that what comes after it tells nothing.
    usual_gap: Duration,
}

#[derive(Default)]
struct Waiter {
    /// Changed under the lock of the state.
    has_turn: AtomicBool,
    changed: Condvar,
}

/// A turn, handed back when it is dropped.
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    /// One for each two of these processors, but one at the least.
    pub(super) fn new(processors: usize) -> Self {
        let room = AtomicUsize::new(Room::Pairs.of(processors));
        Self { processors, room, slice: SLICE, shared_slice: SHARED_SLICE, state: Mutex::default() }
    }

    /// How many there are.
    pub(super) fn room(&self) -> usize {
        self.room.load(Relaxed)
    }

    /// Changes how many there are: those that have become too many end by and by.
    pub(super) fn set_room(&self, room: Room) {
        let room = room.of(self.processors);
        if room == self.room() {
            return;
        }
        let mut state = lock(&self.state);
        self.room.store(room, Relaxed);
        while state.taken < room
            && let Some(next) = state.waiting.pop_front()
        {
            state.taken += 1;
            next.has_turn.store(true, Relaxed);
            next.changed.notify_one();
        }
    }

    /// How long it is from when one turn is handed on to when the next one is.
    fn interval(&self) -> Duration {
        let room = self.room();
        let slice = if room > Room::Pairs.of(self.processors) { self.shared_slice } else { self.slice };
        slice / u32::try_from(room).unwrap_or(u32::MAX)
    }

    /// Whether somebody waits for one.
    pub(super) fn are_wanted(&self) -> bool {
        !lock(&self.state).waiting.is_empty()
    }

    /// A turn, if one is free.
    pub(super) fn take(&self) -> Option<Turn<'_>> {
        self.take_from(&mut lock(&self.state))
    }

    /// A turn, once one is free.
    pub(super) fn wait(&self) -> Turn<'_> {
        let mut state = lock(&self.state);
        if let Some(turn) = self.take_from(&mut state) {
            return turn;
        }
        let waiter = Arc::new(Waiter::default());
        state.waiting.push_back(Arc::clone(&waiter));
        loop {
            let waited = waiter.changed.wait_timeout(state, 2 * self.interval());
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if waiter.has_turn.load(Relaxed) {
                return Turn(self);
            }
            // It was given back by a thread that was expected to come for it again, and has not.
            if state.taken < self.room() {
                state.taken += 1;
                state.waiting.retain(|other| !Arc::ptr_eq(other, &waiter));
                state.handed_on = Some(Instant::now());
                return Turn(self);
            }
        }
    }

    fn take_from(&self, state: &mut State) -> Option<Turn<'_>> {
        state.note_gap();
        (state.taken < self.room()).then(|| {
            state.taken += 1;
            Turn(self)
        })
    }

    /// Ends a turn: hands it on if somebody has waited long enough for it, or if it would lie idle else.
    fn end(&self, may_come_back: bool) {
        let mut state = lock(&self.state);
        if !state.waiting.is_empty() && state.taken <= self.room() {
            let now = Instant::now();
            let is_over = state.handed_on.is_none_or(|at| now.duration_since(at) >= self.interval());
            if (is_over || !may_come_back || state.usual_gap > SOON)
                && let Some(next) = state.waiting.pop_front()
            {
                next.has_turn.store(true, Relaxed);
                state.handed_on = Some(now);
                state.left = None;
                let gap = state.usual_gap;
                state.usual_gap = gap - gap / 32;
                drop(state);
                next.changed.notify_one();
                return;
            }
            state.left = Some(now);
        }
        state.taken -= 1;
    }
}

impl Room {
    fn of(self, processors: usize) -> usize {
        match self {
            Self::Pairs => processors / 2,
            Self::All => processors,
        }
        .max(1)
    }
}

impl State {
    fn note_gap(&mut self) {
        if let Some(at) = self.left.take() {
            // A thread that is held up once is no rule.
            let gap = at.elapsed().min(4 * SOON);
            self.usual_gap = self.usual_gap - self.usual_gap / 8 + gap / 8;
        }
    }
}

impl Turn<'_> {
    /// Ends the turn of a thread that has something else to do first.
    pub(super) fn give_up(self) {
        self.0.end(false);
        std::mem::forget(self);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.end(true);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);
    const SOME: Duration = Duration::from_millis(20);

    fn turns(room: usize, slice: Duration) -> Turns {
        let slice = slice.saturating_mul(u32::try_from(room).unwrap());
        Turns { slice, shared_slice: slice, ..Turns::new(2 * room) }
    }

    fn until_somebody_waits(turns: &Turns) {
        while !turns.are_wanted() {
            thread::yield_now();
        }
    }

    #[test]
    fn no_more_threads_have_a_turn_than_there_are() {
        for room in [1, 3] {
            let (turns, now, most) = (turns(room, SOME / 100), AtomicUsize::new(0), AtomicUsize::new(0));
            thread::scope(|scope| {
                for thread in 0..8 {
                    let (turns, now, most) = (&turns, &now, &most);
                    scope.spawn(move || {
                        for round in 0..1000 {
                            let turn = turns.wait();
                            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                            if round % 100 == thread {
                                thread::sleep(SOME / 100);
                            }
                            now.fetch_sub(1, SeqCst);
                            if round % 7 == 0 { turn.give_up() } else { drop(turn) }
                        }
                    });
                }
            });
            assert!((1..=room).contains(&most.into_inner()));
            assert_eq!(lock(&turns.state).taken, 0);
            assert!(!turns.are_wanted());
        }
    }

    #[test]
    fn a_turn_that_is_given_up_goes_to_the_first_who_waits() {
        let (turns, order) = (turns(1, LONG), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            let mut turn = Some(turns.wait());
            for thread in 0..4 {
                let before = lock(&turns.state).waiting.len();
                let (turns, order) = (&turns, &order);
                scope.spawn(move || {
                    let turn = turns.wait();
                    lock(order).push(thread);
                    turn.give_up();
                });
                while lock(&turns.state).waiting.len() == before {
                    thread::yield_now();
                }
            }
            assert!(turns.take().is_none());
            turn.take().into_iter().for_each(Turn::give_up);
        });
        assert_eq!(order.into_inner().unwrap(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_thread_that_comes_back_at_once_keeps_its_turn_for_a_while_and_no_longer() {
        let turns = turns(1, SOME);
        let (began, mut rounds) = (Instant::now(), 0);
        thread::scope(|scope| {
            lock(&turns.state).handed_on = Some(began);
            let turn = turns.wait();
            let other = scope.spawn(|| drop(turns.wait()));
            until_somebody_waits(&turns);
            drop(turn);
            while turns.are_wanted() {
                drop(turns.wait());
                rounds += 1;
            }
            other.join().unwrap();
        });
        assert!(rounds > 10, "{rounds} rounds only");
        assert!(began.elapsed() >= SOME, "handed on after {:?}", began.elapsed());
    }

    #[test]
    fn a_turn_that_nobody_comes_back_for_is_taken_by_who_waits() {
        let turns = turns(1, 10 * SOME);
        thread::scope(|scope| {
            lock(&turns.state).handed_on = Some(Instant::now() + LONG);
            let turn = turns.wait();
            let other = scope.spawn(|| drop(turns.wait()));
            until_somebody_waits(&turns);
            drop(turn);
            assert!(turns.are_wanted(), "it was kept for this thread");
            other.join().unwrap();
        });
    }

    #[test]
    fn what_comes_after_a_turn_was_handed_on_does_not_keep_it_from_being_left_again() {
        let turns = turns(1, LONG);
        lock(&turns.state).usual_gap = 4 * SOON;
        thread::scope(|scope| {
            for _ in 0..64 {
                let mut state = lock(&turns.state);
                if state.usual_gap <= SOON {
                    break;
                }
                state.handed_on = Some(Instant::now());
                drop(state);
                let turn = turns.wait();
                let other = scope.spawn(|| turns.wait().give_up());
                until_somebody_waits(&turns);
                drop(turn);
                other.join().unwrap();
                thread::sleep(4 * SOON);
            }
        });
        assert!(lock(&turns.state).usual_gap <= SOON);
    }

    #[test]
    fn who_waits_gets_a_turn_once_there_are_more_and_what_is_too_much_later_goes() {
        const PATIENCE: Duration = Duration::from_secs(10);
        let turns = turns(2, LONG);
        let (say, hear) = mpsc::channel();
        thread::scope(|scope| {
            let first = [turns.wait(), turns.wait()];
            for _ in 0..3 {
                let (turns, say) = (&turns, say.clone());
                scope.spawn(move || say.send(turns.wait()));
            }
            while lock(&turns.state).waiting.len() < 3 {
                thread::yield_now();
            }
            turns.set_room(Room::All);
            let more = [(); 2].map(|()| hear.recv_timeout(PATIENCE).expect("it has a turn now"));
            assert!(hear.try_recv().is_err() && turns.are_wanted());
            turns.set_room(Room::Pairs);
            for turn in first {
                turn.give_up();
                assert!(turns.are_wanted(), "there are more than two yet");
            }
            let [one, _other] = more;
            one.give_up();
            hear.recv_timeout(PATIENCE).expect("it has a turn now");
        });
    }

    #[test]
    fn where_threads_are_busy_between_calls_a_turn_is_handed_on_at_once() {
        let turns = turns(1, LONG);
        lock(&turns.state).usual_gap = 2 * SOON;
        thread::scope(|scope| {
            lock(&turns.state).handed_on = Some(Instant::now());
            let turn = turns.wait();
            let other = scope.spawn(|| drop(turns.wait()));
            until_somebody_waits(&turns);
            drop(turn);
            other.join().unwrap();
        });
    }
}
