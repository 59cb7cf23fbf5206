//! Instances on an HSM in memory, whose clock a test turns: terms that end, limits, and what outlasts a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use backup::{DomainSecret, Opener, Recipients};
use dew::instance::{
    Access, Activating, Instance, InstanceError, Instances, Limits, Order, Status, Type, months_after,
};
use hsm::backup::How;
use hsm::event::{Actor, Unrecorded};
use hsm::mechanism::Mechanisms;
use hsm::partition::Partition;
use hsm::people::UKeyId;
use hsm::ports::Clock;
use hsm::store::memory::MemoryStore;
use hsm::vault::anchor::MemoryAnchor;
use hsm::vault::{RootKey, Vault};
use hsm::{Connection, Error, Hsm, Peer, Ports, Remote, Settings};
use wire::calls::encrypt::{EncryptCalls, EncryptInit};
use wire::calls::key::{GenerateKey, KeyCalls};
use wire::calls::object::{FindObjects, FindObjectsFinal, FindObjectsInit, ObjectCalls};
use wire::calls::session::{CloseSession, GetSessionInfo, Login, OpenSession, SessionCalls};
use wire::calls::slot::{GetMechanismList, GetSlotList, InitToken, SlotCalls};
use wire::template::AttributeValue;
use wire::{List, Mechanism, MechanismId, Params, Rv, SessionHandle, Slice, SlotId, Template};

const SO_PIN: &[u8] = b"87654321";
const PIN: &[u8] = b"12345678";
/// A day in 2026.
const START: u64 = 1_790_000_000;
const CKM_SHA256: u64 = 0x250;
const CKM_AES_KEY_GEN: u64 = 0x1080;
const CKM_AES_ECB: u64 = 0x1081;

struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

struct Everyone;

impl hsm::ports::Access for Everyone {
    fn may_open(&self, _: Peer, _: &Partition) -> bool {
        true
    }
}

struct World {
    hsm: Arc<Hsm>,
    clock: Arc<Hands>,
    store: Arc<MemoryStore>,
    anchor: Arc<MemoryAnchor>,
}

impl World {
    fn new() -> Self {
        let (store, anchor) = (Arc::new(MemoryStore::new()), Arc::new(MemoryAnchor::default()));
        let clock = Arc::new(Hands(AtomicU64::new(START)));
        Self { hsm: open(&store, &anchor, &clock), clock, store, anchor }
    }

    /// The same HSM after a restart.
    fn again(self) -> Self {
        let Self { hsm, clock, store, anchor } = self;
        drop(hsm);
        Self { hsm: open(&store, &anchor, &clock), clock, store, anchor }
    }

    fn instances(&self) -> Instances<'_> {
        Instances::new(&self.hsm, Actor::DAEMON)
    }

    fn at(&self, seconds: u64) {
        self.clock.0.store(seconds, Ordering::Relaxed);
    }

    /// An instance that runs, with its token initialised.
    fn running(&self, name: &str, kind: Type, limits: Limits) -> Instance {
        let order = Order {
            name,
            edition: "platinum",
            project: "default",
            quantity: 1,
            account: None,
            test_only: true,
            months: 1,
            tags: &[],
        };
        self.instances().order(&order).unwrap();
        self.instances().allocate(name).unwrap();
        self.instances().activate(name, &activating(kind, limits)).unwrap();
        let access = Access { authority: vec![1], key: vec![2], issued: Vec::new() };
        let instance = self.instances().create(name, access).unwrap();
        let partition = self.hsm.partition_named(name).unwrap();
        self.hsm.init_partition(&partition, None, SO_PIN, Some(PIN), &Actor::DAEMON).unwrap();
        instance
    }

    fn client(&self, instance: &Instance) -> Connection {
        let remote = Remote { instance: instance.number, name: "web".into(), certificate: "00".into() };
        self.hsm.connect_remote(remote, None).unwrap()
    }
}

