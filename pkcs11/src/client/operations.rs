//! What the module knows of the operations of each session, so that an `Init` whose answer is known travels
//! together with the call that follows it.
//!
//! The daemon says with its answer to an `Init` whether the same call would succeed again for as long as nothing
//! changes, and tells of changes through [`wire::watch`]. So the same `Init` again, on a session whose last
//! operation of that kind has ended, is answered at once and kept, and goes out in front of the next call of
//! its kind. Where nothing is known the daemon is asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};

use wire::calls::Call;
use wire::calls::{decrypt, digest, encrypt, sign, verify};
use wire::codec::reply as decoded;
use wire::mechanism::Leaf;
use wire::{Mechanism, ObjectHandle, Params, Repeat, Rv, SessionHandle, Value};

use super::connection::{Frame, Made, Take};
use super::{Application, Client, lock};
use crate::memory::Offer;

/// A kind of operation, of which a session has one at the most.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Encrypt,
    Decrypt,
    Digest,
    Sign,
    Verify,
}

const KINDS: usize = Kind::Verify as usize + 1;

/// A call that begins an operation.
pub(crate) trait Begin: Call<Reply = Repeat> {
    /// Of which kind.
    const KIND: Kind;
    /// Where.
    fn session(&self) -> SessionHandle;
    /// With what; none ends the operation that is active.
    fn mechanism(&self) -> Option<&Mechanism>;
    /// With which key.
    fn key(&self) -> ObjectHandle;
}

macro_rules! begins {
    ($($kind:ident $call:ty, $key:expr;)*) => {$(
        impl Begin for $call {
            const KIND: Kind = Kind::$kind;
            fn session(&self) -> SessionHandle {
                self.session
            }
            fn mechanism(&self) -> Option<&Mechanism> {
                self.mechanism.as_ref()
            }
            fn key(&self) -> ObjectHandle {
                let key: fn(&Self) -> ObjectHandle = $key;
                key(self)
            }
        }
    )*};
}

begins! {
    Encrypt encrypt::EncryptInit, |call| call.key;
    Decrypt decrypt::DecryptInit, |call| call.key;
    Digest digest::DigestInit, |_| ObjectHandle::INVALID;
    Sign sign::SignInit, |call| call.key;
    Verify verify::VerifyInit, |call| call.key;
}

/// The sessions that have begun an operation.
#[derive(Default)]
pub(super) struct Sessions {
    shards: [Mutex<HashMap<u64, Arc<Mutex<Session>>>>; 16],
    /// Calls that are kept.
    kept: AtomicUsize,
}

#[derive(Default)]
struct Session {
    operations: [Operation; KINDS],
}

#[derive(Default)]
struct Operation {
    stage: Stage,
    /// The last `Init` that succeeded.
    answered: Option<Answered>,
    /// The frame of the call that is kept.
    frame: Vec<u8>,
}

/// What is known of an operation.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing: the daemon knows.
    #[default]
    Unknown,
    /// None is active: the last one has ended.
    Idle,
    /// `Init` was answered here, and the daemon has not seen it yet.
    Kept,
}

/// An `Init` that succeeded, and what its answer depends on.
struct Answered {
    mechanism: Mechanism,
    key: ObjectHandle,
    repeat: Repeat,
    /// The application of the daemon that answered, and the changes it had seen before it was asked.
    generation: u64,
    changes: u64,
}

impl Answered {
    fn holds(&self, application: &Application, mechanism: &Mechanism, key: ObjectHandle) -> bool {
        self.key == key
            && self.generation == application.generation
            && match self.repeat {
                Repeat::Ask => false,
                Repeat::Same => self.mechanism == *mechanism,
                Repeat::SameLengths => same_lengths(&self.mechanism, mechanism),
            }
            && application.changes() == Some(self.changes)
    }
}

