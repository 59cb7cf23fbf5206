//! An HSM in memory, and applications that use it in few words.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use hsm::event::Actor;
use hsm::mechanism::Mechanisms;
use hsm::object::{Attr, Class, KeyType};
use hsm::partition::{NewPartition, Partition};
use hsm::policy::Profile;
use hsm::ports::{Access, Clock, Event, Events};
use hsm::store::Store;
use hsm::store::memory::MemoryStore;
use hsm::vault::anchor::MemoryAnchor;
use hsm::vault::{Anchor, Kept, Ledger, NotRecorded, Note, RootKey, Vault};
use hsm::{Connection, Error, Hsm, Peer, Ports, Settings};
use parking_lot::Mutex;
use wire::calls::key::{GenerateKey, GenerateKeyPair, KeyCalls, UnwrapKey, WrapKey};
use wire::calls::object::*;
use wire::calls::session::{CloseSession, Login, Logout, OpenSession, SessionCalls};
use wire::template::{Answer, AttributeValue as Sent, Query};
use wire::{
    Attribute, List, Mechanism, MechanismId, ObjectHandle, Output, Params, Room, Rv, SessionHandle, Slice,
    SlotId, Template, Value,
};

pub(crate) const SO_PIN: &[u8] = b"87654321";
pub(crate) const PIN: &[u8] = b"123456";
pub(crate) const WRONG: &[u8] = b"000000";
pub(crate) const ROOM: Room = Room::Bytes(4096);
pub(crate) const TRIES: u8 = 3;

pub(crate) const RO: u64 = 0x4;
pub(crate) const RW: u64 = 0x6;
pub(crate) const CKU_SO: u64 = 0;
pub(crate) const CKU_USER: u64 = 1;
pub(crate) const CKU_CONTEXT: u64 = 2;

/// A clock that stands still until it is set, in seconds since 1970.
#[derive(Default)]
pub(crate) struct Hands(AtomicU64, Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Hands {
    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::Relaxed);
    }

    /// What happens while somebody is waited for.
    pub(crate) fn in_a_moment(&self, happens: impl FnOnce() + Send + 'static) {
        *self.1.lock() = Some(Box::new(happens));
    }
}

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }

    fn pause(&self, _: Duration) {
        let happens = self.1.lock().take();
        happens.into_iter().for_each(|happens| happens());
    }
}

struct Everyone;

impl Access for Everyone {
    fn may_open(&self, _: Peer, _: &Partition) -> bool {
        true
    }
}

/// One event: as whom, what, of what object, by which mechanism, and how it ended.
pub(crate) type Line = (String, String, Option<String>, Option<String>, Rv);

/// What was recorded.
#[derive(Default)]
pub(crate) struct Recorded {
    lines: Mutex<Vec<Line>>,
    /// The last note taken.
    last: Mutex<u64>,
    /// Why nothing can be recorded.
    pub(crate) refuses: Mutex<Option<NotRecorded>>,
    /// What happens while the next change is on its way, before it is committed.
    pub(crate) meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

fn line(event: &Event<'_>) -> Line {
    let own = |text: Option<&str>| text.map(str::to_owned);
    let (user, action) = (event.actor.user.to_owned(), event.action.to_owned());
    (user, action, own(event.object.map(|object| object.id)), own(event.mechanism), event.rv)
}

impl Events for Recorded {
    fn record(&self, event: &Event<'_>) -> Result<(), NotRecorded> {
        self.ready(false)?;
        self.lines.lock().push(line(event));
        Ok(())
    }

    fn note(&self, event: &Event<'_>) -> Note {
        let meanwhile = self.meanwhile.lock().take();
        meanwhile.into_iter().for_each(|happens| happens());
        let (user, action, object, mechanism, rv) = line(event);
        let mut bytes = Vec::new();
        wire::codec::encode(&(user, action, object, mechanism, rv.0), &mut bytes).unwrap();
        Note { bytes, makes_room: false }
    }
}

impl Ledger for Recorded {
    fn ready(&self, makes_room: bool) -> Result<(), NotRecorded> {
        self.refuses.lock().clone().filter(|_| !makes_room).map_or(Ok(()), Err)
    }

    fn take(&self, notes: Vec<(u64, Note)>) {
        let mut last = self.last.lock();
        let had = *last;
        for (number, note) in notes.into_iter().filter(|(number, _)| *number > had) {
            let (user, action, object, mechanism, rv) = wire::codec::decode(&note.bytes).unwrap();
            self.lines.lock().push((user, action, object, mechanism, Rv(rv)));
            *last = number;
        }
    }

