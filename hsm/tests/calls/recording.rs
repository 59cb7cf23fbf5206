//! What is recorded, and what does not happen if it cannot be.

use hsm::event::{Actor, Uses};
use hsm::object::Attr;
use hsm::vault::NotRecorded;
use wire::{ObjectHandle, Rv};

use crate::support::*;

fn refuse(world: &World) {
    *world.events.refuses.lock() = Some(NotRecorded::Full("test".into()));
}

fn encrypt(user: &User, key: ObjectHandle) -> Rv {
    rv(user.on().encrypt(mechanism(AES_ECB), key, &[0; 16]))
}

#[test]
fn what_cannot_be_recorded_does_not_happen() {
    let world = World::new();
    let user = world.user(STANDARD);
    let token = user.on().generate(&[(Attr::TOKEN, YES), (Attr::ENCRYPT, YES)]).unwrap();
    let own = user.on().generate(&[(Attr::ENCRYPT, YES)]).unwrap();
    refuse(&world);
    for key in [token, own] {
        assert_eq!(encrypt(&user, key), Rv::DEVICE_MEMORY);
        assert_eq!(rv(user.on().set(key, &[(Attr::ID, b"new")])), Rv::DEVICE_MEMORY);
    }
    for template in [&[][..], &[(Attr::TOKEN, YES)]] {
        assert_eq!(rv(user.on().generate(template)), Rv::DEVICE_MEMORY);
    }
    let other = world.app();
    let session = other.open(STANDARD, RW).unwrap();
    assert_eq!(rv(other.login(session, CKU_USER, PIN)), Rv::DEVICE_MEMORY);
    assert_eq!(world.partition(STANDARD).tries().user, 0, "a try that cannot be recorded is not made");
    // What makes room goes on to the last of it.
    assert_eq!(rv(user.on().destroy(token)), Rv::OK);
    *world.events.refuses.lock() = None;
    assert_eq!(encrypt(&user, own), Rv::OK);
    assert_eq!(world.partition(STANDARD).object_count(), 0);
    assert_eq!(rv(other.login(session, CKU_USER, PIN)), Rv::OK);
}

#[test]
fn each_use_is_one_event_with_key_and_mechanism() {
    let world = World::new();
    let user = world.user(STANDARD);
    let key = user.on().generate(&[(Attr::TOKEN, YES), (Attr::ENCRYPT, YES)]).unwrap();
    world.lines();
    assert_eq!(encrypt(&user, key), Rv::OK);
    let id = user.on().read(key, Attr::UNIQUE_ID).unwrap().unwrap();
    let lines = world.lines();
    let object = String::from_utf8(id).unwrap();
    let expected = ("user".into(), "encrypt".into(), Some(object), Some("CKM_AES_ECB".into()), Rv::OK);
    assert_eq!(lines, [expected] as [Line; 1]);
}

#[test]
fn a_partition_whose_uses_are_not_recorded_records_all_else() {
    let world = World::new();
    let partition = world.partition(STANDARD);
    assert_eq!(partition.uses(), Uses::Sampled);
    world.hsm.record_uses(&partition, Uses::None, &Actor::DAEMON).unwrap();
    let user = world.user(STANDARD);
    let key = user.on().generate(&[(Attr::TOKEN, YES), (Attr::ENCRYPT, YES)]).unwrap();
    world.recorded();
    assert_eq!(encrypt(&user, key), Rv::OK);
    user.on().destroy(key).unwrap();
    assert_eq!(world.recorded(), [("user", "destroy", Rv::OK)]);
    drop((user, partition));
    let world = world.restart();
    assert_eq!(world.partition(STANDARD).uses(), Uses::None, "the setting lasts");
    assert_eq!(world.partition(STRICT).uses(), Uses::Sampled);
}

#[test]
fn administration_of_partitions_is_recorded_with_who_and_what() {
    let world = World::new();
    world.recorded();
    let partition = world.partition(STANDARD);
    world.hsm.rename_partition(&partition, "other", &Actor::DAEMON).unwrap();
    assert!(world.hsm.rename_partition(&partition, "", &Actor::DAEMON).is_err());
    world.hsm.record_uses(&partition, Uses::All, &Actor::DAEMON).unwrap();
    world.hsm.delete_partition(&partition, &Actor::DAEMON).unwrap();
    let expected = [
        ("daemon", "rename the partition", Rv::OK),
        ("daemon", "rename the partition", Rv::ARGUMENTS_BAD),
        ("daemon", "set what is recorded", Rv::OK),
        ("daemon", "delete the partition", Rv::OK),
    ];
    assert_eq!(world.recorded(), expected);
}
