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
use crate::remote::Remote;
use crate::session::Session;
use crate::user::User;
use crate::user::rights::{Deed, Reach};

mod changing;
mod decrypt;
mod desk;
mod digest;
mod dual;
mod encrypt;
mod handles;
mod import;
mod key;
mod login;
mod names;
mod object;
mod permit;
mod random;
mod session;
mod sign;
mod slot;
mod verify;

pub use desk::{Desk, Fresh, Guest, Work};
pub(crate) use handles::Handles;
use handles::Tags;
use names::{Named, Names};

/// An application.
pub struct Application {
    pub(crate) hsm: Arc<Hsm>,
    pub(crate) token: ApplicationToken,
    pub(crate) peer: Peer,
    /// Where its calls come in.
    door: Door,
    /// Who it is on another machine, if it is there.
    pub(crate) remote: Option<Remote>,
    /// For whom a service does it, if one does.
    guest: Option<Guest>,
    /// What the handles of its private objects begin with, before its first log-in.
    tag: u64,
    /// Connections that belong to it; it ends with the last.
    pub(crate) connections: AtomicU64,
    sessions: RwLock<HashMap<SessionHandle, Arc<Session>>>,
    /// As whom it has logged in by name.
    names: Names,
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
    /// The name, of one who has one.
    name: Option<Named>,
    generation: u64,
}

impl Place {
    /// Ends a log-in: private session objects go with it.
    fn leave(&self, login: &mut Login) {
        (login.user, login.name) = (User::Nobody, None);
        let mut objects = self.objects.write();
        for number in objects.index.private_numbers() {
            objects.index.remove(number);
            objects.owners.remove(&number);
        }
    }
}

impl Login {
    fn sees(self, object: &Object) -> bool {
        self.sees_private() || !object.is_private()
    }

    fn sees_private(self) -> bool {
        Deed::Find.reach(self.user) == Reach::All
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
        let application = Self::blank(hsm, token, peer, door, None)?;
        *application.seen.lock() = application.slots();
        Ok(application)
    }

    /// An application that has not looked for slots.
    fn blank(
        hsm: Arc<Hsm>,
        token: ApplicationToken,
        peer: Peer,
        door: Door,
        guest: Option<Guest>,
    ) -> Result<Self, Error> {
        Ok(Self {
            hsm,
            token,
            peer,
            door,
            remote: None,
            guest,
            tag: Handles::random_tag()?,
            connections: AtomicU64::new(0),
            sessions: RwLock::default(),
            names: Names::default(),
            places: RwLock::default(),
            seen: Mutex::default(),
            watch: Mutex::default(),
        })
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
        let session = self.sessions.read().get(&handle).cloned();
        let session = session.ok_or(Error::SessionHandleInvalid(handle.0))?;
        session.partition.check_in_force(&*self.hsm.ports.clock)?;
        Ok(session)
    }

    /// The partition of a slot that this application may open.
    fn partition(&self, slot: SlotId) -> Result<Arc<Partition>, Error> {
        self.hsm.partition(slot).filter(|_| self.may_open(slot)).ok_or(Error::SlotIdInvalid(slot.0))
    }

    /// Whether it may open a partition: who administers the daemon needs the PIN alone, and a service has decided by
    /// itself. Those of an instance are opened through that, and no others are.
    fn may_open(&self, slot: SlotId) -> bool {
        if matches!(self.door, Door::Console | Door::Rest) {
            return true;
        }
        let instance = self.hsm.partition(slot).and_then(|partition| partition.instance());
        match (&self.remote, instance) {
            (None, None) => self.hsm.may_open(self.peer, slot),
            (Some(remote), Some(instance)) => remote.instance == instance,
            _ => false,
        }
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
    fn act<'a>(&'a self, session: &'a Session, class: Class, action: &'static str) -> Act<'a> {
        self.act_as(&session.partition, self.name_of(self.login(&session.partition)), class, action)
    }

    /// As [`Self::act`], where an object comes, changes, leaves or goes.
    fn life<'a>(&'a self, session: &'a Session, action: &'static str) -> Act<'a> {
        self.act(session, Class::LifeCycle, action)
    }

    /// Who is logged in, as records have it.
    fn name_of(&self, login: Login) -> &str {
        login.name.map_or(login.user.name(), |name| self.names.of(name))
    }

    fn act_as<'a>(
        &'a self,
        partition: &'a Partition,
        user: &'a str,
        class: Class,
        action: &'static str,
    ) -> Act<'a> {
        Act {
            events: &*self.hsm.ports.events,
            actor: self.actor(user),
            partition: Some(partition.place()),
            class,
            action,
            mechanism: None,
            details: &[],
        }
    }

    fn actor<'a>(&'a self, user: &'a str) -> Actor<'a> {
        let guest = || self.guest.as_ref().map(Guest::person);
        let person = self.remote.as_ref().map(Remote::person).or_else(guest);
        let peer = person.is_none().then_some(self.peer);
        Actor { door: self.door, peer, user, person }
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

    /// Whether it has a session on this partition.
    pub(crate) fn has_session_on(&self, partition: &Partition) -> bool {
        self.sessions.read().values().any(|session| session.partition.domain == partition.domain)
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
