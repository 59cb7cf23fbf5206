//! What a service does at its desk on a partition: all of it or nothing, recorded of each object, and beside what
//! applications do there meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hsm::object::Attr;
use hsm::store::StoreError;
use hsm::store::memory::Fault;
use hsm::{Desk, Guest, Revision, Work};
use wire::Rv;
use wire::calls::decrypt::{DecryptCalls, DecryptInit, DecryptUpdate};
use wire::calls::digest::{DigestCalls, DigestInit, DigestKey};
use wire::calls::session::{SessionCalls, SessionCancel};

use crate::support::*;

fn desk(world: &World) -> Desk {
    world.hsm.desk(STANDARD.0, Guest { name: "acme".into(), id: "1".into() }).unwrap()
}

/// A secret key of this value, as a template.
fn known<'a>(value: &'a [u8], more: &[(Attr, &'a [u8])]) -> wire::Template {
    let mut given = vec![(Attr::CLASS, SECRET_KEY), (Attr::KEY_TYPE, AES), (Attr::VALUE, value)];
    given.push((Attr::TOKEN, YES));
    given.extend(more);
    template(&given)
}

/// Of which objects an action was recorded since the last call.
fn recorded(world: &World, action: &str) -> Vec<Option<String>> {
    let lines = world.lines().into_iter().filter(|(_, did, .., rv)| did == action && *rv == Rv::OK);
    lines.map(|(_, _, object, ..)| object).collect()
}

#[test]
fn each_object_of_a_work_is_recorded_and_a_work_without_any_once() {
    let world = World::new();
    let desk = desk(&world);
    let two = desk.bring(&[known(&[1; 16], &[]), known(&[2; 16], &[])]).unwrap();
    let numbers = two.numbers();
    world.recorded();
    desk.commit(Work { action: "make", add: vec![two], ..Work::default() }).unwrap();
    let user = world.user(STANDARD);
    let id = |value: &[u8]| {
        let object = user.on().find(&[(Attr::TOKEN, YES)]).into_iter().find(|object| {
            user.on().encrypt(mechanism(AES_ECB), *object, &[0; 16]).unwrap()
                == user
                    .on()
                    .encrypt(mechanism(AES_ECB), user.on().known(value, &[]).unwrap(), &[0; 16])
                    .unwrap()
        });
        String::from_utf8(user.on().read(object.unwrap(), Attr::UNIQUE_ID).unwrap().unwrap()).unwrap()
    };
    assert_eq!(numbers.len(), 2);
    let made = recorded(&world, "make");
    let ids = [Some(id(&[1; 16])), Some(id(&[2; 16]))];
    assert_eq!(made, ids);
    world.recorded();
    let revise = numbers.iter().map(|number| (*number, Revision::Suspended(true))).collect();
    desk.commit(Work { action: "suspend", revise, ..Work::default() }).unwrap();
    assert_eq!(recorded(&world, "suspend"), ids);
    // One that is gone already is no error, and nothing of it is recorded.
    let remove = numbers.iter().copied().chain([999]).collect();
    desk.commit(Work { action: "destroy", remove, ..Work::default() }).unwrap();
    assert_eq!(recorded(&world, "destroy"), ids);
    desk.commit(Work { action: "nothing", ..Work::default() }).unwrap();
    assert_eq!(recorded(&world, "nothing"), [None]);
}

#[test]
fn a_new_key_takes_the_roles_that_it_is_for_with_its_making_unless_they_exclude_each_other() {
    let world = World::new();
    let desk = desk(&world);
    let user = world.user(STANDARD);
    let target = user.on().generate(&[(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, YES)]).unwrap();
    let both = [(Attr::ENCRYPT, YES), (Attr::DECRYPT, YES), (Attr::UNWRAP, NO), (Attr::DERIVE, NO)];
    for (id, wrap, writes) in [([1], NO, 0), ([2], YES, 1)] {
        let given = [&both[..], &[(Attr::WRAP, wrap), (Attr::ID, &id)]].concat();
        let key = desk.generate(&mechanism(AES_KEY_GEN), &template(&aes(&given))).unwrap();
        desk.commit(Work { action: "make", add: vec![key], ..Work::default() }).unwrap();
        let key = user.on().find(&[(Attr::ID, &id)])[0];
        let before = world.store.revision();
        user.on().encrypt(mechanism(AES_ECB), key, &[0; 16]).unwrap();
        user.on().encrypt(mechanism(AES_ECB), key, &[0; 16]).unwrap();
        assert_eq!(world.store.revision() - before, writes, "commits for {given:?}");
        // Whatever its attributes come to say.
        user.on().set(key, &[(Attr::WRAP, YES)]).ok();
        assert_eq!(rv(user.on().wrap(key, target)), Rv::KEY_FUNCTION_NOT_PERMITTED);
    }
}

#[test]
fn a_key_that_is_brought_keeps_its_history_and_takes_nothing_from_who_has_it() {
    let world = World::new();
    let user = world.user(STANDARD);
    let wraps = [(Attr::TOKEN, YES), (Attr::WRAP, YES)];
    let theirs = user.on().known(&[1; 16], &wraps).unwrap();
    let target = user.on().generate(&[(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)]).unwrap();
    user.on().wrap(theirs, target).unwrap();

    // The same key, for other uses: the first use has decided.
    let desk = desk(&world);
    let meant = [
        (Attr::ENCRYPT, YES),
        (Attr::DECRYPT, YES),
        (Attr::WRAP, NO),
        (Attr::UNWRAP, NO),
        (Attr::DERIVE, NO),
        (Attr::ID, &[7]),
    ];
    let brought = desk.bring(&[known(&[1; 16], &meant)]).unwrap();
    let number = brought.numbers()[0];
    desk.commit(Work { action: "make", add: vec![brought], ..Work::default() }).unwrap();
    let ours = user.on().find(&[(Attr::ID, &[7])])[0];
    assert_eq!(rv(user.on().encrypt(mechanism(AES_ECB), ours, &[0; 16])), Rv::KEY_FUNCTION_NOT_PERMITTED);
    user.on().wrap(theirs, target).unwrap();

    // As on another partition, where a copy of it comes to.
    let other = world.hsm.desk(STRICT.0, Guest { name: "acme".into(), id: "1".into() }).unwrap();
    let copy = other.copies(&desk, &[number]).unwrap();
    other.commit(Work { action: "copy", add: vec![copy], ..Work::default() }).unwrap();
    let there = world.user(STRICT);
    let copy = there.on().find(&[(Attr::ID, &[7])])[0];
    assert_eq!(rv(there.on().encrypt(mechanism(AES_ECB), copy, &[0; 16])), Rv::KEY_FUNCTION_NOT_PERMITTED);
}

#[test]
fn a_key_that_is_suspended_is_digested_no_more_than_used() {
    let world = World::new();
    let desk = desk(&world);
    let open = [(Attr::SENSITIVE, NO), (Attr::EXTRACTABLE, YES)];
    let key = desk.bring(&[known(&[1; 16], &open)]).unwrap();
    let number = key.numbers()[0];
    desk.commit(Work { action: "make", add: vec![key], ..Work::default() }).unwrap();
    let user = world.user(STANDARD);
    let (session, key) = (user.session, user.on().find(&[(Attr::TOKEN, YES)])[0]);
    for (suspended, digested, used) in [
        (false, Rv::OK, Rv::OK),
        (true, Rv::KEY_INDIGESTIBLE, Rv::KEY_FUNCTION_NOT_PERMITTED),
        (false, Rv::OK, Rv::OK),
    ] {
        let revise = vec![(number, Revision::Suspended(suspended))];
        desk.commit(Work { action: "revise", revise, ..Work::default() }).unwrap();
        user.app.digest_init(DigestInit { session, mechanism: Some(mechanism(SHA256)) }).unwrap();
        assert_eq!(rv(user.app.digest_key(DigestKey { session, key })), digested);
        user.app.session_cancel(SessionCancel { session, flags: 0x400 }).unwrap();
        assert_eq!(rv(user.on().encrypt(mechanism(AES_ECB), key, &[0; 16])), used);
    }
}

#[test]
fn what_was_begun_with_a_key_ends_when_it_is_suspended_or_goes() {
    let world = World::new();
    let desk = desk(&world);
    let keys = desk.bring(&[known(&[1; 16], &[]), known(&[2; 16], &[])]).unwrap();
    let numbers = keys.numbers();
    desk.commit(Work { action: "make", add: vec![keys], ..Work::default() }).unwrap();
    let user = world.user(STANDARD);
    let session = user.session;
    let objects = user.on().find(&[(Attr::TOKEN, YES)]);
    let begin = |key| {
        let mechanism = Some(mechanism(AES_ECB));
        user.app.decrypt_init(DecryptInit { session, mechanism, key }).unwrap();
    };
    let goes_on = || {
        let data = wire::Slice(&[0; 16]);
        rv(user.app.decrypt_update(DecryptUpdate { session, data, room: ROOM }))
    };
    begin(objects[0]);
    let other = vec![(numbers[1], Revision::Suspended(true)), (numbers[0], Revision::Label("new".into()))];
    desk.commit(Work { action: "revise", revise: other, ..Work::default() }).unwrap();
    assert_eq!(goes_on(), Rv::OK);
    let revise = vec![(numbers[0], Revision::Suspended(true)), (numbers[1], Revision::Suspended(false))];
    desk.commit(Work { action: "revise", revise, ..Work::default() }).unwrap();
    assert_eq!(goes_on(), Rv::OPERATION_NOT_INITIALIZED);
    begin(objects[1]);
    desk.commit(Work { action: "destroy", remove: vec![numbers[1]], ..Work::default() }).unwrap();
    assert_eq!(goes_on(), Rv::OPERATION_NOT_INITIALIZED);
}

#[test]
fn a_key_that_is_suspended_does_not_leave_and_its_copy_is_suspended_too() {
    let world = World::new();
    let desk = desk(&world);
    let key = desk.bring(&[known(&[1; 16], &[(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)])]).unwrap();
    let revise = vec![(key.numbers()[0], Revision::Suspended(true))];
    desk.commit(Work { action: "make", add: vec![key], ..Work::default() }).unwrap();
    let user = world.user(STANDARD);
    let key = user.on().find(&[(Attr::TOKEN, YES)])[0];
    let wrapping = user.on().generate(&[(Attr::WRAP, YES)]).unwrap();
    user.on().wrap(wrapping, key).unwrap();
    desk.commit(Work { action: "suspend", revise, ..Work::default() }).unwrap();
    assert_eq!(rv(user.on().wrap(wrapping, key)), Rv::KEY_FUNCTION_NOT_PERMITTED);
    let copy = user.on().copy(key, &[(Attr::TOKEN, NO)]).unwrap();
    let used = user.on().encrypt(mechanism(AES_ECB), copy, &[0; 16]);
    assert_eq!(rv(used), Rv::KEY_FUNCTION_NOT_PERMITTED);
}

/// Ends the other thread also where this one fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_an_application_changes_is_not_undone_by_a_revision_at_the_same_time() {
    let world = World::new();
    let desk = desk(&world);
    let key = desk.bring(&[known(&[1; 16], &[])]).unwrap();
    let number = key.numbers()[0];
    desk.commit(Work { action: "make", add: vec![key], ..Work::default() }).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let revise = vec![(number, Revision::Label("revised".into()))];
                desk.commit(Work { action: "label", revise, ..Work::default() }).unwrap();
            }
        });
        let stop_at_end = Stop(&stop);
        let user = world.user(STANDARD);
        let object = user.on().find(&[(Attr::TOKEN, YES)])[0];
        let kept = (0..2000u32).all(|id| {
            user.on().set(object, &[(Attr::ID, &id.to_le_bytes())]).unwrap();
            thread::yield_now();
            user.on().read(object, Attr::ID).unwrap().unwrap() == id.to_le_bytes()
        });
        drop(stop_at_end);
        assert!(kept);
    });
}

