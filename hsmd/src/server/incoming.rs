//! Reads frames from a socket: one `read` for a small frame, into a buffer that is used again.

use std::io::{self, Read};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::{available_parallelism, yield_now};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use wire::bytes::wipe;
use wire::frame::HEADER;

use super::budget::{Budget, Share};
use super::spares::Spares;

/// The buffer's size while only small frames come.
const SMALL: usize = 4096;
/// A larger frame takes its room from the budget as it arrives, and gives it back when it has been answered.
const LARGE: usize = 64 << 10;
/// How long the rest of a frame may take once it has begun.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the next call is waited for awake: to be woken takes longer than most calls.
const AWAKE: Duration = Duration::from_micros(50);

/// Threads that wait awake now, and how many may: one processor is left to those who call.
static WAKEFUL: AtomicUsize = AtomicUsize::new(0);
static ROOM: LazyLock<usize> = LazyLock::new(|| available_parallelism().map_or(0, |all| all.get() - 1));

static SPARES: Spares = Spares::new();

/// The frames that arrive on a connection.
pub(crate) struct Incoming {
    buffer: Vec<u8>,
    /// What was read and not yet taken.
    filled: Range<usize>,
    /// The buffer is zero from here on.
    touched: usize,
    /// The body that was wiped since anything was read.
    wiped: Range<usize>,
    budget: Arc<Budget>,
    /// Whose share of the budget it is.
    user: u32,
    share: Option<Share>,
    /// How long a frame that has begun may take.
    patience: Duration,
}

/// What comes next on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A frame, whose body is at [`Incoming::body`].
    Frame(Range<usize>),
    /// A frame for which there is no memory now. It was read and thrown away.
    NoMemory,
    /// The peer has closed the connection between two frames.
    Closed,
}

impl Incoming {
    /// Nothing has arrived yet.
    pub(crate) fn new(budget: &Arc<Budget>, user: u32) -> Self {
        let budget = Arc::clone(budget);
        Self {
            buffer: vec![0; SMALL],
            filled: 0..0,
            touched: 0,
            wiped: 0..0,
            budget,
            user,
            share: None,
            patience: PATIENCE,
        }
    }

