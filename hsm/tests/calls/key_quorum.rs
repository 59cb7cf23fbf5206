//! Keys of which each use needs the approval of several people: nothing without it, and with it as much as was
//! approved.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hsm::event::Actor;
use hsm::object::Attr;
use hsm::people::{Given, Held, Key, PeopleError, Scope};
use hsm::quorum::{Authorization, Only, Usages};
use ukey::file::{self, Cost, FileKey};
use ukey::{Algorithm, Holder};
use wire::admin::approval::{APPROVE, Approval, Request};
use wire::admin::key::Approver;
use wire::admin::people::{Founder, REGISTER, Registered, founding};
use wire::admin::{Command, Role};
use wire::calls::digest::{DigestCalls, DigestInit, DigestKey};
use wire::{Bytes, ObjectHandle, Repeat, Rv};

use crate::support::*;

mod travels;

const BY: Actor<'static> = Actor::DAEMON;
const PEOPLE: [&str; 4] = ["Ada", "Ben", "Eva", "Max"];
const VALUE: &[u8] = &[7; 16];

/// Gives each of these people a UKey, and the HSM to them.
fn owned(world: &World, names: &[&str]) -> Vec<FileKey> {
    let key = |name: &&str| {
        let cost = Cost::new(8, 1, 1).unwrap();
        file::open(&file::create(name, Algorithm::Ed25519, b"123456", cost).unwrap().0, b"123456").unwrap()
    };
    let keys: Vec<_> = names.iter().map(key).collect();
    let people = world.hsm.people();
    let challenge = people.challenge(1).unwrap();
    let founder = |(name, key): (&&str, &FileKey)| Founder {
        person: (*name).to_owned(),
        ukey: Registered {
            id: *key.public().id().as_bytes(),
            public: Bytes::from(key.public().to_bytes()),
            signature: None,
        },
    };
    let mut founders: Vec<_> = names.iter().zip(&keys).map(founder).collect();
    let message = challenge.message(&[b"init", &founding(&founders, 0)]);
    for (founder, key) in founders.iter_mut().zip(&keys) {
        founder.ukey.signature = Some(Bytes::from(key.sign(REGISTER, &message).unwrap()));
    }
    people.init(&founders, 0, &challenge).unwrap();
    keys
}

fn approvers(world: &World, names: &[&str]) -> Vec<Approver> {
    let approver = |name: &&str| {
        let person = world.hsm.people().named(name).unwrap();
        Approver { name: person.name.clone(), ukey: *person.ukey.id().as_bytes() }
    };
    names.iter().map(approver).collect()
}