    fn kept(&self) -> Kept {
        let last = *self.last.lock();
        Kept { last, through: last, mark: None }
    }
}

/// A partition that costs nothing to make.
pub(crate) fn new_partition(label: &str) -> NewPartition<'_> {
    NewPartition { label, profile: Profile::Standard, so_pin: None, user_pin: None }
}

/// An HSM in memory with one partition of each profile, in slots 1 to 3.
pub(crate) struct World {
    pub(crate) hsm: Arc<Hsm>,
    pub(crate) store: Arc<MemoryStore>,
    anchor: Arc<MemoryAnchor>,
    pub(crate) events: Arc<Recorded>,
    pub(crate) clock: Arc<Hands>,
}

pub(crate) const STRICT: SlotId = SlotId(1);
pub(crate) const STANDARD: SlotId = SlotId(2);
pub(crate) const LEGACY: SlotId = SlotId(3);

fn settings() -> Settings {
    // A PIN's check costs nothing here: what it costs is not what these tests are about.
    Settings {
        max_sessions: 20,
        so_pin_tries: TRIES,
        user_pin_tries: TRIES,
        pin_memory: 8,
        pin_passes: 1,
        ..Settings::default()
    }
}

fn open(
    store: &Arc<MemoryStore>,
    anchor: &Arc<MemoryAnchor>,
    events: &Arc<Recorded>,
    clock: &Arc<Hands>,
) -> Arc<Hsm> {
    let root = RootKey::new(crypto::Secret::new(vec![7; RootKey::LEN])).unwrap();
    let (store, anchor) = (Arc::clone(store) as Arc<dyn Store>, Arc::clone(anchor) as Arc<dyn Anchor>);
    let vault = Vault::open(store, anchor, &root).unwrap();
    let (clock, events) = (Arc::clone(clock) as _, Arc::clone(events) as _);
    let ports = Ports { clock, events, access: Arc::new(Everyone) };
    Hsm::open(vault, settings(), Mechanisms::standard(), ports).unwrap()
}

impl World {
    /// With no partition.
    pub(crate) fn clean() -> Self {
        let (store, anchor, events, clock) = Default::default();
        let hsm = open(&store, &anchor, &events, &clock);
        Self { hsm, store, anchor, events, clock }
    }

    pub(crate) fn new() -> Self {
        let world = Self::clean();
        for profile in [Profile::Strict, Profile::Standard, Profile::Legacy] {
            let label = profile.name();
            let new = NewPartition { label, profile, so_pin: Some(SO_PIN), user_pin: Some(PIN) };
            world.hsm.create_partition(&new, &Actor::DAEMON).unwrap();
        }
        world
    }

    /// The same store after a restart of the daemon.
    pub(crate) fn restart(self) -> Self {
        let Self { hsm, store, anchor, events, clock } = self;
        drop(hsm);
        Self { hsm: open(&store, &anchor, &events, &clock), store, anchor, events, clock }
    }

    pub(crate) fn app(&self) -> App {
        let peer = Peer { uid: 1000, gid: 1000, pid: 1 };
        App { connection: self.hsm.connect(peer, None).unwrap() }
    }

    /// A new application's session, logged in as the user.
    pub(crate) fn user(&self, slot: SlotId) -> User {
        let app = self.app();
        let session = app.open(slot, RW).unwrap();
        app.login(session, CKU_USER, PIN).unwrap();
        User { app, session }
    }

    pub(crate) fn partition(&self, slot: SlotId) -> Arc<Partition> {
        self.hsm.partitions().into_iter().find(|partition| partition.slot() == slot).unwrap()
    }

    /// The events since the last call.
    pub(crate) fn recorded(&self) -> Vec<(&'static str, &'static str, Rv)> {
        self.lines().into_iter().map(|(user, action, .., rv)| (&*user.leak(), &*action.leak(), rv)).collect()
    }

    /// All that the events since the last call say.
    pub(crate) fn lines(&self) -> Vec<Line> {
        std::mem::take(&mut *self.events.lines.lock())
    }
}

pub(crate) struct App {
    pub(crate) connection: Connection,
}

impl std::ops::Deref for App {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl App {
    pub(crate) fn open(&self, slot: SlotId, flags: u64) -> Result<SessionHandle, Error> {
        self.open_session(OpenSession { slot, flags })
    }

    pub(crate) fn close(&self, session: SessionHandle) -> Result<(), Error> {
        self.close_session(CloseSession { session })
    }

