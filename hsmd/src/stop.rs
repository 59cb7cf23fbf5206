//! How a thread is told to end, and tells that it has.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Between a thread and who ends it.
#[derive(Default)]
pub(crate) struct Stop {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    wanted: bool,
    ended: bool,
}

/// Tells that the thread has ended when it is dropped.
pub(crate) struct Ends<'a>(&'a Stop);

impl Stop {
    /// Whether the end is wanted.
    pub(crate) fn has_come(&self) -> bool {
        self.state.lock().wanted
    }

    /// Waits, and tells whether the end was wanted meanwhile.
    pub(crate) fn comes_within(&self, wait: Duration) -> bool {
        let (mut state, until) = (self.state.lock(), Instant::now() + wait);
        while !state.wanted && !self.changed.wait_until(&mut state, until).timed_out() {}
        state.wanted
    }

    /// Has the thread end, and tells whether it did while one waited.
    pub(crate) fn stop(&self, patience: Duration) -> bool {
        let (mut state, until) = (self.state.lock(), Instant::now() + patience);
        state.wanted = true;
        self.changed.notify_all();
        while !state.ended && !self.changed.wait_until(&mut state, until).timed_out() {}
        state.ended
    }

    /// For the thread to hold until it ends.
    pub(crate) const fn ends(&self) -> Ends<'_> {
        Ends(self)
    }
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.state.lock().ended = true;
        self.0.changed.notify_all();
    }
}