/// The key of a label on the standard partition.
fn key(world: &World, label: &[u8]) -> Key {
    let user = world.user(STANDARD);
    let object = user.on().find(&[(Attr::LABEL, label)])[0];
    let id = user.on().read(object, Attr::UNIQUE_ID).unwrap().unwrap();
    Key::named(&world.partition(STANDARD), std::str::from_utf8(&id).unwrap()).unwrap()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Puts a key under two of three.
fn guard(world: &World, key: &Key, usages: &[&str]) {
    let three = approvers(world, &PEOPLE[..3]);
    let was = key.quorum().unwrap().map(|quorum| quorum.generation());
    world.hsm.people().set_key_quorum(key, was, &words(usages), (2, &three)).unwrap();
}

fn authorize(world: &World, key: &Key, usage: &str, uses: u32, only: Only) -> Result<(), PeopleError> {
    let was = key.quorum().unwrap().map(|quorum| quorum.generation());
    let allowed = Authorization { usages: Usages::default(), uses, seconds: 600, only };
    world.hsm.people().authorize(key, was, &words(&[usage]), allowed)
}

/// An HSM with people, and a key on the token that can be under a quorum.
fn world() -> World {
    let world = World::new();
    owned(&world, &PEOPLE);
    made(&world, b"key");
    world
}

fn made(world: &World, label: &[u8]) {
    let user = world.user(STANDARD);
    let guarded = [(Attr::TOKEN, YES), (Attr::SENSITIVE, YES), (Attr::LABEL, label)];
    user.on().known(VALUE, &guarded).unwrap();
}

fn decrypt(on: On<'_>, key: ObjectHandle) -> Rv {
    rv(on.decrypt(mechanism(AES_ECB), key, &[0; 16]))
}

fn labelled(user: &User, label: &[u8]) -> ObjectHandle {
    user.on().find(&[(Attr::LABEL, label)])[0]
}

#[test]
fn each_use_takes_one_of_those_that_were_approved_and_no_more_are_there() {
    let mut world = world();
    let guarded = key(&world, b"key");
    guard(&world, &guarded, &["decrypt"]);
    let user = world.user(STANDARD);
    let handle = labelled(&user, b"key");
    assert_eq!(decrypt(user.on(), handle), Rv::FUNCTION_REJECTED);
    let why = user.on().decrypt(mechanism(AES_ECB), handle, &[0; 16]).unwrap_err().to_string();
    assert!(why.contains("to decrypt with this key takes the approval of 2 of Ada, Ben, Eva"), "{why}");
    authorize(&world, &guarded, "decrypt", 3, Only::Any).unwrap();
    // What was not asked for is not there, though it does the same work.
    let encrypted = user.on().encrypt(mechanism(AES_ECB), handle, &[0; 16]);
    assert_eq!(rv(encrypted), Rv::FUNCTION_REJECTED);
    assert_eq!(decrypt(user.on(), handle), Rv::OK);
    drop((user, guarded));
    world = world.restart();
    let user = world.user(STANDARD);
    let handle = labelled(&user, b"key");
    assert_eq!([(); 3].map(|()| decrypt(user.on(), handle)), [Rv::OK, Rv::OK, Rv::FUNCTION_REJECTED]);
}

#[test]
fn what_is_begun_is_counted_and_never_begun_once_for_all() {
    use wire::calls::decrypt::{DecryptCalls, DecryptInit};
    let world = world();
    let guarded = key(&world, b"key");
    let user = world.user(STANDARD);
    let (session, handle) = (user.session, labelled(&user, b"key"));
    let begin = |mechanism| user.app.decrypt_init(DecryptInit { session, mechanism, key: handle });
    let ecb = || Some(mechanism(AES_ECB));
    assert_eq!(begin(ecb()).unwrap(), Repeat::Same, "the module keeps it while there is no quorum");
    begin(None).unwrap();
    guard(&world, &guarded, &["decrypt"]);
    authorize(&world, &guarded, "decrypt", 1, Only::Any).unwrap();
    // What fails before anything is begun takes nothing.
    assert_eq!(rv(begin(Some(with_iv(AES_ECB)))), Rv::MECHANISM_PARAM_INVALID);
    assert_eq!(begin(ecb()).unwrap(), Repeat::Ask);
    begin(None).unwrap();
    assert_eq!(rv(begin(ecb())), Rv::FUNCTION_REJECTED);
}

#[test]
fn what_was_begun_before_the_quorum_ends_with_it_in_whichever_object_the_key_is() {
    use wire::calls::decrypt::{DecryptCalls, DecryptInit, DecryptUpdate};
    let world = world();
    let (first, second) = (world.user(STANDARD), world.user(STANDARD));
    let kept = labelled(&first, b"key");
    let copy = second.on().copy(labelled(&second, b"key"), &[(Attr::TOKEN, NO)]).unwrap();
    let other = world.user(STANDARD);
    let own = other.on().known(&[8; 16], &[]).unwrap();
    let begun = [(&first, kept), (&second, copy), (&other, own)];
    for (user, key) in begun {
        let (session, mechanism) = (user.session, Some(mechanism(AES_ECB)));
        user.app.decrypt_init(DecryptInit { session, mechanism, key }).unwrap();
    }
    let goes_on = |user: &User| {
        let (session, data) = (user.session, wire::Slice(&[0; 16]));
        rv(user.app.decrypt_update(DecryptUpdate { session, data, room: ROOM }))
    };
    assert_eq!(goes_on(&first), Rv::OK, "one is in the middle of its data");
    guard(&world, &key(&world, b"key"), &["decrypt"]);
    assert_eq!(goes_on(&first), Rv::OPERATION_NOT_INITIALIZED);
    assert_eq!(goes_on(&second), Rv::OPERATION_NOT_INITIALIZED, "a session's copy is the same key");
    assert_eq!(goes_on(&other), Rv::OK, "another key is another");
}

#[test]
fn of_eight_threads_with_five_uses_between_them_five_succeed() {
    let world = world();
    let guarded = key(&world, b"key");
    guard(&world, &guarded, &["decrypt"]);
    authorize(&world, &guarded, "decrypt", 5, Only::Any).unwrap();
    let (done, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let user = world.user(STANDARD);
                let handle = labelled(&user, b"key");
                for _ in 0..5 {
                    match decrypt(user.on(), handle) {
                        Rv::OK => done.fetch_add(1, Ordering::Relaxed),
                        Rv::FUNCTION_REJECTED => refused.fetch_add(1, Ordering::Relaxed),
                        rv => panic!("{rv}"),
                    };
                }
            });
        }
    });
    assert_eq!((done.into_inner(), refused.into_inner()), (5, 35));
}