    pub(crate) fn login(&self, session: SessionHandle, user: u64, pin: &[u8]) -> Result<(), Error> {
        SessionCalls::login(&**self.connection_ref(), Login { session, user, pin: Some(Slice(pin)) })
    }

    pub(crate) fn logout(&self, session: SessionHandle) -> Result<(), Error> {
        SessionCalls::logout(&**self.connection_ref(), Logout { session })
    }

    fn connection_ref(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn on(&self, session: SessionHandle) -> On<'_> {
        On { app: self, session }
    }
}

/// An application's session, logged in as the user.
pub(crate) struct User {
    pub(crate) app: App,
    pub(crate) session: SessionHandle,
}

impl User {
    pub(crate) fn on(&self) -> On<'_> {
        self.app.on(self.session)
    }
}

/// Calls on one session.
#[derive(Clone, Copy)]
pub(crate) struct On<'a> {
    pub(crate) app: &'a App,
    pub(crate) session: SessionHandle,
}

pub(crate) fn rv<T: std::fmt::Debug>(result: Result<T, Error>) -> Rv {
    result.map_or_else(|error| error.rv(), |_| Rv::OK)
}

pub(crate) fn mechanism(id: u64) -> Mechanism {
    Mechanism { id: MechanismId(id), params: Params::None }
}

pub(crate) const AES_KEY_GEN: u64 = 0x1080;
pub(crate) const AES_ECB: u64 = 0x1081;
pub(crate) const AES_CBC: u64 = 0x1082;
pub(crate) const AES_CBC_PAD: u64 = 0x1085;
pub(crate) const KWP: u64 = 0x210b;
pub(crate) const SHA256: u64 = 0x250;

/// AES-CBC with an IV of zeros.
pub(crate) fn with_iv(id: u64) -> Mechanism {
    let iv = List::new(vec![Value::Bytes(vec![0; 16].into())]).unwrap();
    Mechanism { id: MechanismId(id), params: Params::Words(iv) }
}

pub(crate) fn template(given: &[(Attr, &[u8])]) -> Template {
    let one = |(kind, value): &(Attr, &[u8])| Attribute {
        kind: (*kind).into(),
        value: Sent::Bytes((*value).into()),
    };
    List::new(given.iter().map(one).collect()).unwrap()
}

pub(crate) const YES: &[u8] = &[1];
pub(crate) const NO: &[u8] = &[0];
pub(crate) static SECRET_KEY: &[u8] = &Class::SECRET_KEY.0.to_le_bytes();
pub(crate) static DATA: &[u8] = &Class::DATA.0.to_le_bytes();
pub(crate) static AES: &[u8] = &KeyType::AES.0.to_le_bytes();
pub(crate) const L16: &[u8] = &16u64.to_le_bytes();
pub(crate) const L32: &[u8] = &32u64.to_le_bytes();

/// A key of AES with these attributes over those that all have.
pub(crate) fn aes<'a>(more: &[(Attr, &'a [u8])]) -> Vec<(Attr, &'a [u8])> {
    let mut all: Vec<(Attr, &[u8])> = vec![(Attr::VALUE_LEN, L16), (Attr::LABEL, b"key")];
    all.extend(more);
    all
}

