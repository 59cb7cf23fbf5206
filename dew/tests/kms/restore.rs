//! What is here when a backup of the whole HSM comes back.

use backup::{DomainSecret, Opener, Recipients};
use dew::kms::spec::Spec;
use dew::kms::{NewKeyStore, StoreKind};
use hsm::backup::How;
use hsm::event::Actor;
use hsm::partition::NewPartition;
use hsm::policy::Profile;

use crate::support::{World, new};

fn domain() -> DomainSecret {
    DomainSecret { id: [3; 16], secret: crypto::Secret::new(vec![5; 32]) }
}

fn back_up(world: &World) -> Vec<u8> {
    let mut file = Vec::new();
    world.hsm.back_up(None, &Recipients::Domain(domain()), &mut file, &Actor::DAEMON).unwrap();
    file
}

/// Restores a file over what is here; tells why not.
fn restore(world: &World, file: &[u8]) -> Result<(), String> {
    let how = How { replace: true, older: true, limit: 1 << 30, file: None, services: dew::described };
    let restored = world.hsm.restore(file, &Opener::Domain(domain()), how, &Actor::DAEMON);
    restored.map(drop).map_err(|error| error.to_string())
}

#[test]
fn keys_of_a_project_and_a_store_that_came_since_an_older_backup_are_there_after_its_restore() {
    let world = World::new();
    let [early, late] = ["early", "late"].map(|name| world.root(&world.account(name)));
    let first = world.key(&early, new("first", Spec::Aes256));
    let closed = world.encrypt(&early, &first, "of before").unwrap();
    let file = back_up(&world);
    world.key(&early, new("lost", Spec::Aes256));
    let key = world.key(&late, new("late", Spec::Aes256));
    let since = world.encrypt(&late, &key, "of after").unwrap();
    let store = NewKeyStore { name: "vault", kind: StoreKind::Default, hsm_cluster: "", cluster: "" };
    let store = world.kms.create_key_store(&late, store).unwrap().id.to_string();
    let inside = world.kms.create_key_in(&late, Some(&store), new("inside", Spec::Aes256)).unwrap();
    let kept = world.encrypt(&late, &inside.id.to_string(), "in a store").unwrap();

    restore(&world, &file).unwrap();
    let world = world.again();
    assert_eq!(world.decrypt(&early, &closed).unwrap(), "of before");
    assert_eq!(world.decrypt(&late, &since).unwrap(), "of after");
    assert_eq!(world.decrypt(&late, &kept).unwrap(), "in a store");
    world.kms.create_key_in(&late, Some(&store), new("more", Spec::Aes256)).unwrap();
    world.key(&late, new("another", Spec::Aes256));
    world.key(&early, new("yet-another", Spec::Aes256));
}

#[test]
fn what_has_the_number_of_a_project_that_stays_is_refused() {
    let (there, here) = (World::new(), World::new());
    // The slot that the partition of the backup comes from is free here.
    let (label, profile) = ("first", Profile::Standard);
    let first = NewPartition { label, profile, so_pin: None, user_pin: None };
    let first = here.hsm.create_partition(&first, &Actor::DAEMON).unwrap();
    here.hsm.delete_partition(&first, &Actor::DAEMON).unwrap();
    for world in [&there, &here] {
        let root = world.root(&world.account("acme"));
        world.key(&root, new("one", Spec::Aes256));
    }
    let why = restore(&here, &back_up(&there)).unwrap_err();
    assert!(why.contains("the number that it has for partition"), "{why}");
}

#[test]
fn a_partition_that_was_zeroized_comes_back_even_if_its_project_got_another_one() {
    let world = World::new();
    let root = world.root(&world.account("acme"));
    let old = world.kms.create_key(&root, new("old", Spec::Aes256)).unwrap();
    let closed = world.encrypt(&root, &old.id.to_string(), "of before").unwrap();
    let file = {
        let (mut file, partition) = (Vec::new(), world.hsm.partition_of_slot(old.slot).unwrap());
        let to = Recipients::Domain(domain());
        world.hsm.back_up(Some(&partition), &to, &mut file, &Actor::DAEMON).unwrap();
        file
    };
    let zeroize = |slot| {
        let partition = world.hsm.partition_of_slot(slot).unwrap();
        world.hsm.zeroize_partition(&partition, &Actor::DAEMON).unwrap();
        world.kms.forget_partition(&partition.serial());
    };
    zeroize(old.slot);
    let key = world.kms.create_key(&root, new("new", Spec::Aes256)).unwrap();
    let since = world.encrypt(&root, &key.id.to_string(), "of after").unwrap();
    assert!(restore(&world, &file).is_err(), "there is another partition of this label");
    assert_eq!(world.decrypt(&root, &since).unwrap(), "of after");
    zeroize(key.slot);
    restore(&world, &file).unwrap();
    world.kms.reload().unwrap();
    assert_eq!(world.decrypt(&root, &closed).unwrap(), "of before");
    let world = world.again();
    assert_eq!(world.decrypt(&root, &closed).unwrap(), "of before");
    world.key(&root, new("new", Spec::Aes256));
    assert_eq!(world.hsm.partitions().len(), 1);
}
