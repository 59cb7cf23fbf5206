//! A world with accounts and a KMS, and what the tests ask of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use crypto::Hash;
use crypto::rsa::PublicKey;
use der::asn1::UintRef;
use der::{Decode, Sequence};
use dew::caller::Caller;
use dew::iam::{CreatedAccount, EnterpriseProjectId, Iam, Identity, NewAccount, ProjectId};
use dew::kms::spec::{Spec, Usage};
use dew::kms::{Arrival, DAY, Did, Happened, Kms, KmsError, NewKey, Origin, Quotas, Scheme};
use dew::tag::Tags;
use hsm::event::{Actor, Unrecorded};
use hsm::mechanism::Mechanisms;
use hsm::partition::Partition;
use hsm::ports::Clock;
use hsm::store::StoreError;
use hsm::store::memory::{Fault, MemoryStore};
use hsm::vault::anchor::MemoryAnchor;
use hsm::vault::{RootKey, Vault};
use hsm::{Hsm, Peer, Ports, Settings};
use parking_lot::Mutex;

/// A day in 2026, in milliseconds since 1970.
pub(crate) const START: u64 = 1_790_000_000_000;

struct Hands {
    time: AtomicU64,
    meanwhile: Mutex<Meanwhile>,
}

/// What somebody else does while something is done.
#[derive(Default)]
struct Meanwhile {
    /// After so many looks at the clock.
    act: Option<(usize, Box<dyn FnOnce() + Send>)>,
    doing: Option<JoinHandle<()>>,
}

impl Hands {
    fn new() -> Self {
        Self { time: AtomicU64::new(START), meanwhile: Mutex::default() }
    }

    fn look(&self) {
        let mut meanwhile = self.meanwhile.lock();
        match meanwhile.act.take() {
            Some((0, act)) => {
                let (ended, ends) = mpsc::channel::<()>();
                meanwhile.doing = Some(std::thread::spawn(move || {
                    act();
                    drop(ended);
                }));
                drop(meanwhile);
                // Who has to wait for a turn that is held, comes after it.
                let _ = ends.recv_timeout(Duration::from_millis(200));
            }
            Some((looks, act)) => meanwhile.act = Some((looks - 1, act)),
            None => {}
        }
    }
}

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        self.look();
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.time.load(Ordering::Relaxed))
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
    pub(crate) kms: Arc<Kms>,
    told: Arc<Mutex<Vec<Happened>>>,
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
        Self::open(store, anchor, Arc::new(Hands::new()))
    }

    /// The same after a restart.
    pub(crate) fn again(self) -> Self {
        let Self { hsm, kms, clock, store, anchor, .. } = self;
        drop((hsm, kms));
        store.inject(Fault::None);
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
        let told = Arc::<Mutex<Vec<_>>>::default();
        let tell = Arc::clone(&told);
        let tell = Box::new(move |did: &Did| tell.lock().push(did.what));
        let kms = Arc::new(Kms::open(Arc::clone(&hsm), iam, Quotas::default(), tell).unwrap());
        Self { hsm, kms, told, clock, store, anchor }
    }

    pub(crate) fn pass(&self, milliseconds: u64) {
        self.clock.time.fetch_add(milliseconds, Ordering::Relaxed);
    }

    pub(crate) fn pass_days(&self, days: u64) {
        self.pass(days * DAY);
    }

    /// Makes happen all that is due.
    pub(crate) fn run_due(&self) -> usize {
        let mut all = 0;
        loop {
            let run = self.kms.run_due();
            assert!(run.failed.is_empty(), "{:?}", run.failed);
            all += run.done;
            if run.done == 0 {
                return all;
            }
        }
    }

    /// What the KMS has told of what it did by itself, since it was last asked.
    pub(crate) fn told(&self) -> Vec<Happened> {
        std::mem::take(&mut *self.told.lock())
    }

    /// Lets so many more commits happen, and the one after them fail.
    pub(crate) fn fail_after(&self, commits: u64) {
        self.store.inject(Fault::FailsAfter(commits, StoreError::Full("no space".into())));
    }

    /// Lets so many days pass when it is called.
    pub(crate) fn days(&self) -> impl Fn(u64) + Send + use<> {
        let clock = Arc::clone(&self.clock);
        move |days| {
            clock.time.fetch_add(days * DAY, Ordering::Relaxed);
        }
    }

    /// Somebody else comes between what is done next: after so many looks at the clock.
    pub(crate) fn meanwhile(&self, looks: usize, act: impl FnOnce(&Kms) + Send + 'static) {
        let kms = Arc::clone(&self.kms);
        *self.clock.meanwhile.lock() =
            Meanwhile { act: Some((looks, Box::new(move || act(&kms)))), doing: None };
    }

    /// Whether somebody else came between. It is done now.
    pub(crate) fn was_between(&self) -> bool {
        let Meanwhile { doing, .. } = std::mem::take(&mut *self.clock.meanwhile.lock());
        let was = doing.is_some();
        doing.into_iter().for_each(|doing| doing.join().unwrap());
        was
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

/// Imports material into a key that has none.
pub(crate) fn import(
    world: &World,
    caller: &Caller,
    key: &str,
    material: &[u8],
    expires: Option<u64>,
) -> Result<(), KmsError> {
    let given = world.kms.import_parameters(caller, key, "RSAES_OAEP_SHA_256")?;
    let wrapped = wrapping_key(&given.public_key).encrypt_oaep(Hash::Sha256, Hash::Sha256, b"", material);
    let material = &wrapped.unwrap();
    let arrival = Arrival { token: &given.token, material, private_key: None, expires };
    world.kms.import_material(caller, key, &arrival).map(drop)
}

/// `RSAPublicKey` (RFC 8017, appendix A.1.1)
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    public_exponent: UintRef<'a>,
}

fn wrapping_key(der: &[u8]) -> PublicKey {
    let info = spki::SubjectPublicKeyInfoRef::from_der(der).unwrap();
    let key = RsaPublicKey::from_der(info.subject_public_key.as_bytes().unwrap()).unwrap();
    PublicKey::from_parts(key.modulus.as_bytes(), key.public_exponent.as_bytes()).unwrap()
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
