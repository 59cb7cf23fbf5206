//! A world with accounts and a KMS, and what the tests ask of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use dew::caller::Caller;
use dew::iam::{CreatedAccount, EnterpriseProjectId, Iam, Identity, NewAccount, ProjectId};
use dew::kms::spec::{Spec, Usage};
use dew::kms::{DAY, Kms, KmsError, NewKey, Origin, Quotas, Scheme};
use dew::tag::Tags;
use hsm::event::{Actor, Unrecorded};
use hsm::mechanism::Mechanisms;
use hsm::partition::Partition;
use hsm::ports::Clock;
use hsm::store::memory::MemoryStore;
use hsm::vault::anchor::MemoryAnchor;
use hsm::vault::{RootKey, Vault};
use hsm::{Hsm, Peer, Ports, Settings};

/// A day in 2026, in milliseconds since 1970.
pub(crate) const START: u64 = 1_790_000_000_000;

struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

struct Everyone;

impl hsm::ports::Access for Everyone {
    fn may_open(&self, _: Peer, _: &Partition) -> bool {
        true
    }
}

/// An HSM with a KMS.
pub(crate) struct World {
    pub(crate) hsm: Arc<Hsm>,
    pub(crate) kms: Kms,
    clock: Arc<Hands>,
    store: Arc<MemoryStore>,
    anchor: Arc<MemoryAnchor>,
}

/// An account, as whoever made it has it.
pub(crate) struct Account {
    pub(crate) made: CreatedAccount,
}

impl World {
    pub(crate) fn new() -> Self {
        let (store, anchor) = (Arc::new(MemoryStore::new()), Arc::new(MemoryAnchor::default()));
        Self::open(store, anchor, Arc::new(Hands(AtomicU64::new(START))))
    }

    /// The same after a restart.
    pub(crate) fn again(self) -> Self {
        let Self { hsm, kms, clock, store, anchor } = self;
        drop((hsm, kms));
        Self::open(store, anchor, clock)
    }

    fn open(store: Arc<MemoryStore>, anchor: Arc<MemoryAnchor>, clock: Arc<Hands>) -> Self {
        let root = RootKey::new(crypto::Secret::new(vec![7; RootKey::LEN])).unwrap();
        let vault = Vault::open(Arc::clone(&store) as _, Arc::clone(&anchor) as _, &root).unwrap();
        let settings = Settings { pin_memory: 8, pin_passes: 1, ..Settings::default() };
        let ports = Ports {
            clock: Arc::clone(&clock) as _,
            events: Arc::new(Unrecorded),
            access: Arc::new(Everyone),
        };
        let hsm = Hsm::open(vault, settings, Mechanisms::standard(), ports).unwrap();
        let iam = Arc::new(Iam::open(Arc::clone(&hsm)).unwrap());
        let kms = Kms::open(Arc::clone(&hsm), iam, Quotas::default()).unwrap();
        Self { hsm, kms, clock, store, anchor }
    }

    pub(crate) fn pass(&self, milliseconds: u64) {
        self.clock.0.fetch_add(milliseconds, Ordering::Relaxed);
    }

    pub(crate) fn pass_days(&self, days: u64) {
        self.pass(days * DAY);
    }

    /// Makes happen all that is due.
    pub(crate) fn run_due(&self) -> usize {
        let mut all = 0;
        loop {
            let (done, _) = self.kms.run_due().unwrap();
            all += done;
            if done == 0 {
                return all;
            }
        }
    }

    pub(crate) fn account(&self, name: &str) -> Account {
        let new = NewAccount { name, region: "local-1" };
        Account { made: self.kms.iam().by(Actor::DAEMON).create_account(new).unwrap() }
    }

    /// Its root user, in its first project.
    pub(crate) fn root(&self, account: &Account) -> Caller {
        self.caller(account, account.made.project)
    }

    pub(crate) fn caller(&self, account: &Account, project: ProjectId) -> Caller {
        let key = account.made.key.id.to_string();
        let identity = self.kms.iam().access_key(&key, None).unwrap().identity;
        as_caller(identity, project)
    }

    pub(crate) fn encrypt(&self, caller: &Caller, key: &str, text: &str) -> Result<Vec<u8>, KmsError> {
        Ok(self.kms.encrypt_data(caller, key, Scheme::Symmetric, text.as_bytes(), b"")?.cipher)
    }

    pub(crate) fn decrypt(&self, caller: &Caller, cipher: &[u8]) -> Result<String, KmsError> {
        let opened = self.kms.decrypt_data(caller, None, Scheme::Symmetric, cipher, b"")?;
        Ok(String::from_utf8(opened.plain.as_bytes().to_vec()).unwrap())
    }

    /// The id of a new key.
    pub(crate) fn key(&self, caller: &Caller, new: NewKey) -> String {
        self.kms.create_key(caller, new).unwrap().id.to_string()
    }
}

pub(crate) fn as_caller(identity: Arc<Identity>, project: ProjectId) -> Caller {
    Caller {
        identity,
        project: Some(project),
        request: "0123456789abcdef0123456789abcdef".into(),
        source: None,
        agent: None,
        tls: true,
    }
}

/// A key of this name and type.
pub(crate) fn new(name: &str, spec: Spec) -> NewKey {
    NewKey {
        name: name.to_owned(),
        spec,
        usage: None,
        description: String::new(),
        origin: Origin::Kms,
        enterprise_project: EnterpriseProjectId::DEFAULT,
        tags: Tags::default(),
    }
}

pub(crate) fn used(usage: Usage, new: NewKey) -> NewKey {
    NewKey { usage: Some(usage), ..new }
}

/// The code that a refusal has.
#[track_caller]
pub(crate) fn code<T>(result: Result<T, KmsError>) -> &'static str {
    match result {
        Ok(_) => panic!("it was done"),
        Err(error) => error.code().1,
    }
}
