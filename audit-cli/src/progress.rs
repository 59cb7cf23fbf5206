//! A line on the terminal that says how far a long reading has come.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Read, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How often the line is written anew.
const OFTEN: Duration = Duration::from_millis(200);

/// How much is read of how much. Silent unless standard error is a terminal.
#[derive(Clone)]
pub(crate) struct Progress(Option<Rc<RefCell<State>>>);

struct State {
    done: u64,
    total: u64,
    said: Instant,
    anything: bool,
}

impl Progress {
    pub(crate) fn new(total: u64) -> Self {
        let state = State { done: 0, total, said: Instant::now(), anything: false };
        Self(io::stderr().is_terminal().then(|| Rc::new(RefCell::new(state))))
    }

    pub(crate) fn of<R: Read>(&self, from: R) -> Counted<R> {
        Counted { from, progress: self.clone() }
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        if let Some(state) = &self.0
            && state.borrow().anything
        {
            // Nobody can be told that standard error is closed.
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn add(&self, read: usize) {
        let Some(state) = &self.0 else { return };
        let mut state = state.borrow_mut();
        state.done += read as u64;
        if state.said.elapsed() >= OFTEN {
            state.said = Instant::now();
            state.anything = true;
            let (done, total) = (state.done >> 20, state.total >> 20);
            let percent = state.done.saturating_mul(100) / state.total.max(1);
            let _ = write!(io::stderr(), "\r\x1b[K{percent:>3} %  {done} of {total} MiB");
        }
    }
}

/// A reader that counts what it reads.
pub(crate) struct Counted<R> {
    from: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(to)?;
        self.progress.add(read);
        Ok(read)
    }
}
