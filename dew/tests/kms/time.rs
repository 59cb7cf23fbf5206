//! What happens by itself, by a clock that goes by years.

use dew::caller::Caller;
use dew::iam::EnterpriseProjectId;
use dew::kms::spec::Spec;
use dew::kms::{Arrival, DAY, Happened, NewGrant, NewKey, Origin, Page, Replica, Search, State};
use dew::tag::Tags;
use hsm::event::Actor;

use crate::office::Office;
use crate::support::{START, World, code, import, new};

/// A key that is rotated each so many days.
fn rotated(world: &World, root: &Caller, name: &str, days: u64) -> String {
    let key = world.key(root, new(name, Spec::Aes256));
    world.kms.enable_rotation(root, &key).unwrap();
    world.kms.change_rotation_interval(root, &key, days).unwrap();
    key
}

/// Requirement: KMS-065, KMS-184, KMS-185, KMS-186, KMS-187, KMS-188, KMS-189, KMS-190, KMS-192, KMS-200
#[test]
fn a_key_is_rotated_each_year_and_all_versions_decrypt() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let key = world.key(&root, new("yearly", Spec::Aes256));
    assert!(!world.kms.describe_key(&root, &key).unwrap().rotation.enabled);
    let before = world.kms.describe_key(&root, &key).unwrap();
    world.kms.enable_rotation(&root, &key).unwrap();
    let mut ciphers = Vec::new();
    for year in 0..10_u32 {
        ciphers.push(world.encrypt(&root, &key, &format!("year {year}")).unwrap());
        world.pass_days(364);
        assert_eq!(world.run_due(), 0, "not before its time");
        world.pass_days(1);
        assert_eq!(world.run_due(), 1);
        assert_eq!(world.run_due(), 0, "once");
        let now = world.kms.rotation(&root, &key).unwrap();
        assert_eq!((now.rotation.count, now.versions.len()), (year + 1, year as usize + 2));
        assert_eq!(now.rotation.last, Some(START + u64::from(year + 1) * 365 * DAY));
    }
    let world = world.again();
    let root = world.root(&account);
    for (year, cipher) in ciphers.iter().enumerate() {
        assert_eq!(world.decrypt(&root, cipher).unwrap(), format!("year {year}"));
    }
    let after = world.kms.describe_key(&root, &key).unwrap();
    assert_eq!((after.id, &after.name, after.created), (before.id, &before.name, before.created));
}

/// Requirement: KMS-201, KMS-204, KMS-206, KMS-207, KMS-208
#[test]
fn rotation_follows_its_period_and_ends_when_it_is_switched_off() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let key = world.key(&root, new("monthly", Spec::Aes256));
    assert_eq!(code(world.kms.change_rotation_interval(&root, &key, 30)), "KMS.0313");
    world.kms.enable_rotation(&root, &key).unwrap();
    assert_eq!(code(world.kms.change_rotation_interval(&root, &key, 29)), "KMS.3001");
    assert_eq!(code(world.kms.change_rotation_interval(&root, &key, 366)), "KMS.3001");
    world.kms.change_rotation_interval(&root, &key, 30).unwrap();
    world.pass_days(30);
    assert_eq!(world.run_due(), 1);
    world.pass_days(29);
    assert_eq!(world.run_due(), 0);
    world.kms.disable_rotation(&root, &key).unwrap();
    assert_eq!(code(world.kms.disable_rotation(&root, &key)), "KMS.0313");
    world.pass_days(3650);
    assert_eq!(world.run_due(), 0);
    world.kms.disable_key(&root, &key).unwrap();
    assert_eq!(code(world.kms.enable_rotation(&root, &key)), "KMS.0209");
}

