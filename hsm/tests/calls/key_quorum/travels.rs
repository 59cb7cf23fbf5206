//! The quorum of a key goes where the key goes: into backups, and into clones.

use backup::{DomainSecret, Opener, Recipients};
use crypto::Secret;
use hsm::backup::How;
use wire::SlotId;

use super::*;

fn secret() -> DomainSecret {
    DomainSecret { id: [3; 16], secret: Secret::new(vec![5; 32]) }
}

fn back_up(world: &World, slot: SlotId) -> Vec<u8> {
    let mut file = Vec::new();
    let partition = world.partition(slot);
    world.hsm.back_up(Some(&partition), &Recipients::Domain(secret()), &mut file, &BY).unwrap();
    file
}

fn restore(world: &World, file: &[u8]) {
    let how = How { replace: true, older: true, limit: 1 << 30, file: None, services: |_, _| None };
    world.hsm.restore(file, &Opener::Domain(secret()), how, &BY).unwrap();
}

#[test]
fn a_restore_brings_the_quorum_back_and_nothing_that_was_authorised() {
    let world = world();
    let without = back_up(&world, STANDARD);
    guard(&world, &key(&world, b"key"), &["decrypt"]);
    authorize(&world, &key(&world, b"key"), "decrypt", 5, Only::Any).unwrap();
    let with = back_up(&world, STANDARD);
    let refuses = |world: &World, why: &str| {
        let user = world.user(STANDARD);
        assert_eq!(decrypt(user.on(), labelled(&user, b"key")), Rv::FUNCTION_REJECTED, "{why}");
    };
    let elsewhere = World::clean();
    restore(&elsewhere, &with);
    refuses(&elsewhere, "on another HSM");
    refuses(&elsewhere.restart(), "there after a restart");
    restore(&world, &without);
    refuses(&world, "a backup from before does not take the quorum away");
    // What its own quorum took away is not brought back as it was before.
    world.hsm.people().remove_key_quorum(&key(&world, b"key"), Some(1)).unwrap();
    restore(&world, &with);
    let world = world.restart();
    let user = world.user(STANDARD);
    assert_eq!(decrypt(user.on(), labelled(&user, b"key")), Rv::OK);
}

#[test]
fn a_clone_is_under_the_quorum_of_its_key() {
    let (world, elsewhere) = (world(), World::new());
    let passphrase = || Secret::new(b"correct horse battery".to_vec());
    world.hsm.create_cloning_domain(false, &BY).unwrap();
    let mut domain = Vec::new();
    world.hsm.export_cloning_domain(&Recipients::Passphrase(passphrase()), &mut domain, &BY).unwrap();
    let opener = Opener::Passphrase(passphrase());
    elsewhere.hsm.import_cloning_domain(&domain[..], &opener, None, false, &BY).unwrap();
    // The key has taken a side, so that it may be cloned.
    let user = world.user(STANDARD);
    assert_eq!(rv(user.on().encrypt(mechanism(AES_ECB), labelled(&user, b"key"), &[0; 16])), Rv::OK);
    guard(&world, &key(&world, b"key"), &["decrypt"]);
    let mut file = Vec::new();
    world.hsm.export_keys(&world.partition(STANDARD), &["key".into()], &mut file, &BY).unwrap();
    let there = elsewhere.partition(STANDARD);
    elsewhere.hsm.import_keys(&there, file.as_slice(), None, &BY).unwrap();
    drop(there);
    let refuses = |world: &World| {
        let user = world.user(STANDARD);
        assert_eq!(decrypt(user.on(), labelled(&user, b"key")), Rv::FUNCTION_REJECTED);
    };
    refuses(&elsewhere);
    refuses(&elsewhere.restart());
}
