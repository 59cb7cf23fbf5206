//! An application: one process's sessions, log-ins and session objects. Its calls stand in a file for each
//! section of the standard.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use wire::handshake::ApplicationToken;
use wire::{ObjectHandle, SessionHandle, SlotId};

use crate::error::Error;
use crate::event::{Act, Actor, Class, Door};
use crate::hsm::Hsm;
use crate::object::{Index, Object};
use crate::partition::Partition;
use crate::ports::{Peer, Watch};
use crate::session::Session;
use crate::user::User;

mod changing;
mod decrypt;
mod digest;
mod dual;
mod encrypt;
mod handles;
mod import;
mod key;
mod login;
mod object;
mod permit;
mod random;
mod session;
mod sign;
mod slot;
mod verify;

pub(crate) use handles::Handles;
use handles::Tags;

/// An application.
pub struct Application {
    pub(crate) hsm: Arc<Hsm>,
    pub(crate) token: ApplicationToken,
    pub(crate) peer: Peer,
    /// Where its calls come in.
    door: Door,
    /// What the handles of its private objects begin with, before its first log-in.
    tag: u64,
    /// Connections that belong to it; it ends with the last.
    pub(crate) connections: AtomicU64,
    sessions: RwLock<HashMap<SessionHandle, Arc<Session>>>,
    /// What it has on each partition on which it has a session.
    places: RwLock<HashMap<u64, Arc<Place>>>,
    /// Slots as the application last saw them, for `C_WaitForSlotEvent`.
    seen: Mutex<Vec<(SlotId, bool)>>,
    /// Where it is told that answers do not hold any more.
    watch: Mutex<Option<Arc<dyn Watch>>>,
}

/// What an application has on one partition.
pub(crate) struct Place {
    /// Held while somebody logs in, so that log-ins come one after the other.
    entering: Mutex<()>,
    login: RwLock<Login>,
    /// Its session objects, and the session that each is of.
    objects: RwLock<SessionObjects>,
}

/// Who is logged in, and how often that has changed: a handle of a private object is good for one log-in.
#[derive(Clone, Copy, Default)]
pub(crate) struct Login {
    user: User,
    generation: u64,
}

impl Place {
    /// Ends a log-in: private session objects go with it.
    fn leave(&self, login: &mut Login) {
        login.user = User::Nobody;
        let mut objects = self.objects.write();
        for number in objects.index.private_numbers() {
            objects.index.remove(number);
            objects.owners.remove(&number);
        }
    }
}

impl Login {
    fn sees(self, object: &Object) -> bool {
        self.user == User::User || !object.is_private()
    }
}

#[derive(Default)]
struct SessionObjects {
    index: Index,
    owners: HashMap<u64, SessionHandle>,
}

impl Application {
    /// An application without a session.
    ///
    /// # Errors
    /// `Crypto` if no tag for its handles can be drawn.
    pub(crate) fn new(hsm: Arc<Hsm>, token: ApplicationToken, peer: Peer, door: Door) -> Result<Self, Error> {
        let application = Self {
            hsm,
            token,
            peer,
            door,
            tag: Handles::random_tag()?,
            connections: AtomicU64::new(0),
            sessions: RwLock::default(),
            places: RwLock::default(),
            seen: Mutex::default(),
            watch: Mutex::default(),
        };
        *application.seen.lock() = application.slots();
        Ok(application)
    }

    /// Who it is.
    #[must_use]
    pub const fn peer(&self) -> Peer {
        self.peer
    }

    /// The token that lets another connection join it.
    #[must_use]
    pub const fn token(&self) -> ApplicationToken {
        self.token
    }

    fn session(&self, handle: SessionHandle) -> Result<Arc<Session>, Error> {
        self.sessions.read().get(&handle).cloned().ok_or(Error::SessionHandleInvalid(handle.0))
    }

    /// The partition of a slot that this application may open.
    fn partition(&self, slot: SlotId) -> Result<Arc<Partition>, Error> {
        self.hsm.partition(slot).filter(|_| self.may_open(slot)).ok_or(Error::SlotIdInvalid(slot.0))
    }