/// Requirement: KMS-194, KMS-195, KMS-196
#[test]
fn a_disabled_key_is_not_rotated_and_catches_up_when_it_is_enabled() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let [late, early] = ["late", "early"].map(|name| {
        let key = rotated(&world, &root, name, 100);
        world.pass_days(10);
        world.kms.disable_key(&root, &key).unwrap();
        key
    });
    world.pass_days(50);
    world.kms.enable_key(&root, &early).unwrap();
    assert_eq!(world.run_due(), 0, "its plan is kept");
    world.pass_days(40);
    assert_eq!(world.run_due(), 1, "early alone");
    world.pass_days(100);
    assert_eq!(world.run_due(), 1, "early alone");
    assert!(world.kms.describe_key(&root, &late).unwrap().rotation.enabled);
    world.kms.enable_key(&root, &late).unwrap();
    assert_eq!(world.run_due(), 1, "late at once");
    assert_eq!(world.kms.describe_key(&root, &late).unwrap().rotation.count, 1, "and once");
}

/// Requirement: KMS-197, KMS-198, KMS-199
#[test]
fn a_key_that_is_to_be_deleted_is_not_rotated_and_goes_on_as_before_when_it_is_kept() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let [late, early] = ["late", "early"].map(|name| rotated(&world, &root, name, 100));
    for key in [&late, &early] {
        world.kms.schedule_deletion(&root, key, 1096).unwrap();
    }
    let rotation = |key: &str| world.kms.describe_key(&root, key).unwrap().rotation;
    world.pass_days(50);
    world.kms.cancel_deletion(&root, &early).unwrap();
    assert!(rotation(&early).enabled);
    world.kms.enable_key(&root, &early).unwrap();
    assert_eq!(world.run_due(), 0, "its plan is kept");
    world.pass_days(50);
    assert_eq!(world.run_due(), 1, "early alone");
    assert_eq!((rotation(&early).count, rotation(&late).count), (1, 0));
    world.pass_days(50);
    world.kms.cancel_deletion(&root, &late).unwrap();
    assert_eq!(world.run_due(), 0, "it is disabled");
    world.kms.enable_key(&root, &late).unwrap();
    assert_eq!(world.run_due(), 1, "late at once");
    assert_eq!((rotation(&late).count, rotation(&late).enabled), (1, true));
}

/// Requirement: KMS-191, KMS-193, KMS-202, KMS-203
#[test]
fn what_cannot_be_rotated_is_not() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    world.encrypt(&root, "obs/default", "x").unwrap();
    assert_eq!(code(world.kms.enable_rotation(&root, "obs/default")), "KMS.0211");
    for (spec, expected) in
        [(Spec::Rsa2048, "KMS.0324"), (Spec::EcP256, "KMS.0324"), (Spec::Hmac512, "KMS.0341")]
    {
        let key = world.key(&root, new(spec.name(), spec));
        assert_eq!(code(world.kms.enable_rotation(&root, &key)), expected);
        assert_eq!(code(world.kms.rotate_now(&root, &key)), expected);
    }
}

/// Requirement: KMS-077, KMS-078
#[test]
fn what_was_given_out_for_an_import_is_good_for_a_day_and_then_gone_from_the_hsm() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let key = world.key(&root, NewKey { origin: Origin::External, ..new("outside", Spec::Aes256) });
    let objects = || {
        let partition = world.hsm.partition_named(&account.made.project.to_string()).unwrap();
        partition.object_count()
    };
    assert_eq!(objects(), 0);
    let given = world.kms.import_parameters(&root, &key, "RSAES_OAEP_SHA_256").unwrap();
    assert_eq!((given.expires, objects()), (START + DAY, 2));
    world.pass(DAY);
    let arrival = Arrival { token: &given.token, material: &[0; 256], private_key: None, expires: None };
    assert_eq!(code(world.kms.import_material(&root, &key, &arrival)), "KMS.2601");
    assert_eq!(world.run_due(), 1);
    assert_eq!(objects(), 0);
    assert_eq!(code(world.kms.import_material(&root, &key, &arrival)), "KMS.2601");
    assert_eq!(world.kms.describe_key(&root, &key).unwrap().state, State::PendingImport);
    assert!(world.kms.import_parameters(&root, &key, "RSAES_OAEP_SHA_256").is_ok());
}