#[test]
fn the_quorum_is_the_keys_whatever_object_holds_it_and_whatever_that_says() {
    let world = world();
    let user = world.user(STANDARD);
    let handle = labelled(&user, b"key");
    let before = user.on().copy(handle, &[(Attr::TOKEN, NO)]).unwrap();
    guard(&world, &key(&world, b"key"), &["decrypt"]);
    let after = user.on().copy(handle, &[(Attr::LABEL, b"copy")]).unwrap();
    let again = user.on().known(VALUE, &[(Attr::SENSITIVE, YES), (Attr::LABEL, b"again")]).unwrap();
    user.on().set(handle, &[(Attr::DECRYPT, YES), (Attr::LABEL, b"other")]).unwrap();
    for object in [handle, before, after, again] {
        assert_eq!(decrypt(user.on(), object), Rv::FUNCTION_REJECTED, "{object:?}");
        let encrypted = user.on().encrypt(mechanism(AES_ECB), object, &[0; 16]);
        assert_eq!(rv(encrypted), Rv::FUNCTION_REJECTED, "{object:?}");
    }
    for object in [handle, before, after, again] {
        user.on().destroy(object).unwrap();
    }
    let new = user.on().known(VALUE, &[(Attr::SENSITIVE, YES)]).unwrap();
    assert_eq!(decrypt(user.on(), new), Rv::FUNCTION_REJECTED, "destroyed and made again it is the same");
    // Another key is another.
    let other = user.on().known(&[8; 16], &[(Attr::SENSITIVE, YES)]).unwrap();
    assert_eq!(decrypt(user.on(), other), Rv::OK);
}

#[test]
fn a_key_that_can_leave_is_put_under_no_quorum_and_one_under_a_quorum_does_not_leave() {
    let world = world();
    let user = world.user(STANDARD);
    for more in [(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)] {
        user.on().known(&[9; 16], &[(Attr::TOKEN, YES), (Attr::LABEL, b"open"), more]).unwrap();
        let open = key(&world, b"open");
        let three = approvers(&world, &PEOPLE[..3]);
        let set = world.hsm.people().set_key_quorum(&open, None, &words(&["decrypt"]), (2, &three));
        assert!(set.unwrap_err().to_string().contains("must be sensitive and not extractable"));
        user.on().destroy(labelled(&user, b"open")).unwrap();
    }
    guard(&world, &key(&world, b"key"), &["wrap"]);
    let wrapping = user.on().generate(&[(Attr::WRAP, YES)]).unwrap();
    let again = user.on().known(VALUE, &[(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)]).unwrap();
    assert_eq!(rv(user.on().wrap(wrapping, again)), Rv::KEY_UNEXTRACTABLE);
    assert_eq!(
        rv(user.on().wrap(wrapping, user.on().generate(&[(Attr::EXTRACTABLE, YES)]).unwrap())),
        Rv::OK
    );
    // Nor does a digest tell of it.
    let (session, sha256) = (user.session, Some(mechanism(SHA256)));
    user.app.digest_init(DigestInit { session, mechanism: sha256 }).unwrap();
    assert_eq!(rv(user.app.digest_key(DigestKey { session, key: again })), Rv::KEY_INDIGESTIBLE);
    // To decrypt is not to wrap, and is free.
    assert_eq!(decrypt(user.on(), again), Rv::OK);
}

