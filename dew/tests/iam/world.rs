//! An HSM in memory with a directory, that can be started again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use dew::iam::policy::{self, Action, Asked, Context, Request, Resource, decide};
use dew::iam::{AccountId, Acting, CreatedAccount, Iam, Identity, NewAccount, NewUser, User};
use hsm::event::{Actor, Event, Events};
use hsm::mechanism::Mechanisms;
use hsm::partition::Partition;
use hsm::ports::{Access, Clock};
use hsm::store::memory::MemoryStore;
use hsm::vault::anchor::MemoryAnchor;
use hsm::vault::{Kept, Ledger, NotRecorded, Note, RootKey, Vault};
use hsm::{Hsm, Peer, Ports, Settings};
use parking_lot::Mutex;

/// A day in 2026.
pub(crate) const START: u64 = 1_790_000_000;
pub(crate) const REGION: &str = "home-1";
pub(crate) const PASSWORD: &str = "Correct-1-horse";

pub(crate) struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

struct Everyone;

impl Access for Everyone {
    fn may_open(&self, _: Peer, _: &Partition) -> bool {
        true
    }
}

/// A record of a change: what was done, and what is said of it.
pub(crate) type Recorded = (String, Vec<(String, String)>);

/// Keeps the records of changes.
#[derive(Default)]
struct Book(Mutex<Vec<Recorded>>);

impl Events for Book {
    fn record(&self, _: &Event<'_>) -> Result<(), NotRecorded> {
        Ok(())
    }

    fn note(&self, event: &Event<'_>) -> Note {
        let bytes = serde_json::to_vec(&(event.action, event.details)).unwrap();
        Note { bytes, makes_room: true }
    }
}

impl Ledger for Book {
    fn ready(&self, _: bool) -> Result<(), NotRecorded> {
        Ok(())
    }

    fn take(&self, notes: Vec<(u64, Note)>) {
        let records = notes.iter().map(|(_, note)| serde_json::from_slice(&note.bytes).unwrap());
        self.0.lock().extend(records);
    }

    fn kept(&self) -> Kept {
        Kept { last: 0, through: u64::MAX, mark: None }
    }
}

pub(crate) struct World {
    pub(crate) iam: Iam,
    book: Arc<Book>,
    clock: Arc<Hands>,
    store: Arc<MemoryStore>,
    anchor: Arc<MemoryAnchor>,
}

impl World {
    pub(crate) fn new() -> Self {
        let (store, anchor) = (Arc::new(MemoryStore::new()), Arc::new(MemoryAnchor::default()));
        let clock = Arc::new(Hands(AtomicU64::new(START)));
        let book = Arc::new(Book::default());
        let iam = Iam::open(open(&store, &anchor, &clock, &book)).unwrap();
        Self { iam, book, clock, store, anchor }
    }

    /// The same after a restart, with what was durable.
    pub(crate) fn again(self) -> Self {
        let Self { iam, book, clock, store, anchor } = self;
        drop(iam);
        let iam = Iam::open(open(&store, &anchor, &clock, &book)).unwrap();
        Self { iam, book, clock, store, anchor }
    }

    /// The records of changes since this was last asked.
    pub(crate) fn records(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.book.0.lock())
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.0.load(Ordering::Relaxed)
    }

    pub(crate) fn acting(&self) -> Acting<'_> {
        self.iam.by(Actor::DAEMON)
    }

    pub(crate) fn account(&self, name: &str) -> CreatedAccount {
        self.acting().create_account(NewAccount { name, region: REGION }).unwrap()
    }

    /// A user with a password.
    pub(crate) fn user(&self, account: AccountId, name: &str) -> Arc<User> {
        let new = NewUser { name, password: Some(PASSWORD), ..NewUser::default() };
        self.acting().create_user(account, &new).unwrap()
    }

    /// Who signs with a new key of the user.
    pub(crate) fn signing(&self, user: &User) -> Arc<Identity> {
        let key = self.acting().create_access_key(user.account, user.id, "").unwrap();
        self.iam.access_key(key.id.as_str(), None).unwrap().identity
    }

    /// Why an operation of KMS is allowed on a key of the identity's account in a project, or is not.
    pub(crate) fn decided(&self, who: &Identity, action: &str, project: &str) -> String {
        let applied = self.iam.policies_of(who).unwrap();
        let attached = applied.attached();
        let account = who.account.to_string();
        let context = Context { account_id: &account, project_id: Some(project), ..Context::default() };
        let action = Action::named(action).next().unwrap();
        let resource = Resource::of(action, REGION, &account, Some("k1"));
        let request = Request { action: Asked::Known(action), resource, context: &context };
        decide(&request, &[&policy::Identity(&attached)]).to_string()
    }

    pub(crate) fn may(&self, who: &Identity, action: &str, project: &str) -> bool {
        self.decided(who, action, project).starts_with("allowed")
    }
}

pub(crate) fn with_user(name: &str) -> (World, CreatedAccount, Arc<User>) {
    let world = World::new();
    let account = world.account("acme");
    let user = world.user(account.account.id, name);
    (world, account, user)
}

fn open(
    store: &Arc<MemoryStore>,
    anchor: &Arc<MemoryAnchor>,
    clock: &Arc<Hands>,
    book: &Arc<Book>,
) -> Arc<Hsm> {
    let root = RootKey::new(crypto::Secret::new(vec![7; RootKey::LEN])).unwrap();
    let vault = Vault::open(Arc::clone(store) as _, Arc::clone(anchor) as _, &root).unwrap();
    let settings = Settings { pin_memory: 8, pin_passes: 1, ..Settings::default() };
    let ports =
        Ports { clock: Arc::clone(clock) as _, events: Arc::clone(book) as _, access: Arc::new(Everyone) };
    Hsm::open(vault, settings, Mechanisms::standard(), ports).unwrap()
}