#[test]
fn a_token_for_an_import_that_is_revoked_is_gone_with_its_wrapping_key() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let key = world.key(&root, NewKey { origin: Origin::External, ..new("outside", Spec::Aes256) });
    let [left, kept] =
        [(); 2].map(|()| world.kms.import_parameters(&root, &key, "RSAES_OAEP_SHA_256").unwrap());
    for _ in 0..2 {
        world.kms.revoke_import(&root, &left.token).unwrap();
    }
    let partition = world.hsm.partition_named(&account.made.project.to_string()).unwrap();
    assert_eq!(partition.object_count(), 2);
    let with = |token: &[u8]| {
        let arrival = Arrival { token, material: &[0; 256], private_key: None, expires: None };
        code(world.kms.import_material(&root, &key, &arrival))
    };
    assert_eq!(with(&left.token), "KMS.2601");
    assert_ne!(with(&kept.token), "KMS.2601");
    let other = world.root(&world.account("other"));
    world.kms.revoke_import(&other, &kept.token).unwrap();
    assert_eq!(partition.object_count(), 2);
}

#[test]
fn many_threads_make_what_is_due_happen_once() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let keys: Vec<_> =
        (0..20).map(|number| world.key(&root, new(&format!("k{number}"), Spec::Aes256))).collect();
    keys.iter().for_each(|key| drop(world.kms.enable_rotation(&root, key).unwrap()));
    world.pass_days(365);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(world.kms.run_due().failed.is_empty()));
        }
    });
    for key in &keys {
        assert_eq!(world.kms.describe_key(&root, key).unwrap().rotation.count, 1);
    }
}

/// Requirement: KMS-095
#[test]
fn imported_material_is_used_no_more_from_the_moment_when_it_expires() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let external = |name| NewKey { origin: Origin::External, ..new(name, Spec::Aes256) };
    let key = world.key(&root, external("outside"));
    import(&world, &root, &key, &[7; 32], Some(START + DAY)).unwrap();
    let cipher = world.encrypt(&root, &key, "plain").unwrap();
    world.pass(DAY - 1);
    assert_eq!(world.decrypt(&root, &cipher).unwrap(), "plain");
    world.pass(1);
    // Nothing has run that makes it happen.
    let waiting = |search: Search| world.kms.list_keys(&root, &search, &Page::default()).unwrap().total;
    for _ in 0..2 {
        assert_eq!(code(world.decrypt(&root, &cipher)), "KMS.0309");
        assert_eq!(code(world.encrypt(&root, &key, "x")), "KMS.0309");
        assert_eq!(world.kms.describe_key(&root, &key).unwrap().state, State::PendingImport);
        assert_eq!(waiting(Search { state: Some(State::PendingImport), ..Search::default() }), 1);
        assert_eq!(waiting(Search { state: Some(State::Enabled), ..Search::default() }), 0);
        world.run_due();
    }
    assert_eq!(world.told(), [Happened::Expired]);
    import(&world, &root, &key, &[7; 32], Some(START + 2 * DAY)).unwrap();
    assert_eq!(world.decrypt(&root, &cipher).unwrap(), "plain");
    // Nor does it have to run before the material comes again.
    world.pass(DAY);
    import(&world, &root, &key, &[7; 32], None).unwrap();
    assert_eq!(world.told(), [Happened::Expired]);
    assert_eq!(world.run_due(), 1, "the older parameters go");
    assert_eq!(world.decrypt(&root, &cipher).unwrap(), "plain");
}

#[test]
fn what_fails_keeps_nothing_else_from_happening() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let failing = world.key(&root, new("failing", Spec::Aes256));
    let kept = world.key(&root, new("kept", Spec::Aes256));
    world.kms.schedule_deletion(&root, &failing, 7).unwrap();
    world.pass(1);
    world.kms.schedule_deletion(&root, &kept, 7).unwrap();
    let other = world.account("other");
    let theirs = world.key(&world.root(&other), new("theirs", Spec::Aes256));
    world.kms.schedule_deletion(&world.root(&other), &theirs, 7).unwrap();
    world.pass_days(7);
    world.fail_after(0);
    for (done, failed) in [(2, 1), (1, 0), (0, 0)] {
        let run = world.kms.run_due();
        assert_eq!((run.done, run.failed.len(), run.next), (done, failed, None), "{:?}", run.failed);
        assert!(run.failed.iter().all(|why| why.contains("key ")), "{:?}", run.failed);
    }
    assert_eq!(world.kms.custom_keys(&root).unwrap(), 0);
}