#[test]
fn to_unwrap_is_counted_before_anything_is_known_of_it_and_to_ask_for_a_length_is_not() {
    let world = world();
    let user = world.user(STANDARD);
    made(&world, b"kek");
    let kek = labelled(&user, b"kek");
    let leaving = user.on().generate(&[(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)]).unwrap();
    // A key that came from elsewhere wraps what is not sensitive.
    let blob = user.on().wrap(kek, leaving).unwrap();
    let guarded = key(&world, b"kek");
    guard(&world, &guarded, &["unwrap"]);
    assert_eq!(rv(user.on().unwrap(kek, &blob, &[])), Rv::FUNCTION_REJECTED);
    authorize(&world, &guarded, "unwrap", 2, Only::Any).unwrap();
    let mut bent = blob.clone();
    bent[0] ^= 1;
    assert_eq!(rv(user.on().unwrap(kek, &bent, &[])), Rv::WRAPPED_KEY_INVALID);
    assert_eq!(rv(user.on().unwrap(kek, &blob, &[])), Rv::OK);
    assert_eq!(rv(user.on().unwrap(kek, &bent, &[])), Rv::FUNCTION_REJECTED, "a guess is a use");
    authorize(&world, &guarded, "wrap", 1, Only::Any).unwrap();
    let call = |room| wire::calls::key::WrapKey {
        session: user.session,
        mechanism: mechanism(KWP),
        wrapping_key: kek,
        key: leaving,
        room,
    };
    use wire::calls::key::KeyCalls;
    for room in [wire::Room::Ask, wire::Room::Bytes(1)] {
        user.app.wrap_key(call(room)).unwrap();
    }
    assert_eq!(bytes(user.app.wrap_key(call(ROOM)).unwrap()), blob);
    assert_eq!(rv(user.app.wrap_key(call(ROOM))), Rv::FUNCTION_REJECTED);
}

#[test]
fn an_authorisation_is_for_whom_it_names_and_ends_with_the_quorum_that_approved_it() {
    let world = world();
    let guarded = key(&world, b"key");
    guard(&world, &guarded, &["decrypt"]);
    let user = world.user(STANDARD);
    let handle = labelled(&user, b"key");
    for (only, rv) in [
        (Only::Uid(1001), Rv::FUNCTION_REJECTED),
        (Only::Pid(2), Rv::FUNCTION_REJECTED),
        (Only::Uid(1000), Rv::OK),
        (Only::Pid(1), Rv::OK),
    ] {
        authorize(&world, &guarded, "decrypt", 1, only).unwrap();
        assert_eq!(decrypt(user.on(), handle), rv, "{only}");
    }
    authorize(&world, &guarded, "decrypt", 1, Only::Any).unwrap();
    assert_eq!(world.hsm.people().granted(&guarded).unwrap().len(), 3);
    guard(&world, &guarded, &["decrypt"]);
    assert_eq!(decrypt(user.on(), handle), Rv::FUNCTION_REJECTED);
    assert_eq!(world.hsm.people().granted(&guarded).unwrap(), []);
    // Nor does one come in that another quorum approved, nor does that set a new one.
    let people = world.hsm.people();
    let allowed = Authorization { usages: Usages::default(), uses: 1, seconds: 600, only: Only::Any };
    let late = people.authorize(&guarded, Some(1), &words(&["decrypt"]), allowed).unwrap_err();
    assert!(late.to_string().contains("has been changed meanwhile"), "{late}");
    let two = approvers(&world, &PEOPLE[..2]);
    for was in [None, Some(1)] {
        let late = people.set_key_quorum(&guarded, was, &words(&["decrypt"]), (1, &two)).unwrap_err();
        assert!(late.to_string().contains("has been changed meanwhile"), "{late}");
    }
    people.remove_key_quorum(&guarded, Some(2)).unwrap();
    assert_eq!(decrypt(user.on(), handle), Rv::OK);
}

