//! What the HSM is handed in, since it does no I/O and reads no clock: the time, who may enter, and where events
//! go.

use std::os::fd::BorrowedFd;
use std::time::{Duration, SystemTime};

pub use crate::event::{Event, Events};
use crate::partition::Partition;

/// The time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> SystemTime;

    /// Lets a moment pass while somebody is waited for. With a clock that stands still there is nothing to wait for.
    fn pause(&self, _moment: Duration) {}
}

/// Who calls: the peer of a connection, as the kernel told when it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// User number.
    pub uid: u32,
    /// Group number.
    pub gid: u32,
    /// Process number; it may be used again by another process.
    pub pid: i32,
}

/// Who may open which partition.
pub trait Access: Send + Sync {
    /// Whether this peer sees the partition's slot at all.
    fn may_open(&self, peer: Peer, partition: &Partition) -> bool;
}

/// Where an application is told that what it was answered may not hold any more (see [`wire::watch`]).
pub trait Watch: Send + Sync {
    /// A change begins: none of it can be seen yet.
    fn begin(&self);
    /// A change has ended: all of it can be seen.
    fn end(&self);
    /// The file that the application reads.
    fn file(&self) -> BorrowedFd<'_>;
}
