//! Key stores.

use dew::caller::Caller;
use dew::iam::{AccountId, ProjectId};
use dew::kms::spec::Spec;
use dew::kms::{
    Key, KeyStore, KmsError, NewAccessPoint, NewGrant, NewKey, NewKeyStore, Origin, Owner, Page, PointKind,
    StoreKind,
};
use hsm::event::Actor;
use hsm::service::{Deed, Kind, Read, Write};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::support::{World, code, new};

fn store(world: &World, by: &Caller, name: &str) -> Result<String, KmsError> {
    let new = NewKeyStore { name, kind: StoreKind::Default, hsm_cluster: "", cluster: "" };
    Ok(world.kms.create_key_store(by, new)?.id.to_string())
}

#[test]
fn the_keys_of_a_store_are_in_a_partition_of_its_own_and_are_used_while_it_is_enabled() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let outside = world.key(&root, new("outside", Spec::Aes256));
    let id = store(&world, &root, "vault").unwrap();
    assert_eq!(code(store(&world, &root, "vault")), "KMS.0318");
    assert_eq!(code(store(&world, &root, "a b")), "KMS.1101");
    let key = world.kms.create_key_in(&root, Some(&id), new("inside", Spec::Aes256)).unwrap();
    let shown = world.kms.show_key_store(&root, &id).unwrap();
    assert_eq!(key.slot, shown.slot);
    assert_ne!(key.slot, world.kms.describe_key(&root, &outside).unwrap().slot);
    let key = key.id.to_string();
    let cipher = world.encrypt(&root, &key, "kept").unwrap();

    world.kms.enable_key_store(&root, &id, false).unwrap();
    let world = world.again();
    assert_eq!(code(world.decrypt(&root, &cipher)), "KMS.0317");
    assert_eq!(code(world.encrypt(&root, &key, "x")), "KMS.0317");
    assert!(world.encrypt(&root, &outside, "x").is_ok());
    assert!(world.kms.describe_key(&root, &key).is_ok());
    let refused = world.kms.create_key_in(&root, Some(&id), new("late", Spec::Aes256));
    assert_eq!(code(refused), "KMS.0317");
    // Suspended in the HSM itself: not only this door is closed.
    let partition = world.hsm.partition_of_slot(shown.slot).unwrap();
    let objects = world.hsm.objects(&partition, 0, 10);
    let suspended = |object: &hsm::object::Object| object.flag(hsm::object::Attr::SUSPENDED);
    assert!(!objects.is_empty() && objects.iter().all(|object| suspended(object)));

    world.kms.disable_key(&root, &key).unwrap();
    assert_eq!(code(world.kms.enable_key(&root, &key)), "KMS.0317");
    world.kms.enable_key_store(&root, &id, true).unwrap();
    assert_eq!(code(world.decrypt(&root, &cipher)), "KMS.0209", "it is disabled itself");
    let objects = world.hsm.objects(&world.hsm.partition_of_slot(shown.slot).unwrap(), 0, 10);
    assert!(objects.iter().all(|object| suspended(object)), "through every door");
    world.kms.enable_key(&root, &key).unwrap();
    assert_eq!(world.decrypt(&root, &cipher).unwrap(), "kept");

    // What is not done with keys of a store.
    assert_eq!(code(world.kms.enable_rotation(&root, &key)), "KMS.0338");
    let external = NewKey { origin: Origin::External, ..new("external", Spec::Aes256) };
    assert_eq!(code(world.kms.create_key_in(&root, Some(&id), external)), "KMS.0339");
    // A store goes when it is empty, and with it its partition.
    assert_eq!(code(world.kms.delete_key_store(&root, &id)), "KMS.0308");
    let empty = store(&world, &root, "empty").unwrap();
    let slot = world.kms.show_key_store(&root, &empty).unwrap().slot;
    world.kms.delete_key_store(&root, &empty).unwrap();
    assert!(world.hsm.partition_of_slot(slot).is_none());
    assert_eq!(code(world.kms.show_key_store(&root, &empty)), "KMS.0316");
    assert_eq!(world.again().kms.list_key_stores(&root).unwrap().len(), 1);
}