/// Requirement: KMS-089
#[test]
fn material_comes_with_the_very_token_that_was_given_out_and_is_the_same_each_time() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let key = world.key(&root, NewKey { origin: Origin::External, ..new("outside", Spec::Aes256) });
    let given = world.kms.import_parameters(&root, &key, "RSAES_OAEP_SHA_256").unwrap();
    for (place, expected) in [(0, "KMS.2605"), (3, "KMS.2603"), (24, "KMS.2601"), (25, "KMS.2605")] {
        let mut token = given.token.clone();
        token[place] ^= 1;
        let arrival = Arrival { token: &token, material: &[0; 256], private_key: None, expires: None };
        assert_eq!(code(world.kms.import_material(&root, &key, &arrival)), expected, "byte {place}");
    }
    let arrival = Arrival { token: &given.token, material: &[0; 256], private_key: None, expires: None };
    let other = world.key(&root, NewKey { origin: Origin::External, ..new("other", Spec::Aes256) });
    assert_eq!(code(world.kms.import_material(&root, &other, &arrival)), "KMS.2603", "another key's token");
    assert_eq!(
        code(world.kms.import_material(&root, &key, &arrival)),
        "KMS.0311",
        "nothing that was wrapped"
    );
    import(&world, &root, &key, &[7; 32], None).unwrap();
    world.kms.delete_material(&root, &key).unwrap();
    assert_eq!(code(import(&world, &root, &key, &[8; 32], None)), "KMS.2606");
    import(&world, &root, &key, &[7; 32], None).unwrap();
}

/// Whatever changes a key looks at it again when it is its turn, and finds it as everybody sees it.
#[test]
fn a_key_whose_material_has_expired_is_changed_as_one_that_has_none() {
    let world = Office::new();
    let (key, root) = (world.empty_key("outside"), &world.root);
    let bring = || {
        import(&world, root, &key, &[7; 32], Some(world.kms.now() + DAY)).unwrap();
        world.pass(DAY);
    };
    let operations = ["encrypt-data".to_owned()];
    let me = root.identity.id();
    let grant = NewGrant { grantee: &me, kind: None, operations: &operations, name: None, retiring: None };
    bring();
    assert_eq!(code(world.kms.create_grant(root, &key, grant)), "KMS.0309");
    assert_eq!(world.told(), [Happened::Expired]);
    bring();
    assert_eq!(code(world.kms.delete_material(root, &key)), "KMS.2701");
    bring();
    let disabled = world.kms.disable_key(root, &key);
    assert_eq!(code(disabled), code(world.kms.disable_key(root, &world.empty_key("other"))));
    bring();
    world.kms.schedule_deletion(root, &key, 7).unwrap();
    assert_eq!(world.kms.cancel_deletion(root, &key).unwrap().state, State::PendingImport);
    assert_eq!(world.told(), [Happened::Expired; 3]);
    let second = world.kms.iam().by(Actor::DAEMON).create_region_project(world.account, "local-2").unwrap();
    let replica = Replica {
        region: "local-2",
        project: second.id,
        name: "outside",
        description: "",
        enterprise_project: EnterpriseProjectId::DEFAULT,
        tags: Tags::default(),
    };
    import(&world, root, &key, &[7; 32], Some(world.kms.now() + DAY)).unwrap();
    world.kms.replicate_key(root, &key, &replica).unwrap();
    world.pass(DAY);
    assert_eq!(code(world.kms.update_primary_region(root, &key, "local-2")), "KMS.0309");
}