/// Whether two mechanisms differ in nothing but the content of byte strings.
fn same_lengths(one: &Mechanism, other: &Mechanism) -> bool {
    let leaves = |one: &[Leaf], other: &[Leaf]| {
        one.len() == other.len()
            && one.iter().zip(other).all(|pair| match pair {
                (Leaf::Bytes(one), Leaf::Bytes(other)) => one.len() == other.len(),
                (one, other) => one == other,
            })
    };
    one.id == other.id
        && match (&one.params, &other.params) {
            (Params::Words(one), Params::Words(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other.iter()).all(|pair| match pair {
                        (Value::Bytes(one), Value::Bytes(other)) => one.len() == other.len(),
                        (Value::Struct(one), Value::Struct(other)) => leaves(one, other),
                        (one, other) => one == other,
                    })
            }
            (one, other) => one == other,
        }
}

impl Sessions {
    fn shard(&self, session: SessionHandle) -> MutexGuard<'_, HashMap<u64, Arc<Mutex<Session>>>> {
        let [first, ..] = &self.shards;
        lock(self.shards.get(session.0 as usize % self.shards.len()).unwrap_or(first))
    }

    fn get(&self, session: SessionHandle) -> Option<Arc<Mutex<Session>>> {
        self.shard(session).get(&session.0).cloned()
    }

    fn remove(&self, session: SessionHandle) {
        let removed = self.shard(session).remove(&session.0);
        self.forget(removed);
    }

    fn clear(&self) {
        for shard in &self.shards {
            let removed = std::mem::take(&mut *lock(shard));
            self.forget(removed.into_values());
        }
    }

    /// Drops what was kept for sessions that are gone: there is nothing to begin there.
    fn forget(&self, removed: impl IntoIterator<Item = Arc<Mutex<Session>>>) {
        for session in removed {
            for operation in &mut lock(&session).operations {
                if std::mem::take(&mut operation.stage) == Stage::Kept {
                    self.kept.fetch_sub(1, SeqCst);
                }
            }
        }
    }
}

/// A call that goes out in front of another one.
pub(super) struct Front<'a> {
    /// Its frame.
    pub(super) frame: &'a [u8],
    /// The daemon's answer, once there is one.
    pub(super) answer: Option<Result<Repeat, Rv>>,
}

