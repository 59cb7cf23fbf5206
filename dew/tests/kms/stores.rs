//! Key stores.

use dew::caller::Caller;
use dew::kms::spec::Spec;
use dew::kms::{KmsError, NewKey, NewKeyStore, Origin, StoreKind};

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
