//! Keys in several regions.

use dew::caller::Caller;
use dew::iam::EnterpriseProjectId;
use dew::kms::spec::Spec;
use dew::kms::{DAY, Happened, NewKey, Origin, Replica};
use dew::tag::Tags;
use hsm::event::Actor;

use crate::support::{Account, START, World, code, import, new};

/// An account with projects in three regions, and its root user in each.
fn three_regions(world: &World) -> (Account, [Caller; 3]) {
    let account = world.account("acme");
    let iam = world.kms.iam().by(Actor::DAEMON);
    let second = iam.create_region_project(account.made.account.id, "local-2").unwrap();
    let third = iam.create_region_project(account.made.account.id, "local-3").unwrap();
    let callers = [account.made.project, second.id, third.id].map(|project| world.caller(&account, project));
    (account, callers)
}

fn replica<'a>(region: &'a str, at: &Caller, name: &'a str) -> Replica<'a> {
    Replica {
        region,
        project: at.project.unwrap(),
        name,
        description: "",
        enterprise_project: EnterpriseProjectId::DEFAULT,
        tags: Tags::default(),
    }
}

#[test]
fn a_key_in_several_regions_has_one_id_and_decrypts_in_each_what_another_encrypted() {
    let world = World::new();
    let (account, [one, two, three]) = three_regions(&world);
    assert_eq!(world.kms.regions(&one).unwrap(), ["local-1", "local-2", "local-3"]);
    for spec in [Spec::Aes256, Spec::EcP256] {
        let key = world.key(&one, new(spec.name(), spec));
        assert_eq!(code(world.kms.describe_key(&two, &key)), "KMS.0207");
        let there = world.kms.replicate_key(&one, &key, &replica("local-2", &two, spec.name())).unwrap();
        assert_eq!(there.id.to_string(), key);
        world.kms.replicate_key(&one, &key, &replica("local-3", &three, spec.name())).unwrap();
        assert_eq!(code(world.kms.replicate_key(&one, &key, &replica("local-2", &two, "again"))), "KMS.0308");
        assert_eq!(code(world.kms.replicate_key(&two, &key, &replica("local-1", &one, "back"))), "KMS.0106");
        for caller in [&one, &two, &three] {
            assert_eq!(
                world.kms.describe_key(caller, &key).unwrap().multi.as_ref().unwrap().regions.len(),
                3
            );
        }
    }
    let key =
        world.kms.describe_key(&one, &world.key(&one, new("more", Spec::Aes256))).unwrap().id.to_string();
    let before = world.encrypt(&one, &key, "before").unwrap();
    world.kms.rotate_now(&one, &key).unwrap();
    let after = world.encrypt(&one, &key, "after").unwrap();
    world.kms.replicate_key(&one, &key, &replica("local-2", &two, "more")).unwrap();
    assert_eq!(code(world.kms.rotate_now(&one, &key)), "KMS.0319");

    let world = world.again();
    let [one, two] = [&one, &two].map(|caller| world.caller(&account, caller.project.unwrap()));
    assert_eq!(world.decrypt(&two, &before).unwrap(), "before");
    assert_eq!(world.decrypt(&two, &after).unwrap(), "after");
    let from_there = world.encrypt(&two, &key, "there").unwrap();
    assert_eq!(world.decrypt(&one, &from_there).unwrap(), "there");
    world.kms.disable_key(&two, &key).unwrap();
    assert_eq!(code(world.decrypt(&two, &before)), "KMS.0209");
    assert_eq!(world.decrypt(&one, &before).unwrap(), "before", "each stands for itself");
}

#[test]
fn another_region_becomes_the_primary_one() {
    let world = World::new();
    let (_, [one, two, three]) = three_regions(&world);
    let key = world.key(&one, new("moves", Spec::Aes256));
    assert_eq!(code(world.kms.update_primary_region(&one, &key, "local-2")), "KMS.0308");
    world.kms.replicate_key(&one, &key, &replica("local-2", &two, "moves")).unwrap();
    assert_eq!(code(world.kms.update_primary_region(&one, &key, "local-3")), "KMS.0308");
    assert_eq!(code(world.kms.update_primary_region(&two, &key, "local-1")), "KMS.0106");
    world.kms.update_primary_region(&one, &key, "local-2").unwrap();
    for caller in [&one, &two] {
        assert_eq!(world.kms.describe_key(caller, &key).unwrap().multi.as_ref().unwrap().primary, "local-2");
    }
    world.kms.replicate_key(&two, &key, &replica("local-3", &three, "moves")).unwrap();
}