#[test]
fn a_store_is_its_projects_own() {
    let world = World::new();
    let (ours, theirs) = (world.account("ours"), world.account("theirs"));
    let (root, stranger) = (world.root(&ours), world.root(&theirs));
    let id = store(&world, &root, "vault").unwrap();
    assert_eq!(code(world.kms.show_key_store(&stranger, &id)), "KMS.0316");
    assert_eq!(code(world.kms.enable_key_store(&stranger, &id, false)), "KMS.0316");
    assert_eq!(code(world.kms.delete_key_store(&stranger, &id)), "KMS.0316");
    let refused = world.kms.create_key_in(&stranger, Some(&id), new("k", Spec::Aes256));
    assert_eq!(code(refused), "KMS.0316");
    assert!(world.kms.list_key_stores(&stranger).unwrap().is_empty());
}

#[test]
fn a_store_goes_with_its_partition_and_all_that_is_of_it_or_not_at_all() {
    for commits in 0..4 {
        let world = World::new();
        let account = world.account("acme");
        let root = world.root(&account);
        world.key(&root, new("outside", Spec::Aes256));
        world.fail_after(commits);
        let made = store(&world, &root, "vault");
        let world = world.again();
        let root = world.root(&account);
        let partitions = world.hsm.partitions().len() - 1;
        assert_eq!(world.kms.list_key_stores(&root).unwrap().len(), partitions, "after {commits}");
        assert_eq!(partitions, usize::from(made.is_ok()), "after {commits}");
        let Ok(id) = made else { continue };

        let point = NewAccessPoint {
            keyspace: &id,
            name: "point",
            kind: PointKind::Custom,
            identity: None,
            cluster: None,
            description: "",
        };
        world.kms.create_access_point(&root, point).unwrap();
        world.kms.create_key_policy(&root, &id, "policy", r#"{"version":"1.0"}"#, "").unwrap();
        world.fail_after(commits - 1);
        let gone = world.kms.delete_key_store(&root, &id).is_ok();
        let world = world.again();
        let (own, left) =
            (world.hsm.partition_named(&account.made.project.to_string()).unwrap(), usize::from(!gone));
        assert_eq!(world.hsm.partitions().len() - 1, left, "after {commits}");
        assert_eq!(world.hsm.service_records(Kind::KmsStore).unwrap().len(), left, "after {commits}");
        for kind in [Kind::KmsAccessPoint, Kind::KmsPolicy] {
            assert_eq!(world.hsm.service_records_in(&own, kind).unwrap().len(), left, "after {commits}");
        }
    }
}

/// A record of the KMS, with another slot in it.
fn moved<T: Serialize + DeserializeOwned>(kind: Kind, read: Read, to: impl FnOnce(&mut T)) -> Write {
    let (number, version, bytes) = read;
    let (form, fields) = bytes.as_bytes().split_first().unwrap();
    let mut value = postcard::from_bytes(fields).unwrap();
    to(&mut value);
    let bytes = [vec![*form], postcard::to_allocvec(&value).unwrap()].concat();
    Write { kind, number, was: Some(version), value: Some(bytes) }
}

#[test]
fn what_is_in_a_partition_is_found_whichever_slot_it_has_since_it_was_restored() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let id = store(&world, &root, "vault").unwrap();
    let key = world.kms.create_key_in(&root, Some(&id), new("inside", Spec::Aes256)).unwrap();
    let outside = world.key(&root, new("outside", Spec::Aes256));
    let cipher = world.encrypt(&root, &key.id.to_string(), "kept").unwrap();
    let operations = ["encrypt-data".to_owned()];
    let user = root.identity.id();
    let grant =
        NewGrant { grantee: &user, kind: None, operations: &operations, name: None, retiring: Some(&user) };
    world.kms.create_grant(&root, &outside, grant).unwrap();
    // What the KMS knows is where all was before: the project's where the store is, and the store's where nothing is.
    let own = world.hsm.partition_named(&account.made.project.to_string()).unwrap();
    let records = |kind| world.hsm.service_records(kind).unwrap();
    let stores = records(Kind::KmsStore).into_iter();
    let stores = stores.map(|read| moved(Kind::KmsStore, read, |store: &mut KeyStore| store.slot = 77));
    let homes = records(Kind::Kms).into_iter();
    let homes = homes.map(|read| {
        moved(Kind::Kms, read, |(_, _, slot, _): &mut (ProjectId, AccountId, u64, String)| *slot = key.slot)
    });
    let deed = Deed { by: Actor::DAEMON, action: "restore", details: &[] };
    world.hsm.service_commit(stores.chain(homes).collect(), &[], &[deed]).unwrap();
    let keys = world.hsm.service_records_in(&own, Kind::KmsKey).unwrap().into_iter();
    let keys = keys.map(|read| moved(Kind::KmsKey, read, |key: &mut Key| key.slot = 77));
    world.hsm.service_keep(&own, keys.collect()).unwrap();

    let world = world.again();
    assert_eq!(world.kms.list_retirable_grants(&root, &Page::default()).unwrap().total, 1);
    assert_eq!(world.decrypt(&root, &cipher).unwrap(), "kept");
    assert!(world.encrypt(&root, &outside, "x").is_ok());
    assert_eq!(world.kms.show_key_store(&root, &id).unwrap().slot, key.slot);
    world.kms.create_key_in(&root, Some(&id), new("more", Spec::Aes256)).unwrap();
    store(&world, &root, "another").unwrap();
}