fn open(store: &Arc<MemoryStore>, anchor: &Arc<MemoryAnchor>, clock: &Arc<Hands>) -> Arc<Hsm> {
    let root = RootKey::new(crypto::Secret::new(vec![7; RootKey::LEN])).unwrap();
    let vault = Vault::open(Arc::clone(store) as _, Arc::clone(anchor) as _, &root).unwrap();
    let settings = Settings { pin_memory: 8, pin_passes: 1, ..Settings::default() };
    let ports =
        Ports { clock: Arc::clone(clock) as _, events: Arc::new(Unrecorded), access: Arc::new(Everyone) };
    Hsm::open(vault, settings, Mechanisms::standard(), ports).unwrap()
}

fn activating(kind: Type, limits: Limits) -> Activating<'static> {
    Activating {
        name: None,
        zone: "az1",
        kind,
        vpc: "office",
        subnet: "10.0.0.0/24".parse().unwrap(),
        addresses: None,
        port: 2773,
        security_group: "default",
        allowed: vec!["10.0.0.0/8".parse().unwrap()],
        limits,
    }
}

fn session(client: &Connection, slot: SlotId) -> Result<SessionHandle, Error> {
    client.open_session(OpenSession { slot, flags: 6 })
}

fn log_in(client: &Connection, session: SessionHandle) -> Result<(), Error> {
    client.login(Login { session, user: 1, pin: Some(Slice(PIN)) })
}

fn key(client: &Connection, session: SessionHandle) -> Result<(), Error> {
    const CKA_TOKEN: u64 = 1;
    const CKA_VALUE_LEN: u64 = 0x161;
    let attribute = |kind: u64, bytes: Vec<u8>| wire::Attribute {
        kind: wire::AttributeType(kind),
        value: AttributeValue::Bytes(bytes.into()),
    };
    let template = Template::new(vec![
        attribute(CKA_TOKEN, vec![1]),
        attribute(CKA_VALUE_LEN, 16_u64.to_le_bytes().to_vec()),
    ])
    .unwrap();
    let mechanism = Mechanism { id: MechanismId(CKM_AES_KEY_GEN), params: Params::None };
    client.generate_key(GenerateKey { session, mechanism, template }).map(drop)
}

fn keys(client: &Connection, session: SessionHandle) -> usize {
    client.find_objects_init(FindObjectsInit { session, template: List::default() }).unwrap();
    client.find_objects(FindObjects { session, max: 100 }).unwrap().len()
}

fn code<T>(result: Result<T, Error>) -> Rv {
    result.err().expect("a refusal").rv()
}

/// Requirement: DHSM-048
#[test]
fn an_instance_is_frozen_when_its_term_ends_keeps_its_keys_and_runs_again_once_it_is_renewed() {
    let world = World::new();
    let instance = world.running("pay", Type::Server, Limits::default());
    let slot = world.hsm.partition_named("pay").unwrap().slot();
    let end = months_after(START, 1);
    assert_eq!(instance.until, Some(end));
    let client = world.client(&instance);
    let open = session(&client, slot).unwrap();
    log_in(&client, open).unwrap();
    key(&client, open).unwrap();

    world.at(end - 1);
    assert_eq!(world.instances().named("pay").unwrap().status(end - 1), Status::Running);
    key(&client, open).unwrap();
    world.at(end);
    assert_eq!(world.instances().named("pay").unwrap().status(end), Status::Frozen);
    // A session that is open is of no use, nobody opens another, and nobody logs in.
    assert_eq!(code(key(&client, open)), Rv::FUNCTION_REJECTED);
    assert_eq!(code(client.get_session_info(GetSessionInfo { session: open })), Rv::FUNCTION_REJECTED);
    assert_eq!(code(log_in(&client, open)), Rv::FUNCTION_REJECTED);
    assert_eq!(code(session(&client, slot)), Rv::FUNCTION_REJECTED);
    let error = session(&client, slot).unwrap_err().to_string();
    assert!(error.contains("instance pay") && error.contains("`instance renew`"), "{error}");
    client.close_session(CloseSession { session: open }).unwrap();

    // So it stays after a restart, and then everything is as it was.
    drop(client);
    let world = world.again();
    let client = world.client(&instance);
    assert_eq!(code(session(&client, slot)), Rv::FUNCTION_REJECTED);
    let refused = world.instances().certified("pay", "web", [0; 32]);
    assert!(matches!(refused, Err(InstanceError::OutOfOrder { .. })), "{refused:?}");
    let renewed = world.instances().renew("pay", 2).unwrap();
    assert_eq!(renewed.until, Some(months_after(end, 2)));
    let open = session(&client, slot).unwrap();
    log_in(&client, open).unwrap();
    assert_eq!(keys(&client, open), 2, "keys were lost");
    // Renewed before its end, it goes on from there.
    assert_eq!(world.instances().renew("pay", 1).unwrap().until, Some(months_after(months_after(end, 2), 1)));
    assert!(matches!(world.instances().renew("pay", 13), Err(InstanceError::Months(13))));
}

