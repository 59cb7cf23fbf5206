//! What the HSM is handed in, since it does no I/O and reads no clock: the time, and where events go.

use std::os::fd::BorrowedFd;
use std::time::SystemTime;

use wire::Rv;

use crate::partition::Partition;

/// The time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> SystemTime;
}

/// Where events go: one for each use or change of a key and each administrative act.
pub trait Events: Send + Sync {
    /// Takes one event. The caller goes on only after it returns.
    fn record(&self, event: &Event<'_>);
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

/// One event.
#[derive(Debug)]
pub struct Event<'a> {
    /// Who.
    pub peer: Peer,
    /// On which partition.
    pub slot: u64,
    /// As which user of the token: `nobody`, `user` or `so`.
    pub user: &'static str,
    /// What: `sign`, `wrap`, `create`, `destroy`, `login` and their like.
    pub action: &'static str,
    /// `CKA_UNIQUE_ID` of the object concerned, if any.
    pub object: Option<&'a str>,
    /// The outcome.
    pub rv: Rv,
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