#[test]
fn an_authorisation_ends_at_its_time_and_makes_room_for_others() {
    let world = world();
    let guarded = key(&world, b"key");
    guard(&world, &guarded, &["decrypt"]);
    let user = world.user(STANDARD);
    let handle = labelled(&user, b"key");
    world.clock.set(1000);
    authorize(&world, &guarded, "decrypt", 5, Only::Any).unwrap();
    for (at, rv) in [(1599, Rv::OK), (1600, Rv::FUNCTION_REJECTED), (1599, Rv::OK)] {
        world.clock.set(at);
        assert_eq!(decrypt(user.on(), handle), rv, "at {at}");
    }
    let granted = || world.hsm.people().granted(&guarded).unwrap();
    assert_eq!(granted().iter().map(|one| one.left).collect::<Vec<_>>(), [3]);
    for _ in 1..wire::admin::key::MAX_GRANTS {
        authorize(&world, &guarded, "decrypt", 1, Only::Any).unwrap();
    }
    let full = authorize(&world, &guarded, "decrypt", 1, Only::Any).unwrap_err().to_string();
    assert!(full.contains("1,000 authorisations at the most"), "{full}");
    world.clock.set(1600);
    authorize(&world, &guarded, "decrypt", 1, Only::Any).unwrap();
    world.clock.set(1599);
    assert_eq!(granted().len(), wire::admin::key::MAX_GRANTS, "the first had ended, and is gone");
}

#[test]
fn what_cannot_be_a_quorum_or_an_authorisation_is_none() {
    let world = world();
    let guarded = key(&world, b"key");
    let people = world.hsm.people();
    let (two, decrypt) = (approvers(&world, &PEOPLE[..2]), words(&["decrypt"]));
    let twice = [two[0].clone(), two[0].clone()];
    let other = [Approver { ukey: [9; 32], ..two[0].clone() }];
    let nobody = [Approver { name: "Eve".into(), ..two[0].clone() }];
    for (usages, needed, of, says) in [
        (&decrypt, 0, &two[..], "needs the approval of 1 to 32 people"),
        (&decrypt, 3, &two[..], "3 of 2"),
        (&decrypt, 1, &[][..], "1 of 0"),
        (&decrypt, 2, &twice[..], "Ada is named as an approver twice"),
        (&decrypt, 1, &other[..], "Ada has not the UKey that was named"),
        (&decrypt, 1, &nobody[..], "there is no person \"Eve\""),
        (&words(&["verify"]), 1, &two[..], "no usage that can need approval"),
        (&words(&[]), 1, &two[..], "no usage that can need approval"),
    ] {
        let why = people.set_key_quorum(&guarded, None, usages, (needed, of)).unwrap_err().to_string();
        assert!(why.contains(says), "{why}");
    }
    assert!(matches!(people.remove_key_quorum(&guarded, None), Err(PeopleError::NoKeyQuorum)));
    let none = authorize(&world, &guarded, "decrypt", 1, Only::Any).unwrap_err();
    assert!(matches!(none, PeopleError::NoKeyQuorum), "{none}");
    guard(&world, &guarded, &["wrap"]);
    let other = authorize(&world, &guarded, "decrypt", 1, Only::Any).unwrap_err();
    assert!(other.to_string().contains("only wrap needs approval, and decrypt was named"), "{other}");
    for uses in [0, 1_000_001] {
        assert!(matches!(authorize(&world, &guarded, "wrap", uses, Only::Any), Err(PeopleError::Extent)));
    }
}