#[test]
fn a_frozen_instance_can_be_deleted_with_its_keys_and_one_that_runs_cannot() {
    let world = World::new();
    let instance = world.running("pay", Type::Server, Limits::default());
    assert!(matches!(world.instances().delete("pay"), Err(InstanceError::OutOfOrder { .. })));
    world.at(instance.until.unwrap());
    world.instances().delete("pay").unwrap();
    assert!(world.hsm.partition_named("pay").is_none());
    let world = world.again();
    assert!(world.hsm.partition_named("pay").is_none() && world.instances().all().unwrap().is_empty());
    // Neither its number nor its name means the old one to anybody.
    let next = world.running("pay", Type::Server, Limits::default());
    assert!(next.number > instance.number && next.id != instance.id);
}

#[test]
fn a_client_sees_the_partitions_of_its_instance_and_applications_here_see_all_others() {
    let world = World::new();
    let (pay, web) = (
        world.running("pay", Type::Server, Limits::default()),
        world.running("web", Type::Server, Limits::default()),
    );
    let slot = |name: &str| world.hsm.partition_named(name).unwrap().slot();
    let blank = hsm::partition::NewPartition {
        label: "own",
        profile: Default::default(),
        so_pin: None,
        user_pin: None,
    };
    world.hsm.create_partition(&blank, &Actor::DAEMON).unwrap();
    let sees = |client: &Connection| -> Vec<SlotId> {
        client.get_slot_list(GetSlotList { token_present: true }).unwrap().into_vec()
    };
    assert_eq!(sees(&world.client(&pay)), [slot("pay")]);
    assert_eq!(sees(&world.client(&web)), [slot("web")]);
    let here = world.hsm.connect(Peer { uid: 0, gid: 0, pid: 1 }, None).unwrap();
    assert_eq!(sees(&here), [slot("own")]);
    assert_eq!(code(session(&here, slot("pay"))), Rv::SLOT_ID_INVALID);
    assert_eq!(code(session(&world.client(&web), slot("pay"))), Rv::SLOT_ID_INVALID);
    // Nor does it join an application that another certificate began.
    let first = world.client(&pay);
    let other = Remote { instance: pay.number, name: "x".into(), certificate: "11".into() };
    let joined = world.hsm.connect_remote(other, Some(first.token())).unwrap();
    assert!(joined.token() != first.token());
    let same = Remote { instance: pay.number, name: "web, another port".into(), certificate: "00".into() };
    assert!(world.hsm.connect_remote(same, Some(first.token())).unwrap().token() == first.token());
}

