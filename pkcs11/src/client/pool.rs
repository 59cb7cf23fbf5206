//! The process's connections: each call has one to itself, and no lock is held but its own.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crate::memory::system;

use super::connection::Connection;

/// The most connections of a process. More calls at once wait for one another.
const MAX: usize = 64;

/// Places for connections.
pub(super) struct Pool {
    slots: [Slot; MAX],
    /// Spreads the calls that have to wait.
    next: AtomicUsize,
}

/// A place for a connection. Its descriptor is known outside the lock, for a child after `fork`.
#[derive(Default)]
struct Slot {
    connection: Mutex<Option<Connection>>,
    /// The descriptor plus one; 0 is none.
    socket: AtomicI32,
    inode: AtomicU64,
}

impl Default for Pool {
    fn default() -> Self {
        Self { slots: std::array::from_fn(|_| Slot::default()), next: AtomicUsize::new(0) }
    }
}

impl Pool {
    /// A place that no other thread uses: the first free one, so that as few as can be have a connection.
    pub(super) fn free(&self) -> Option<Place<'_>> {
        for slot in &self.slots {
            match slot.connection.try_lock() {
                Ok(connection) => return Some(Place { slot, connection }),
                Err(TryLockError::Poisoned(poisoned)) => {
                    return Some(Place::after_panic(slot, poisoned.into_inner()));
                }
                Err(TryLockError::WouldBlock) => {}
            }
        }
        None
    }

    /// A place that no other thread uses, once one is free.
    pub(super) fn wait(&self) -> Place<'_> {
        if let Some(place) = self.free() {
            return place;
        }
        let index = self.next.fetch_add(1, SeqCst) % MAX;
        let [first, ..] = &self.slots;
        let slot = self.slots.get(index).unwrap_or(first);
        match slot.connection.lock() {
            Ok(connection) => Place { slot, connection },
            Err(poisoned) => Place::after_panic(slot, PoisonError::into_inner(poisoned)),
        }
    }

    /// Ends the connections that carry no call.
    pub(super) fn close(&self) {
        for slot in &self.slots {
            if let Ok(connection) = slot.connection.try_lock() {
                Place { slot, connection }.clear();
            }
        }
    }

    /// Closes the descriptors in a child, without a lock and without ending the parent's connections.
    pub(super) fn close_inherited(&self) {
        for slot in &self.slots {
            let socket: RawFd = slot.socket.swap(0, SeqCst) - 1;
            if socket >= 0 {
                system::close_inherited(socket, slot.inode.load(SeqCst));
            }
        }
    }
}

/// A place that the calling thread has to itself.
pub(super) struct Place<'a> {
    slot: &'a Slot,
    connection: MutexGuard<'a, Option<Connection>>,
}

impl<'a> Place<'a> {
    /// A place whose last user panicked: what its connection is in the middle of is not known.
    fn after_panic(slot: &'a Slot, connection: MutexGuard<'a, Option<Connection>>) -> Self {
        slot.connection.clear_poison();
        let mut place = Self { slot, connection };
        place.clear();
        place
    }

    /// The connection, if there is one.
    pub(super) fn connection(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    /// Puts a connection here.
    pub(super) fn put(&mut self, connection: Connection) -> &mut Connection {
        self.clear();
        let socket = connection.socket();
        if let Some(inode) = system::inode(socket) {
            self.slot.inode.store(inode, SeqCst);
            self.slot.socket.store(socket + 1, SeqCst);
        }
        self.connection.insert(connection)
    }

    /// Ends the connection, if there is one.
    pub(super) fn clear(&mut self) {
        // First, so that a child never takes another file for it.
        self.slot.socket.store(0, SeqCst);
        *self.connection = None;
    }
}