impl On<'_> {
    pub(crate) fn generate(&self, more: &[(Attr, &[u8])]) -> Result<ObjectHandle, Error> {
        self.app.generate_key(GenerateKey {
            session: self.session,
            mechanism: mechanism(AES_KEY_GEN),
            template: template(&aes(more)),
        })
    }

    pub(crate) fn pair(
        &self,
        id: u64,
        public: &[(Attr, &[u8])],
        private: &[(Attr, &[u8])],
    ) -> Result<(ObjectHandle, ObjectHandle), Error> {
        self.app.generate_key_pair(GenerateKeyPair {
            session: self.session,
            mechanism: mechanism(id),
            public: template(public),
            private: template(private),
        })
    }

    pub(crate) fn create(&self, given: &[(Attr, &[u8])]) -> Result<ObjectHandle, Error> {
        self.app.create_object(CreateObject { session: self.session, template: template(given) })
    }

    /// A known key of AES.
    pub(crate) fn known(&self, value: &[u8], more: &[(Attr, &[u8])]) -> Result<ObjectHandle, Error> {
        let mut given: Vec<(Attr, &[u8])> =
            vec![(Attr::CLASS, SECRET_KEY), (Attr::KEY_TYPE, AES), (Attr::VALUE, value)];
        given.extend(more);
        self.create(&given)
    }

    pub(crate) fn copy(&self, object: ObjectHandle, given: &[(Attr, &[u8])]) -> Result<ObjectHandle, Error> {
        self.app.copy_object(CopyObject { session: self.session, object, template: template(given) })
    }

    pub(crate) fn destroy(&self, object: ObjectHandle) -> Result<(), Error> {
        self.app.destroy_object(DestroyObject { session: self.session, object })
    }

    pub(crate) fn set(&self, object: ObjectHandle, given: &[(Attr, &[u8])]) -> Result<(), Error> {
        let template = template(given);
        self.app.set_attribute_value(SetAttributeValue { session: self.session, object, template })
    }

    /// An attribute's value, if the object says it.
    pub(crate) fn read(&self, object: ObjectHandle, attribute: Attr) -> Result<Option<Vec<u8>>, Error> {
        let query = Query { kind: attribute.into(), room: ROOM, nested: List::default() };
        let queries = List::new(vec![query]).unwrap();
        let answers =
            self.app.get_attribute_value(GetAttributeValue { session: self.session, object, queries })?;
        Ok(match answers.answers.iter().next() {
            Some(Answer::Value(bytes)) => Some(bytes.to_vec()),
            _ => None,
        })
    }

    pub(crate) fn flag(&self, object: ObjectHandle, attribute: Attr) -> bool {
        self.read(object, attribute).unwrap() == Some(vec![1])
    }

    pub(crate) fn find(&self, given: &[(Attr, &[u8])]) -> Vec<ObjectHandle> {
        let (session, template) = (self.session, template(given));
        self.app.find_objects_init(FindObjectsInit { session, template }).unwrap();
        let found = self.app.find_objects(FindObjects { session, max: 4096 }).unwrap().into_vec();
        self.app.find_objects_final(FindObjectsFinal { session }).unwrap();
        found
    }

    pub(crate) fn wrap_with(
        &self,
        how: Mechanism,
        wrapping_key: ObjectHandle,
        key: ObjectHandle,
    ) -> Result<Vec<u8>, Error> {
        let call = WrapKey { session: self.session, mechanism: how, wrapping_key, key, room: ROOM };
        self.app.wrap_key(call).map(bytes)
    }

    pub(crate) fn wrap(&self, wrapping_key: ObjectHandle, key: ObjectHandle) -> Result<Vec<u8>, Error> {
        self.wrap_with(mechanism(KWP), wrapping_key, key)
    }

    pub(crate) fn unwrap_with(
        &self,
        how: Mechanism,
        unwrapping_key: ObjectHandle,
        wrapped: &[u8],
        more: &[(Attr, &[u8])],
    ) -> Result<ObjectHandle, Error> {
        let mut given: Vec<(Attr, &[u8])> = vec![(Attr::CLASS, SECRET_KEY), (Attr::KEY_TYPE, AES)];
        given.extend(more);
        self.app.unwrap_key(UnwrapKey {
            session: self.session,
            mechanism: how,
            unwrapping_key,
            wrapped: Slice(wrapped),
            template: template(&given),
        })
    }

    pub(crate) fn unwrap(
        &self,
        unwrapping_key: ObjectHandle,
        wrapped: &[u8],
        more: &[(Attr, &[u8])],
    ) -> Result<ObjectHandle, Error> {
        self.unwrap_with(mechanism(KWP), unwrapping_key, wrapped, more)
    }

    pub(crate) fn encrypt(&self, how: Mechanism, key: ObjectHandle, data: &[u8]) -> Result<Vec<u8>, Error> {
        use wire::calls::encrypt::{Encrypt, EncryptCalls, EncryptInit};
        let session = self.session;
        self.app.encrypt_init(EncryptInit { session, mechanism: Some(how), key })?;
        self.app.encrypt(Encrypt { session, data: Slice(data), room: ROOM }).map(bytes)
    }

    pub(crate) fn decrypt(&self, how: Mechanism, key: ObjectHandle, data: &[u8]) -> Result<Vec<u8>, Error> {
        use wire::calls::decrypt::{Decrypt, DecryptCalls, DecryptInit};
        let session = self.session;
        self.app.decrypt_init(DecryptInit { session, mechanism: Some(how), key })?;
        self.app.decrypt(Decrypt { session, data: Slice(data), room: ROOM }).map(bytes)
    }
}

pub(crate) fn bytes(output: Output) -> Vec<u8> {
    match output {
        Output::Bytes(bytes) => bytes.to_vec(),
        other => panic!("no bytes: {other:?}"),
    }
}