#[test]
fn the_limits_of_an_instance_hold_and_its_type_decides_on_mechanisms() {
    let world = World::new();
    let limits = Limits { partitions: 1, sessions: 2, objects: 3 };
    let instance = world.running("pay", Type::Signature, limits);
    let slot = world.hsm.partition_named("pay").unwrap().slot();
    let (one, two) = (world.client(&instance), world.client(&instance));
    let open = session(&one, slot).unwrap();
    session(&two, slot).unwrap();
    assert_eq!(code(session(&two, slot)), Rv::SESSION_COUNT);
    assert_eq!(code(session(&one, slot)), Rv::SESSION_COUNT);
    log_in(&one, open).unwrap();
    for _ in 0..3 {
        key(&one, open).unwrap();
    }
    assert_eq!(code(key(&one, open)), Rv::DEVICE_MEMORY);
    let offered = one.get_mechanism_list(GetMechanismList { slot }).unwrap();
    let offers = |id: u64| offered.iter().any(|mechanism| mechanism.0 == id);
    assert!(offers(CKM_SHA256) && offers(CKM_AES_KEY_GEN) && !offers(CKM_AES_ECB));
    let key = one.find_objects_init(FindObjectsInit { session: open, template: List::default() });
    let key = key.and_then(|()| one.find_objects(FindObjects { session: open, max: 1 })).unwrap()[0];
    one.find_objects_final(FindObjectsFinal { session: open }).unwrap();
    let mechanism = Some(Mechanism { id: MechanismId(CKM_AES_ECB), params: Params::None });
    let begun = one.encrypt_init(EncryptInit { session: open, mechanism, key });
    assert_eq!(code(begun), Rv::MECHANISM_INVALID, "what is not offered is not there");
    // A client cannot initialise the token anew, whatever PIN it has.
    drop(two);
    one.close_session(CloseSession { session: open }).unwrap();
    let label = [b' '; 32];
    let again = one.init_token(InitToken { slot, pin: Some(Slice(SO_PIN)), label: Slice(&label) });
    assert_eq!(code(again), Rv::FUNCTION_REJECTED);
}

/// Requirement: DHSM-004
#[test]
fn without_its_officers_ukey_an_instance_is_neither_initialised_nor_extended() {
    let world = World::new();
    world.running("pay", Type::Server, Limits::default());
    for officer in [None, Some(UKeyId::from_bytes([7; 32]))] {
        let refused = world.instances().initialise("pay", officer, SO_PIN, Some(PIN));
        assert!(matches!(refused, Err(InstanceError::NeedsOfficer(_))), "{refused:?}");
        let new = hsm::partition::NewPartition {
            label: "more",
            profile: Default::default(),
            so_pin: None,
            user_pin: None,
        };
        let refused = world.instances().extend("pay", officer, &new);
        assert!(matches!(refused.err(), Some(InstanceError::NeedsOfficer(_))));
    }
    assert!(!world.instances().named("pay").unwrap().initialised);
}

#[test]
fn what_was_changed_meanwhile_is_not_overwritten() {
    let world = World::new();
    let order = |name| Order {
        name,
        edition: "platinum",
        project: "default",
        quantity: 2,
        account: None,
        test_only: false,
        months: 1,
        tags: &[],
    };
    world.instances().order(&order("a")).unwrap();
    world.instances().order(&order("a")).unwrap();
    let names: Vec<_> = world.instances().all().unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["a-0001", "a-0002", "a-0003", "a-0004"]);
    world.instances().allocate("a-0001").unwrap();
    assert!(matches!(world.instances().allocate("a-0001"), Err(InstanceError::OutOfOrder { .. })));
    let by_id = world.instances().all().unwrap()[1].id.to_string();
    assert_eq!(world.instances().allocate(&by_id).unwrap().name, "a-0002");
    let world = world.again();
    assert_eq!(world.instances().named("a-0002").unwrap().stage, Status::ToBeActivated);
}

fn domain() -> DomainSecret {
    DomainSecret { id: [3; 16], secret: crypto::Secret::new(vec![5; 32]) }
}

