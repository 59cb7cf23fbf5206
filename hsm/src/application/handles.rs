//! Handles of objects and sessions.
//!
//! An object's handle is its number in the partition under a tag: of the partition in this run of the daemon and,
//! for a private object, of the application and its log-in. So a handle of an earlier run or log-in, of another
//! partition, or of a private object as another application has it matches nothing. The tags are random; those
//! of one application's log-ins follow one another, so that they come round after 2^25.

use std::sync::atomic::{AtomicU64, Ordering};

use wire::{ObjectHandle, SessionHandle};

use crate::error::Error;
use crate::object::Object;

const NUMBER_BITS: u32 = 38;
const TAG_BITS: u32 = 25;
/// Of a session's handle: the start of the daemon stands above.
const SESSION_BITS: u32 = 50;
const START_BITS: u32 = 13;

const fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

/// What makes handles of sessions, in one run of the daemon.
pub(crate) struct Handles {
    start: u64,
    sessions: AtomicU64,
}

impl Handles {
    /// The greatest number of an object that a handle has room for.
    pub(crate) const MAX_NUMBER: u64 = mask(NUMBER_BITS);

    /// `start`: a number that is another at each start of the daemon.
    pub(crate) const fn new(start: u64) -> Self {
        Self { start: (start & mask(START_BITS)) << SESSION_BITS, sessions: AtomicU64::new(1) }
    }

    /// A session's handle: never 0.
    pub(crate) fn session(&self) -> SessionHandle {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        SessionHandle(self.start | (number & mask(SESSION_BITS)))
    }

    /// A tag to begin with.
    ///
    /// # Errors
    /// `Crypto` if none can be drawn.
    pub(crate) fn random_tag() -> Result<u64, Error> {
        let mut tag = [0; 8];
        crypto::random::fill(&mut tag)?;
        Ok(u64::from_le_bytes(tag) & mask(TAG_BITS))
    }
}

/// The tags that handles of a partition's objects have for an application as it is logged in.
#[derive(Clone, Copy)]
pub(crate) struct Tags {
    pub(crate) public: u64,
    pub(crate) private: u64,
}

impl Tags {
    /// The handle of an object.
    pub(crate) fn handle(self, object: &Object) -> ObjectHandle {
        let tag = if object.is_private() { self.private } else { self.public };
        ObjectHandle((tag & mask(TAG_BITS)) << NUMBER_BITS | object.number)
    }
}

/// The number in a handle, which says nothing of whether the handle is good.
pub(crate) const fn number(handle: ObjectHandle) -> u64 {
    handle.0 & mask(NUMBER_BITS)
}
