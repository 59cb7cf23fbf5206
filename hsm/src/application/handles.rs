//! Handles of objects and sessions: numbers that name nothing else, ever.
//!
//! An object's handle is its number in the partition with the start of the daemon and, for a private object,
//! the log-in it was found in. So a handle of an earlier start or an earlier log-in matches nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use wire::{ObjectHandle, SessionHandle};

use crate::object::Object;

const NUMBER_BITS: u32 = 36;
const GENERATION_BITS: u32 = 14;
const BOOT_BITS: u32 = 13;

const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

/// What makes handles, in one run of the daemon.
pub(crate) struct Handles {
    boot: u64,
    sessions: AtomicU64,
}

impl Handles {
    /// `start`: a number that is another at each start of the daemon.
    pub(crate) const fn new(start: u64) -> Self {
        Self {
            boot: (start & mask(BOOT_BITS)) << (NUMBER_BITS + GENERATION_BITS),
            sessions: AtomicU64::new(1),
        }
    }

    /// A session's handle.
    pub(crate) fn session(&self) -> SessionHandle {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        SessionHandle(self.boot | (number & mask(NUMBER_BITS + GENERATION_BITS)))
    }

    /// An object's handle in this log-in.
    pub(crate) fn of(&self, object: &Object, generation: u64) -> ObjectHandle {
        let generation = if object.is_private() { generation & mask(GENERATION_BITS) } else { 0 };
        ObjectHandle(self.boot | (generation << NUMBER_BITS) | object.number)
    }

    /// The number in a handle, if it is of this start and, where it names one, of this log-in.
    pub(crate) const fn number(&self, handle: ObjectHandle, generation: u64) -> Option<u64> {
        let boot = handle.0 & !mask(NUMBER_BITS + GENERATION_BITS);
        let of = (handle.0 >> NUMBER_BITS) & mask(GENERATION_BITS);
        if boot != self.boot || (of != 0 && of != generation & mask(GENERATION_BITS)) {
            return None;
        }
        Some(handle.0 & mask(NUMBER_BITS))
    }
}