fn back_up(world: &World, partition: Option<&str>) -> Vec<u8> {
    let partition = partition.map(|label| world.hsm.partition_named(label).unwrap());
    let (to, mut file) = (Recipients::Domain(domain()), Vec::new());
    world.hsm.back_up(partition.as_deref(), &to, &mut file, &Actor::DAEMON).unwrap();
    file
}

/// Restores a file; tells why not.
fn restore(world: &World, file: &[u8], replace: bool, older: bool) -> Result<(), String> {
    let how = How { replace, older, limit: 1 << 30, file: None, services: dew::described };
    let restored = world.hsm.restore(file, &Opener::Domain(domain()), how, &Actor::DAEMON);
    restored.map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_restore_brings_instances_back_as_they_were_and_new_ones_get_other_numbers() {
    let there = World::new();
    there.running("gone", Type::Server, Limits::default());
    let instance = there.running("pay", Type::Finance, Limits::default());
    there.at(months_after(START, 1));
    there.instances().delete("gone").unwrap();
    there.at(START);
    let file = back_up(&there, None);

    let here = World::new();
    restore(&here, &file, false, false).unwrap();
    assert_eq!(here.instances().all().unwrap(), [there.instances().named("pay").unwrap()]);
    let slot = here.hsm.partition_named("pay").unwrap().slot();
    let client = here.client(&instance);
    log_in(&client, session(&client, slot).unwrap()).unwrap();
    // The counter came along.
    let next = here.running("next", Type::Server, Limits::default());
    assert_eq!(next.number, instance.number + 1);
    drop(client);
    let here = here.again();
    assert_eq!(here.instances().all().unwrap().len(), 2);

    // A second time it must be meant, and what came since stays.
    let why = restore(&here, &file, false, false).unwrap_err();
    assert!(why.contains("is there already"), "{why}");
    let why = restore(&here, &file, true, false).unwrap_err();
    assert!(why.contains("--older"), "{why}");
    restore(&here, &file, true, true).unwrap();
    let names: Vec<_> = here.instances().all().unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["pay", "next"]);
    let again = here.running("again", Type::Server, Limits::default());
    assert_eq!(again.number, next.number + 1, "no number is given twice");
}

#[test]
fn what_would_clash_with_an_instance_here_does_not_come_back_at_all() {
    let there = World::new();
    there.running("pay", Type::Server, Limits::default());
    let (whole, alone) = (back_up(&there, None), back_up(&there, Some("pay")));
    let refused = |here: &World, file: &[u8], why: &str| {
        let before = (here.instances().all().unwrap(), here.hsm.partitions().len());
        let said = restore(here, file, true, true).unwrap_err();
        assert!(said.contains(why), "{said}");
        assert_eq!((here.instances().all().unwrap(), here.hsm.partitions().len()), before);
    };
    let order = |world: &World, name: &str| {
        let order = Order {
            name,
            edition: "platinum",
            project: "default",
            quantity: 1,
            account: None,
            test_only: true,
            months: 1,
            tags: &[],
        };
        world.instances().order(&order).unwrap();
    };

    // A partition alone, where nothing is of its instance: the next one with the number would own it.
    let here = World::new();
    refused(&here, &alone, "is of instance \"pay\", which is not here");
    order(&here, "other");
    refused(&here, &alone, "is of instance \"pay\", which is not here");
    refused(&here, &whole, "had the number that \"other\" has here");
    let here = World::new();
    order(&here, "pay");
    refused(&here, &whole, "another one of that name");
    // Another number, name and slot, and the same address: what the one before it had is free again.
    let here = World::new();
    here.running("first", Type::Server, Limits::default());
    here.at(months_after(START, 1));
    here.instances().delete("first").unwrap();
    here.running("second", Type::Server, Limits::default());
    refused(&here, &whole, "has the address 10.0.0.");
    // On its own HSM the partition comes back, as its instance is there.
    restore(&there, &alone, true, true).unwrap();
}
