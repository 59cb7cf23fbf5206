//! Partitions that are zeroized: what was in them is gone, and nothing else is the worse for it.

use dew::caller::Caller;
use dew::iam::EnterpriseProjectId;
use dew::kms::spec::Spec;
use dew::kms::{NewKeyStore, Page, Replica, Search, StoreKind};
use dew::tag::Tags;
use hsm::event::Actor;

use crate::support::{World, code, new};

/// Zeroizes the partition of a slot, as somebody does at the console.
fn zeroize(world: &World, slot: u64) {
    let partition = world.hsm.partition_of_slot(slot).unwrap();
    world.hsm.zeroize_partition(&partition, &Actor::DAEMON).unwrap();
    world.kms.forget_partition(&partition.serial());
}

fn replica<'a>(region: &'a str, at: &Caller) -> Replica<'a> {
    Replica {
        region,
        project: at.project.unwrap(),
        name: "key",
        description: "",
        enterprise_project: EnterpriseProjectId::DEFAULT,
        tags: Tags::default(),
    }
}

fn names(world: &World, caller: &Caller) -> Vec<String> {
    let found = world.kms.list_keys(caller, &Search::default(), &Page::default()).unwrap();
    found.items.iter().map(|key| key.name.clone()).collect()
}

#[test]
fn a_project_whose_partition_was_zeroized_has_no_keys_and_takes_new_ones() {
    for restarts in [false, true] {
        let world = World::new();
        let (ours, other) = (world.account("ours"), world.account("other"));
        let (root, neighbour) = (world.root(&ours), world.root(&other));
        let theirs = world.key(&neighbour, new("theirs", Spec::Aes256));
        let old = world.kms.create_key(&root, new("old", Spec::Aes256)).unwrap();
        let cipher = world.encrypt(&root, &old.id.to_string(), "x").unwrap();
        zeroize(&world, old.slot);
        let world = if restarts { world.again() } else { world };
        assert!(names(&world, &root).is_empty());
        assert_eq!(code(world.kms.describe_key(&root, &old.id.to_string())), "KMS.0207");
        assert_eq!(code(world.decrypt(&root, &cipher)), "KMS.0207");
        assert_eq!(world.kms.custom_keys(&root).unwrap(), 0);
        // What looks at all projects goes on.
        assert!(world.kms.breaches(None, 10).is_ok());
        world.run_due();

        let new = world.key(&root, new("old", Spec::Aes256));
        let cipher = world.encrypt(&root, &new, "kept").unwrap();
        let world = world.again();
        assert_eq!(names(&world, &root), ["old"]);
        assert_eq!(world.decrypt(&root, &cipher).unwrap(), "kept");
        assert_eq!(world.encrypt(&neighbour, &theirs, "x").map(drop).ok(), Some(()));
        assert_eq!(world.hsm.partitions().len(), 2);
    }
}

#[test]
fn a_key_whose_store_was_zeroized_is_deleted_all_the_same() {
    for restarts in [false, true] {
        let world = World::new();
        let root = world.root(&world.account("acme"));
        let store = NewKeyStore { name: "vault", kind: StoreKind::Default, hsm_cluster: "", cluster: "" };
        let store = world.kms.create_key_store(&root, store).unwrap();
        let inside = world.kms.create_key_in(&root, Some(&store.id.to_string()), new("in", Spec::EcP256));
        let inside = inside.unwrap().id.to_string();
        zeroize(&world, store.slot);
        let world = if restarts { world.again() } else { world };
        assert!(world.kms.list_key_stores(&root).unwrap().is_empty());
        assert_eq!(code(world.kms.public_key(&root, &inside)), "KMS.0317");
        world.kms.schedule_deletion(&root, &inside, 7).unwrap();
        world.pass_days(7);
        assert_eq!(world.run_due(), 1);
        assert!(names(&world, &root).is_empty());
    }
}

#[test]
fn a_key_goes_from_its_regions_whatever_became_of_one_of_them() {
    let world = World::new();
    let account = world.account("acme");
    let iam = world.kms.iam().by(Actor::DAEMON);
    let [two, three] = ["local-2", "local-3"].map(|region| {
        let project = iam.create_region_project(account.made.account.id, region).unwrap().id;
        world.caller(&account, project)
    });
    let one = world.root(&account);
    let key = world.key(&one, new("key", Spec::Aes256));
    let to = |region, at: &Caller| world.kms.replicate_key(&one, &key, &replica(region, at)).map(drop);
    to("local-2", &two).unwrap();
    to("local-3", &three).unwrap();
    let slot = |at: &Caller| world.kms.describe_key(at, &key).unwrap().slot;
    zeroize(&world, slot(&three));
    world.kms.schedule_deletion(&two, &key, 7).unwrap();
    assert_eq!(code(world.kms.schedule_deletion(&one, &key, 7)), "KMS.0308", "one replica is there yet");
    world.pass_days(7);
    assert_eq!(world.run_due(), 1);
    // It goes there again, where it was lost.
    to("local-3", &three).unwrap();
    zeroize(&world, slot(&three));
    world.kms.schedule_deletion(&one, &key, 7).unwrap();
    world.pass_days(7);
    assert_eq!(world.run_due(), 1);
    assert_eq!(code(world.kms.describe_key(&one, &key)), "KMS.0207");
    // Where the primary one is lost, another takes its place.
    let key = world.key(&one, new("next", Spec::Aes256));
    let to = |from: &Caller, region, at: &Caller| {
        world.kms.replicate_key(from, &key, &Replica { name: "next", ..replica(region, at) }).map(drop)
    };
    to(&one, "local-2", &two).unwrap();
    assert_eq!(code(world.kms.update_primary_region(&two, &key, "local-2")), "KMS.0106");
    zeroize(&world, world.kms.describe_key(&one, &key).unwrap().slot);
    assert_eq!(code(to(&two, "local-3", &three)), "KMS.0106");
    world.kms.update_primary_region(&two, &key, "local-2").unwrap();
    to(&two, "local-3", &three).unwrap();
    assert_eq!(code(world.kms.update_primary_region(&two, &key, "local-2")), "KMS.0308");
    world.kms.update_primary_region(&two, &key, "local-3").unwrap();
}