    /// Whether it may open a partition: who administers the daemon needs the PIN alone.
    fn may_open(&self, slot: SlotId) -> bool {
        self.door == Door::Console || self.hsm.may_open(self.peer, slot)
    }

    /// The slots it may open, and whether each has a token in it.
    fn slots(&self) -> Vec<(SlotId, bool)> {
        let all = self.hsm.partitions();
        let mine = all.into_iter().filter(|partition| self.may_open(partition.slot()));
        mine.map(|partition| (partition.slot(), partition.is_initialized())).collect()
    }

    fn place(&self, partition: &Partition) -> Arc<Place> {
        if let Some(place) = self.places.read().get(&partition.domain) {
            return Arc::clone(place);
        }
        let new = || {
            Arc::new(Place {
                entering: Mutex::default(),
                login: RwLock::default(),
                objects: RwLock::default(),
            })
        };
        Arc::clone(self.places.write().entry(partition.domain).or_insert_with(new))
    }

    fn login(&self, partition: &Partition) -> Login {
        self.places.read().get(&partition.domain).map_or_else(Login::default, |place| *place.login.read())
    }

    /// The object of a handle, if the session may see it.
    fn object(&self, session: &Session, handle: ObjectHandle) -> Option<Arc<Object>> {
        let login = self.login(&session.partition);
        let object = self.by_number(session, handles::number(handle))?;
        let is_its = self.tags(&session.partition, login).handle(&object) == handle;
        (is_its && login.sees(&object)).then_some(object)
    }

    /// The object of this number, of the token or of one of the application's sessions, whoever may see it.
    fn by_number(&self, session: &Session, number: u64) -> Option<Arc<Object>> {
        session.partition.object(number).or_else(|| {
            let place = self.places.read().get(&session.partition.domain).cloned()?;
            let objects = place.objects.read();
            objects.index.get(number).cloned()
        })
    }

    /// What handles begin with in this log-in.
    const fn tags(&self, partition: &Partition, login: Login) -> Tags {
        let private = self.tag.wrapping_add(partition.tag).wrapping_add(login.generation);
        Tags { public: partition.tag, private }
    }

    /// An act of who is logged in, as it is recorded.
    fn act<'a>(&'a self, session: &'a Session, class: Class, action: &'a str) -> Act<'a> {
        self.act_as(&session.partition, self.login(&session.partition).user, class, action)
    }

    /// As [`Self::act`], where an object comes, changes, leaves or goes.
    fn life<'a>(&'a self, session: &'a Session, action: &'static str) -> Act<'a> {
        self.act(session, Class::LifeCycle, action)
    }

    fn act_as<'a>(&'a self, partition: &'a Partition, user: User, class: Class, action: &'a str) -> Act<'a> {
        Act {
            events: &*self.hsm.ports.events,
            actor: Actor { door: self.door, peer: Some(self.peer), user: user.name(), person: None },
            partition: Some(partition.place()),
            class,
            action,
            mechanism: None,
            details: &[],
        }
    }

    /// Ends the application: every session, and with them log-ins and session objects.
    pub(crate) fn end(&self) {
        let sessions: Vec<_> = self.sessions.write().drain().map(|(_, session)| session).collect();
        for session in sessions {
            session.operations.lock().clear();
        }
        self.places.write().clear();
    }

    /// Closes every session that it has on a partition, which is being destroyed.
    pub(crate) fn expel(&self, domain: u64) {
        let mut sessions = self.sessions.write();
        let there = |session: &Arc<Session>| session.partition.domain == domain;
        let closed: Vec<_> =
            sessions.extract_if(|_, session| there(session)).map(|(_, session)| session).collect();
        drop(sessions);
        for session in closed {
            self.closed(&session);
        }
        self.places.write().remove(&domain);
    }

    /// Sessions it has open, on all partitions.
    #[must_use]
    pub fn session_count(&self) -> u64 {
        self.sessions.read().len() as u64
    }

    /// Takes a connection in; `false` if the application has ended.
    pub(crate) fn join(&self) -> bool {
        let more = |count: u64| (count > 0).then(|| count + 1);
        self.connections.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }
}

impl wire::calls::Handler for Application {
    type Error = Error;
    fn rv(error: &Error) -> wire::Rv {
        error.rv()
    }
}