#[test]
fn the_partitions_of_a_project_and_its_stores_may_be_called_something_else() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let id = store(&world, &root, "vault").unwrap();
    let inside =
        world.kms.create_key_in(&root, Some(&id), new("inside", Spec::Aes256)).unwrap().id.to_string();
    let outside = world.key(&root, new("outside", Spec::Aes256));
    let owner = |key: &str| {
        let slot = world.kms.describe_key(&root, key).unwrap().slot;
        world.kms.owner_of(&world.hsm.partition_of_slot(slot).unwrap())
    };
    assert_eq!(owner(&outside), Some(Owner::Project(account.made.project)));
    assert_eq!(owner(&inside), Some(Owner::KeyStore(id.parse().unwrap())));
    let ciphers = [&inside, &outside].map(|key| world.encrypt(&root, key, "kept").unwrap());
    for (number, partition) in world.hsm.partitions().iter().enumerate() {
        world.hsm.rename_partition(partition, &format!("renamed {number}"), &Actor::DAEMON).unwrap();
    }
    let world = world.again();
    let root = world.root(&account);
    for cipher in &ciphers {
        assert_eq!(world.decrypt(&root, cipher).unwrap(), "kept");
    }
    let late = store(&world, &root, "late").unwrap();
    world.kms.delete_key_store(&root, &late).unwrap();
}

/// Where a partition was that is gone, a restore may have put another.
#[test]
fn keys_of_a_store_that_is_lost_are_looked_for_nowhere_else() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let id = store(&world, &root, "vault").unwrap();
    let key = world.kms.create_key_in(&root, Some(&id), new("inside", Spec::Aes256)).unwrap();
    let partition = world.hsm.partition_of_slot(key.slot).unwrap();
    world.hsm.delete_partition(&partition, &Actor::DAEMON).unwrap();
    let world = world.again();
    let root = world.root(&account);
    let lost = world.kms.describe_key(&root, &key.id.to_string()).unwrap();
    assert_ne!(lost.slot, key.slot);
    assert!(world.hsm.partition_of_slot(lost.slot).is_none());
}