#[test]
fn what_is_set_authorised_used_and_refused_is_recorded() {
    let world = world();
    let guarded = key(&world, b"key");
    let user = world.user(STANDARD);
    let handle = labelled(&user, b"key");
    world.hsm.record_uses(&world.partition(STANDARD), hsm::event::Uses::None, &BY).unwrap();
    world.recorded();
    guard(&world, &guarded, &["decrypt"]);
    decrypt(user.on(), handle);
    authorize(&world, &guarded, "decrypt", 1, Only::Any).unwrap();
    decrypt(user.on(), handle);
    world.hsm.people().remove_key_quorum(&guarded, Some(1)).unwrap();
    let said: Vec<_> =
        world.lines().into_iter().map(|(_, action, object, _, rv)| (action, object, rv)).collect();
    let id = || Some(guarded.object.unique_id().to_owned());
    let expected = [
        ("set the quorum of a key", Rv::OK),
        ("use an authorisation", Rv::FUNCTION_REJECTED),
        ("authorise the use of a key", Rv::OK),
        ("use an authorisation", Rv::OK),
        ("remove the quorum of a key", Rv::OK),
    ];
    assert_eq!(said, expected.map(|(action, rv)| (action.to_owned(), id(), rv)));
    // What cannot be recorded is not used.
    guard(&world, &guarded, &["decrypt"]);
    authorize(&world, &guarded, "decrypt", 1, Only::Any).unwrap();
    *world.events.refuses.lock() = Some(hsm::vault::NotRecorded::Full("no room".into()));
    assert_eq!(decrypt(user.on(), handle), Rv::DEVICE_MEMORY);
    *world.events.refuses.lock() = None;
    assert_eq!([(); 2].map(|()| decrypt(user.on(), handle)), [Rv::OK, Rv::FUNCTION_REJECTED]);
}

/// A request for a key's authorisation, and who signs it.
struct Asked<'a> {
    world: &'a World,
    given: Given,
    request: Request,
}

impl<'a> Asked<'a> {
    fn of(world: &'a World, target: &str) -> Self {
        let of_key = key(world, b"key").quorum().unwrap();
        let (command, scope) = (Command::KeyAuthorize, Scope::Partition(STANDARD.0));
        let given = Given { command, scope, target: target.into(), details: Vec::new(), of_key };
        let request = world.hsm.people().request(given.clone(), 60).unwrap();
        Self { world, given, request }
    }

    fn signed(&self, by: &FileKey) -> Approval {
        let details = crypto::hash::digest(crypto::Hash::Sha256, &self.request.details()).unwrap();
        let message = self.request.message(&details.try_into().unwrap());
        Approval {
            request: self.request.clone(),
            ukey: *by.public().id().as_bytes(),
            signature: Bytes::from(by.sign(APPROVE, &message).unwrap()),
        }
    }

    fn used(&self, approvals: &[Approval]) -> Result<(), PeopleError> {
        self.world.hsm.people().approved(&self.given, approvals)
    }
}

#[test]
fn only_different_approvers_of_the_key_who_are_registered_count() {
    let world = World::new();
    let [ada, ben, eva, max]: [FileKey; 4] = owned(&world, &PEOPLE).try_into().ok().unwrap();
    made(&world, b"key");
    guard(&world, &key(&world, b"key"), &["decrypt"]);
    let asked = Asked::of(&world, "key");
    assert_eq!(
        (asked.request.needed, asked.request.role.as_str()),
        (2, "approvers of the key (Ada, Ben, Eva)")
    );
    let refused = |asked: &Asked<'_>, by: &[&FileKey], says: &str| {
        let approvals: Vec<_> = by.iter().map(|key| asked.signed(key)).collect();
        let why = asked.used(&approvals).unwrap_err().to_string();
        assert!(why.contains(says), "{why}");
    };
    refused(&asked, &[], "needs the approval of 2 approvers of the key (Ada, Ben, Eva): make a request");
    refused(&asked, &[&ada], "and 1 approved it");
    refused(&asked, &[&ada, &ada], "Ada approved it twice");
    // He is security officer of the HSM, and has no say about this key.
    refused(&asked, &[&ada, &max], "Max is no approver of this key");
    let mut forged = asked.signed(&ben);
    forged.ukey = *eva.public().id().as_bytes();
    assert!(asked.used(&[asked.signed(&ada), forged]).unwrap_err().to_string().contains("signature"));
    let held = Held { role: Role::HsmSo, partition: None };
    world.hsm.people().remove("Ben", held).unwrap();
    refused(&asked, &[&ada, &ben], "nobody is registered with this UKey");
    let other = Asked::of(&world, "another key");
    let approvals = [other.signed(&ada), other.signed(&eva)];
    assert!(asked.used(&approvals).unwrap_err().to_string().contains("it is about another key"));
    asked.used(&[asked.signed(&ada), asked.signed(&eva)]).unwrap();
    refused(&asked, &[&ada, &eva], "it has been used already");
}