#[test]
fn a_key_goes_to_no_region_where_it_cannot_be() {
    let world = World::new();
    let (account, [one, two, _]) = three_regions(&world);
    let evil = world.account("evil");
    let other = world.root(&evil);
    let key = world.key(&one, new("stays", Spec::Aes256));
    world.key(&two, new("taken", Spec::Aes256));
    for (region, at, name, expected) in [
        ("local-1", &one, "same", "KMS.0308"),
        ("local-3", &two, "wrong-region", "KMS.0308"),
        ("local-1", &other, "not-mine", "KMS.0308"),
        ("local-2", &two, "taken", "KMS.1104"),
        ("local-2", &two, "a b", "KMS.1101"),
    ] {
        assert_eq!(code(world.kms.replicate_key(&one, &key, &replica(region, at, name))), expected, "{name}");
    }
    assert!(world.kms.describe_key(&one, &key).unwrap().multi.is_none());
    world.kms.enable_rotation(&one, &key).unwrap();
    assert_eq!(code(world.kms.replicate_key(&one, &key, &replica("local-2", &two, "rotates"))), "KMS.0308");
    world.kms.disable_rotation(&one, &key).unwrap();
    world.kms.replicate_key(&one, &key, &replica("local-2", &two, "rotates")).unwrap();
    let iam = world.kms.iam().by(Actor::DAEMON);
    let sibling =
        iam.create_project(account.made.account.id, two.project.unwrap(), "local-2_shop", "").unwrap();
    let sibling = world.caller(&account, sibling.id);
    let twice = world.kms.replicate_key(&one, &key, &replica("local-2", &sibling, "twice"));
    assert_eq!(code(twice), "KMS.0308");
    assert_eq!(code(world.kms.describe_key(&sibling, &key)), "KMS.0207");
    world.encrypt(&one, "csms/default", "x").unwrap();
    assert_eq!(
        code(world.kms.replicate_key(&one, "csms/default", &replica("local-2", &two, "d"))),
        "KMS.0211"
    );
}

/// Requirement: KMS-130
#[test]
fn a_primary_key_cannot_be_deleted_while_a_replica_is_there() {
    let world = World::new();
    let (_, [one, two, _]) = three_regions(&world);
    let key = world.key(&one, new("key", Spec::Aes256));
    world.kms.replicate_key(&one, &key, &replica("local-2", &two, "key")).unwrap();
    assert_eq!(code(world.kms.schedule_deletion(&one, &key, 7)), "KMS.0308");
    world.kms.schedule_deletion(&two, &key, 7).unwrap();
    assert_eq!(code(world.kms.schedule_deletion(&one, &key, 7)), "KMS.0308");
    world.pass_days(7);
    world.run_due();
    world.kms.schedule_deletion(&one, &key, 7).unwrap();
}

#[test]
fn a_key_is_gone_from_a_region_for_all_others_or_not_at_all() {
    for commits in 0..4 {
        let world = World::new();
        let (account, [one, two, three]) = three_regions(&world);
        let key = world.key(&one, new("key", Spec::Aes256));
        for (region, at) in [("local-2", &two), ("local-3", &three)] {
            world.kms.replicate_key(&one, &key, &replica(region, at, "key")).unwrap();
        }
        world.kms.schedule_deletion(&two, &key, 7).unwrap();
        world.kms.schedule_deletion(&three, &key, 7).unwrap();
        world.pass_days(7);
        world.fail_after(commits);
        world.kms.run_due();
        let world = world.again();
        world.run_due();
        world.kms.schedule_deletion(&world.caller(&account, one.project.unwrap()), &key, 7).unwrap();
    }
}

#[test]
fn all_regions_of_a_key_agree_on_which_they_are_whatever_happens_at_once() {
    for looks in 0.. {
        let world = World::new();
        let (_, [one, two, three]) = three_regions(&world);
        let key = world.key(&one, new("key", Spec::Aes256));
        world.kms.replicate_key(&one, &key, &replica("local-2", &two, "key")).unwrap();
        world.kms.schedule_deletion(&two, &key, 7).unwrap();
        world.pass_days(7);
        world.meanwhile(looks, |kms| assert!(kms.run_due().failed.is_empty()));
        world.kms.replicate_key(&one, &key, &replica("local-3", &three, "key")).unwrap();
        if !world.was_between() {
            assert!(looks > 5);
            break;
        }
        let regions = |at| world.kms.describe_key(at, &key).unwrap().multi.as_ref().unwrap().regions.clone();
        assert_eq!(regions(&one), regions(&three), "after {looks}");
        let names: Vec<_> = regions(&one).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["local-1", "local-3"], "after {looks}");
    }
}

#[test]
fn the_primary_region_is_not_moved_to_where_the_key_goes() {
    let world = World::new();
    let (_, [one, two, _]) = three_regions(&world);
    let key = world.key(&one, new("key", Spec::Aes256));
    world.kms.replicate_key(&one, &key, &replica("local-2", &two, "key")).unwrap();
    world.kms.schedule_deletion(&two, &key, 7).unwrap();
    assert_eq!(code(world.kms.update_primary_region(&one, &key, "local-2")), "KMS.0210");
    world.kms.cancel_deletion(&two, &key).unwrap();
    world.kms.update_primary_region(&one, &key, "local-2").unwrap();
}

#[test]
fn material_expires_in_a_region_whatever_became_of_the_others() {
    let world = World::new();
    let (account, [one, two, _]) = three_regions(&world);
    let key = world.key(&one, NewKey { origin: Origin::External, ..new("key", Spec::Aes256) });
    import(&world, &one, &key, &[7; 32], Some(START + DAY)).unwrap();
    world.kms.replicate_key(&one, &key, &replica("local-2", &two, "key")).unwrap();
    let other = world.kms.describe_key(&two, &key).unwrap().slot;
    world.hsm.delete_partition(&world.hsm.partition_of_slot(other).unwrap(), &Actor::DAEMON).unwrap();
    let world = world.again();
    world.pass(DAY);
    world.run_due();
    assert_eq!(world.told(), [Happened::Expired]);
    let one = world.caller(&account, one.project.unwrap());
    assert!(world.kms.describe_key(&one, &key).unwrap().versions.is_empty());
}