impl Client {
    /// `Init`: begins an operation, or ends it.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub(crate) fn begin<C: Begin>(&self, call: &C, application: &Application) -> Result<(), Rv> {
        let session = call.session();
        let entry = Arc::clone(self.sessions.shard(session).entry(session.0).or_default());
        let mut entry = lock(&entry);
        let Some(operation) = entry.operations.get_mut(C::KIND as usize) else {
            return Err(Rv::GENERAL_ERROR);
        };
        if let (Stage::Idle, Some(answered), Some(mechanism)) =
            (operation.stage, &operation.answered, call.mechanism())
            && answered.holds(application, mechanism, call.key())
        {
            operation.frame.clear();
            call.append(&mut operation.frame)?;
            operation.stage = Stage::Kept;
            self.sessions.kept.fetch_add(1, SeqCst);
            return Ok(());
        }
        let changes = application.changes();
        let result = self.after(operation, call, |reply: &[u8]| decoded(reply));
        operation.stage = Stage::Unknown;
        operation.answered = match (&result, call.mechanism(), changes) {
            // What was known of an operation that could begin says nothing of one that is active, and holds.
            (Err(Rv::OPERATION_ACTIVE), ..) => operation.answered.take(),
            (Ok(repeat), Some(mechanism), Some(changes)) if *repeat != Repeat::Ask => Some(Answered {
                mechanism: mechanism.clone(),
                key: call.key(),
                repeat: *repeat,
                generation: application.generation,
                changes,
            }),
            _ => None,
        };
        drop(entry);
        if result == Err(Rv::SESSION_HANDLE_INVALID) {
            self.sessions.remove(session);
        }
        result.map(drop)
    }

    /// Ends the operation that a call without mechanism names.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub(crate) fn cancel<C: Begin>(&self, call: &C) -> Result<(), Rv> {
        self.begin(call, &*self.application()?)
    }

    /// A call with output in an operation of a session. `ends`: it ends the operation with its output.
    ///
    /// # Errors
    /// As [`Client::output`].
    pub(crate) fn step<C: Call<Reply = wire::Output>>(
        &self,
        (session, kind): (SessionHandle, Kind),
        call: &C,
        offer: &Offer,
        ends: bool,
    ) -> Result<(), Rv> {
        let ends = ends && matches!(offer.room(), wire::Room::Bytes(_));
        self.work(session, kind, call, ends, offer)
    }

    /// A call without output in an operation of a session. `ends`: it ends the operation if it succeeds.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub(crate) fn feed<C: Call<Reply = ()>>(
        &self,
        (session, kind): (SessionHandle, Kind),
        call: &C,
        ends: bool,
    ) -> Result<(), Rv> {
        self.work(session, kind, call, ends, |reply: &[u8]| decoded(reply))
    }

    fn work<C: Call>(
        &self,
        session: SessionHandle,
        kind: Kind,
        call: &C,
        ends: bool,
        take: impl Take<()>,
    ) -> Result<(), Rv> {
        let Some(entry) = self.sessions.get(session) else { return self.trip(None, call, take) };
        let mut entry = lock(&entry);
        let Some(operation) = entry.operations.get_mut(kind as usize) else {
            return Err(Rv::GENERAL_ERROR);
        };
        let result = self.after(operation, call, take);
        operation.stage = if ends && result.is_ok() { Stage::Idle } else { Stage::Unknown };
        result
    }

    /// Sends a call, after the `Init` of its operation if that is kept. Should the daemon not take that `Init` after
    /// all, since something changed just now, then it has no operation, and its answer to the call says so. Only
    /// what ails the daemon itself, such as a disk that is full, is told as it is.
    fn after<C: Call, T>(&self, operation: &mut Operation, call: &C, take: impl Take<T>) -> Result<T, Rv> {
        if operation.stage != Stage::Kept {
            return self.trip(None, call, take);
        }
        let changes = self.application()?.changes();
        let mut front = Front { frame: &operation.frame, answer: None };
        let result = self.trip(Some(&mut front), call, take);
        let answer = front.answer;
        let ails = match &answer {
            Some(Err(rv)) if [Rv::DEVICE_MEMORY, Rv::DEVICE_ERROR].contains(rv) => Some(*rv),
            _ => None,
        };
        self.begun(operation, answer, changes);
        match (result, ails) {
            (Err(Rv::OPERATION_NOT_INITIALIZED), Some(rv)) => Err(rv),
            (result, _) => result,
        }
    }

    /// Notes what came of an `Init` that was kept.
    fn begun(&self, operation: &mut Operation, answer: Option<Result<Repeat, Rv>>, changes: Option<u64>) {
        operation.stage = Stage::Unknown;
        self.sessions.kept.fetch_sub(1, SeqCst);
        wire::bytes::wipe(&mut operation.frame);
        operation.frame.clear();
        match (answer, changes, &mut operation.answered) {
            (Some(Ok(repeat)), Some(changes), Some(answered)) => {
                (answered.repeat, answered.changes) = (repeat, changes);
            }
            (_, _, answered) => *answered = None,
        }
    }

    /// Sends what is kept, so that a call which may change what it depends on comes after it. A session that another
    /// thread works in is passed over: what it does meanwhile comes before or after, as it happens.
    pub(super) fn send_kept(&self) {
        if self.sessions.kept.load(SeqCst) == 0 {
            return;
        }
        for shard in &self.sessions.shards {
            let sessions: Vec<_> = lock(shard).values().cloned().collect();
            for session in sessions {
                let Ok(mut session) = session.try_lock() else { continue };
                for operation in &mut session.operations {
                    if operation.stage == Stage::Kept {
                        let changes = self.application().ok().and_then(|application| application.changes());
                        let answer = self.trip(None, &Made(&operation.frame), |reply: &[u8]| decoded(reply));
                        self.begun(operation, Some(answer), changes);
                    }
                }
            }
        }
    }

    /// What is known of a session does not hold any more: `C_CloseSession` was carried out, for one.
    pub(crate) fn closed(&self, session: SessionHandle) {
        self.sessions.remove(session);
    }

    /// What is known of all sessions may not hold any more.
    pub(crate) fn all_closed(&self) {
        self.sessions.clear();
    }
}