#[test]
fn what_a_key_is_used_for_while_its_object_comes_is_remembered() {
    let world = World::new();
    let value = [1; 16];
    let roles = [(Attr::WRAP, YES), (Attr::DECRYPT, YES), (Attr::LABEL, b"kept")];
    {
        let (desk, user) = (desk(&world), world.user(STANDARD));
        let fresh = desk.bring(&[known(&value, &roles)]).unwrap();
        let own = user.on().known(&value, &roles).unwrap();
        *world.events.meanwhile.lock() = Some(Box::new(move || {
            assert_eq!(rv(user.on().decrypt(mechanism(AES_ECB), own, &[0; 16])), Rv::OK);
        }));
        desk.commit(Work { action: "make", add: vec![fresh], ..Work::default() }).unwrap();
        assert!(world.events.meanwhile.lock().is_none());
    }
    let world = world.restart();
    let user = world.user(STANDARD);
    let kept = user.on().find(&[(Attr::LABEL, b"kept")])[0];
    let target = user.on().generate(&[(Attr::EXTRACTABLE, YES)]).unwrap();
    assert_eq!(rv(user.on().wrap(kept, target)), Rv::KEY_FUNCTION_NOT_PERMITTED);
}

#[test]
fn what_was_done_is_shown_though_the_use_of_its_key_cannot_be_written_before_the_next() {
    let world = World::new();
    let roles = [(Attr::WRAP, YES), (Attr::DECRYPT, YES), (Attr::LABEL, b"kept")];
    {
        let (desk, user) = (desk(&world), world.user(STANDARD));
        let old = desk.bring(&[known(&[2; 16], &[(Attr::LABEL, b"old")])]).unwrap();
        let remove = old.numbers();
        desk.commit(Work { action: "make", add: vec![old], ..Work::default() }).unwrap();
        let fresh = desk.bring(&[known(&[1; 16], &roles)]).unwrap();
        let own = user.on().known(&[1; 16], &roles).unwrap();
        let store = Arc::clone(&world.store);
        *world.events.meanwhile.lock() = Some(Box::new(move || {
            assert_eq!(rv(user.on().decrypt(mechanism(AES_ECB), own, &[0; 16])), Rv::OK);
            store.inject(Fault::FailsAfter(1, StoreError::Full("no space".into())));
        }));
        desk.commit(Work { action: "replace", add: vec![fresh], remove, ..Work::default() }).unwrap();
        world.store.inject(Fault::None);
        let user = world.user(STANDARD);
        assert!(user.on().find(&[(Attr::LABEL, b"old")]).is_empty());
        let kept = user.on().find(&[(Attr::LABEL, b"kept")])[0];
        assert_eq!(rv(user.on().decrypt(mechanism(AES_ECB), kept, &[0; 16])), Rv::OK);
    }
    let world = world.restart();
    let user = world.user(STANDARD);
    let kept = user.on().find(&[(Attr::LABEL, b"kept")])[0];
    let target = user.on().generate(&[(Attr::EXTRACTABLE, YES)]).unwrap();
    assert_eq!(rv(user.on().wrap(kept, target)), Rv::KEY_FUNCTION_NOT_PERMITTED);
}