    /// Waits for the next frame, for ever if the socket has no timeout of its own.
    ///
    /// # Errors
    /// `InvalidData` if the frame is longer than `limit`; `UnexpectedEof` if the peer closes within it;
    /// `TimedOut` or `WouldBlock` if it does not end in time.
    pub(crate) fn next(&mut self, socket: &UnixStream, limit: u32) -> io::Result<Next> {
        self.forget_large();
        let mut deadline = None;
        loop {
            if let Some(needed) = self.needed(limit)? {
                if self.filled.len() >= needed {
                    if deadline.is_some() {
                        socket.set_read_timeout(None)?;
                    }
                    let body = self.filled.start + HEADER..self.filled.start + needed;
                    self.filled.start += needed;
                    return Ok(Next::Frame(body));
                }
                if !self.make_room(needed) {
                    self.throw_away(socket, needed, deadline)?;
                    socket.set_read_timeout(None)?;
                    return Ok(Next::NoMemory);
                }
            } else if self.filled.end == self.buffer.len() {
                self.move_to_front(); // a header at the very end of the buffer
            }
            // What arrived with the frame before has begun already.
            if !self.filled.is_empty() {
                hurry(socket, *deadline.get_or_insert_with(|| Instant::now() + self.patience))?;
            }
            let granted = self.share.as_ref().map_or(usize::MAX, |share| self.filled.start + share.amount());
            let room = self.filled.end..granted.min(self.buffer.len());
            let room = self.buffer.get_mut(room).unwrap_or_default();
            match wait(socket, room) {
                Ok(0) if self.filled.is_empty() => return Ok(Next::Closed),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.filled.end += read;
                    self.touched = self.touched.max(self.filled.end);
                    self.wiped = 0..0;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether a part of the next frame has arrived.
    pub(crate) const fn has_more(&self) -> bool {
        self.filled.start < self.filled.end
    }

    /// The body of a frame, until the next is read.
    pub(crate) fn body(&self, at: &Range<usize>) -> &[u8] {
        self.buffer.get(at.clone()).unwrap_or_default()
    }

    /// Wipes a body, which may have held a PIN, a key or a plaintext.
    pub(crate) fn wipe(&mut self, at: &Range<usize>) {
        wipe(self.buffer.get_mut(at.clone()).unwrap_or_default());
        self.wiped = at.clone();
    }

    /// Whether there is memory for an answer of so many bytes. That of a large call is as large as the call or
    /// smaller, and the call has its share already.
    pub(crate) fn may_answer(&mut self, len: usize) -> bool {
        if len > LARGE && self.share.is_none() {
            self.share = self.budget.take(self.user, len).ok();
            return self.share.is_some();
        }
        true
    }

    /// The length of the frame that has begun, header and all; none if its header is not there yet.
    fn needed(&self, limit: u32) -> io::Result<Option<usize>> {
        let begun = self.buffer.get(self.filled.clone()).unwrap_or_default();
        let Some(len) = begun.first_chunk::<HEADER>() else { return Ok(None) };
        let len = u32::from_le_bytes(*len);
        if len > limit {
            let message = format!("a frame of {len} bytes, and {limit} is the limit");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(Some(HEADER + len as usize))
    }

    /// Makes room for more of the frame that has begun; `false` if the budget does not allow it. Memory that was
    /// only claimed costs nothing but address space, since it is zero from the start; so the budget counts what
    /// arrives, and allows as much again.
    fn make_room(&mut self, needed: usize) -> bool {
        if needed > LARGE {
            let share = match &mut self.share {
                Some(share) => share,
                none => match self.budget.take(self.user, 0) {
                    Ok(share) => none.insert(share),
                    Err(_) => return false,
                },
            };
            if self.filled.len() >= share.amount()
                && !share.grow(needed.min(LARGE.max(2 * self.filled.len())))
            {
                return false;
            }
        }
        if self.filled.start + needed <= self.buffer.len() {
            return true;
        }
        self.move_to_front();
        if needed > self.buffer.len() {
            // With room for a short call before it, so that both are read at once the next time.
            let room = needed.max(LARGE.min(needed + SMALL));
            self.replace(if needed > LARGE { SPARES.take(needed) } else { vec![0; room] });
        }
        true
    }

    /// Goes on in another buffer, which is zero and has room for what was read.
    fn replace(&mut self, mut buffer: Vec<u8>) {
        let left = self.buffer.get(self.filled.clone()).unwrap_or_default();
        buffer.iter_mut().zip(left).for_each(|(to, from)| *to = *from);
        self.filled = 0..left.len();
        // What was wiped as a body need not be wiped again.
        for part in [0..self.wiped.start, self.wiped.end..self.touched.max(self.wiped.end)] {
            wipe(self.buffer.get_mut(part).unwrap_or_default());
        }
        let old = std::mem::replace(&mut self.buffer, buffer);
        if old.len() > LARGE {
            SPARES.give(old);
        }
        self.touched = self.filled.end;
        self.wiped = 0..0;
    }

    fn move_to_front(&mut self) {
        self.buffer.copy_within(self.filled.clone(), 0);
        let moved = self.filled.len()..self.filled.end;
        self.filled = 0..self.filled.len();
        wipe(self.buffer.get_mut(moved).unwrap_or_default());
        self.wiped = 0..0;
    }

    /// Reads the rest of a frame without keeping it.
    fn throw_away(
        &mut self,
        socket: &UnixStream,
        needed: usize,
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        let mut left = needed.saturating_sub(self.filled.len());
        self.filled = 0..0;
        self.replace(vec![0; LARGE]);
        self.touched = LARGE;
        self.share = None;
        let deadline = deadline.unwrap_or_else(|| Instant::now() + self.patience);
        while left > 0 {
            hurry(socket, deadline)?;
            let room = left.min(self.buffer.len());
            match (&mut &*socket).read(self.buffer.get_mut(..room).unwrap_or_default())? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => left -= read,
            }
        }
        self.replace(vec![0; SMALL]);
        Ok(())
    }

    /// Gives the memory of a large frame or answer back, and begins at the front when nothing is left.
    fn forget_large(&mut self) {
        if self.filled.is_empty() {
            self.filled = 0..0;
        }
        if self.buffer.len() > LARGE && self.filled.len() <= SMALL {
            self.replace(vec![0; SMALL]);
        }
        if self.buffer.len() <= LARGE {
            self.share = None;
        }
    }
}

/// Reads what arrives: awake for a short while, then asleep.
fn wait(socket: &UnixStream, to: &mut [u8]) -> io::Result<usize> {
    let more = |awake: usize| (awake < *ROOM).then_some(awake + 1);
    if WAKEFUL.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok() {
        let read = wait_awake(socket, to);
        WAKEFUL.fetch_sub(1, Ordering::Relaxed);
        if let Some(read) = read {
            return read;
        }
    }
    (&mut &*socket).read(to)
}

fn wait_awake(socket: &UnixStream, to: &mut [u8]) -> Option<io::Result<usize>> {
    let until = Instant::now() + AWAKE;
    loop {
        match recv(socket.as_raw_fd(), to, MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EAGAIN) => {}
            read => return Some(read.map_err(io::Error::from)),
        }
        if Instant::now() > until {
            return None;
        }
        yield_now(); // to whoever else has something to do
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.filled = 0..0;
        self.replace(Vec::new());
    }
}

/// Sets how long the next read may take, so that all of them end in time however little each brings.
fn hurry(socket: &UnixStream, deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    socket.set_read_timeout(Some(left))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn frame(body: &[u8]) -> Vec<u8> {
        [&u32::try_from(body.len()).unwrap().to_le_bytes()[..], body].concat()
    }

    #[test]
    fn frames_of_any_size_come_out_as_they_went_in() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let bodies: Vec<Vec<u8>> = [0, 1, 100, 4091, 4092, 4093, 70_000, 3, 1 << 20, 0, 5000]
            .iter()
            .map(|len| vec![*len as u8; *len])
            .collect();
        let sent: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
        let writer = std::thread::spawn(move || ours.write_all(&sent).unwrap());
        let budget = Arc::new(Budget::new(2 << 20));
        let mut incoming = Incoming::new(&budget, 1);
        for body in &bodies {
            let Next::Frame(at) = incoming.next(&theirs, 1 << 20).unwrap() else { panic!("no frame") };
            assert_eq!(incoming.body(&at), body);
            incoming.wipe(&at);
        }
        assert_eq!(incoming.next(&theirs, 1 << 20).unwrap(), Next::Closed);
        assert!(incoming.buffer.len() <= LARGE, "the memory of large frames is given back");
        assert!(budget.take(1, 2 << 20).is_ok());
        writer.join().unwrap();
    }

    #[test]
    fn a_frame_over_the_limit_or_half_a_frame_is_an_error() {
        let budget = Arc::new(Budget::new(1 << 30));
        let next = |bytes: &[u8], limit| {
            let (mut ours, theirs) = UnixStream::pair().unwrap();
            ours.write_all(bytes).unwrap();
            drop(ours);
            Incoming::new(&budget, 1).next(&theirs, limit).map_err(|error| error.kind())
        };
        assert_eq!(next(&frame(&[1; 11]), 10), Err(io::ErrorKind::InvalidData));
        assert_eq!(next(&frame(&[1; 10])[..9], 10), Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(next(&[1, 0], 10), Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(next(&[], 10), Ok(Next::Closed));
    }

    #[test]
    fn a_frame_beyond_the_budget_is_thrown_away_and_the_next_one_read() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let sent = [frame(&vec![1; 200_000]), frame(b"small")].concat();
        let writer = std::thread::spawn(move || ours.write_all(&sent).unwrap());
        let budget = Arc::new(Budget::new(100_000));
        let mut incoming = Incoming::new(&budget, 1);
        assert_eq!(incoming.next(&theirs, 1 << 20).unwrap(), Next::NoMemory);
        let Next::Frame(at) = incoming.next(&theirs, 1 << 20).unwrap() else { panic!("no frame") };
        assert_eq!(incoming.body(&at), b"small");
        writer.join().unwrap();
    }

    #[test]
    fn a_frame_that_comes_a_byte_at_a_time_ends_in_time_or_not_at_all() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let budget = Arc::new(Budget::new(1 << 30));
        let mut incoming = Incoming::new(&budget, 1);
        incoming.patience = Duration::from_millis(200);
        let writer = std::thread::spawn(move || {
            let sent = frame(&[1; 200]);
            sent.iter()
                .take_while(|byte| {
                    std::thread::sleep(Duration::from_millis(20));
                    ours.write_all(std::slice::from_ref(byte)).is_ok()
                })
                .count()
        });
        let began = Instant::now();
        let error = incoming.next(&theirs, 1000).unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock), "{error}");
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        drop(theirs);
        assert!(writer.join().unwrap() < 200);
    }

    #[test]
    fn what_was_wiped_or_moved_leaves_nothing_behind() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        // The third comes in two halves, at the end of the buffer and then at its front.
        let bodies = [2000, 2000, 1000, 100_000].map(|len| vec![0x55; len]);
        let sent: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
        let writer = std::thread::spawn(move || ours.write_all(&sent).unwrap());
        let budget = Arc::new(Budget::new(1 << 30));
        let mut incoming = Incoming::new(&budget, 1);
        for body in &bodies {
            let Next::Frame(at) = incoming.next(&theirs, 1 << 20).unwrap() else { panic!("no frame") };
            assert_eq!(incoming.body(&at), body);
            incoming.wipe(&at);
            let kept = incoming.filled.clone();
            let left = incoming.buffer.iter().enumerate();
            let left = left.filter(|(at, byte)| !kept.contains(at) && **byte == 0x55);
            assert_eq!(left.count(), 0, "bytes are left of a frame of {}", body.len());
        }
        assert_eq!(incoming.next(&theirs, 1 << 20).unwrap(), Next::Closed);
        assert!(SPARES.take(LARGE + 1).iter().all(|byte| *byte == 0), "a large buffer is kept as it was");
        writer.join().unwrap();
    }

    #[test]
    fn half_a_large_frame_leaves_nothing_behind() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let writer = std::thread::spawn(move || ours.write_all(&frame(&[0x55; 100_000])[..90_000]).unwrap());
        let budget = Arc::new(Budget::new(1 << 30));
        let mut incoming = Incoming::new(&budget, 1);
        assert_eq!(incoming.next(&theirs, 1 << 20).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        drop(incoming);
        assert!(SPARES.take(LARGE + 1).iter().all(|byte| *byte == 0), "a large buffer is kept as it was");
        writer.join().unwrap();
    }

    #[test]
    fn a_large_answer_to_a_small_call_takes_its_share_until_the_next_call() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let budget = Arc::new(Budget::new(1 << 20));
        let mut incoming = Incoming::new(&budget, 1);
        assert!(incoming.may_answer(LARGE) && incoming.share.is_none());
        assert!(incoming.may_answer(1 << 20));
        assert_eq!(budget.taken(), 1 << 20);
        assert!(!Incoming::new(&budget, 2).may_answer(1 << 20));
        ours.write_all(&frame(b"next")).unwrap();
        incoming.next(&theirs, 100).unwrap();
        assert_eq!(budget.taken(), 0);
    }
}
