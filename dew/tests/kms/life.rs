//! What becomes of a key from when it is made until it is gone.

use dew::iam::EnterpriseProjectId;
use dew::kms::spec::Spec;
use dew::kms::{DAY, KmsError, NewKey, Quotas, State};
use dew::tag::Tags;

use super::office::Office;
use super::support::{START, code, new};

/// Requirement: KMS-036, KMS-037, KMS-026, KMS-027
#[test]
fn names_have_some_characters_and_a_length_and_no_default_keys_end() {
    let world = Office::new();
    let create = |name: &str| world.kms.create_key(&world.root, new(name, Spec::Aes256));
    let key = world.aes("first");
    let rename = |name: &str| world.kms.rename_key(&world.root, &key, name);
    for name in ["09azAZ_-:/", &"n".repeat(255), "default", "my/default/key"] {
        create(name).unwrap();
    }
    for name in ["a b", "ä", "a.b", "a\\b", "", &"n".repeat(256), "my/default", "/default", "kms/default"] {
        assert_eq!(code(create(name)), "KMS.1101", "{name:?}");
        assert_eq!(code(rename(name)), "KMS.1101", "{name:?}");
    }
    assert_eq!(rename("second").unwrap().name, "second");
    assert_eq!(code(rename("default")), "KMS.1104");
    // Its own name is not another's, and the old one is free.
    rename("second").unwrap();
    create("first").unwrap();
    let world = world.again();
    assert_eq!(world.kms.describe_key(&world.root, &key).unwrap().name, "second");
}

/// Requirement: KMS-018, KMS-019, KMS-020
#[test]
fn so_many_custom_keys_can_be_also_if_some_wait_for_their_deletion() {
    let world = Office::new();
    assert_eq!(Quotas::default().keys, 100);
    world.encrypt("kms/default").unwrap();
    let keys: Vec<_> = (0..100).map(|number| world.aes(&format!("key-{number}"))).collect();
    let one_more = || world.kms.create_key(&world.root, new("one-more", Spec::Aes256));
    let quota = || world.kms.quotas_of_project(&world.root).unwrap().0;
    assert_eq!(code(one_more()), "KMS.1105");
    assert_eq!((quota().used, quota().quota), (100, 100));
    world.kms.schedule_deletion(&world.root, &keys[0], 7).unwrap();
    assert_eq!(code(one_more()), "KMS.1105");
    assert_eq!(quota().used, 100);
    world.encrypt("obs/default").unwrap();
    world.pass_days(7);
    world.run_due();
    assert_eq!(quota().used, 99);
    one_more().unwrap();
    assert_eq!(world.kms.custom_keys(&world.root).unwrap(), 100);
}

/// Requirement: KMS-123, KMS-124, KMS-125, KMS-126, KMS-129
#[test]
fn custom_keys_are_scheduled_for_deletion_from_7_to_1096_days_ahead_however_they_stand() {
    let world = Office::new();
    let (enabled, disabled, empty) = (world.aes("enabled"), world.aes("disabled"), world.empty_key("empty"));
    world.kms.disable_key(&world.root, &disabled).unwrap();
    let schedule = |key: &str, days| world.kms.schedule_deletion(&world.root, key, days);
    for days in [0, 6, 1097, u64::MAX] {
        assert_eq!(code(schedule(&enabled, days)), "KMS.1401", "{days}");
    }
    for (key, days) in [(&enabled, 7), (&disabled, 1096), (&empty, 30)] {
        let key = schedule(key, days).unwrap();
        assert_eq!(key.state, State::PendingDeletion);
        assert_eq!(key.goes, Some(START + days * DAY));
    }
    assert_eq!(code(schedule(&enabled, 8)), "KMS.1402");
    world.encrypt("kms/default").unwrap();
    assert_eq!(code(schedule("kms/default", 7)), "KMS.0211");
    for refused in [world.encrypt(&enabled).err(), world.kms.enable_key(&world.root, &enabled).err()] {
        assert!(matches!(refused, Some(KmsError::PendingDeletion | KmsError::NotDisabled)), "{refused:?}");
    }
}

/// Requirement: KMS-127, KMS-128, KMS-166
#[test]
fn a_key_goes_for_good_at_its_date_and_not_before() {
    let world = Office::new();
    let (going, staying) = (world.aes("going"), world.aes("staying"));
    let (lost, kept) = (world.encrypt(&going).unwrap(), world.encrypt(&staying).unwrap());
    for key in [&going, &staying] {
        world.kms.schedule_deletion(&world.root, key, 7).unwrap();
    }
    world.kms.create_alias(&world.root, &world.aes("other"), "an-alias").unwrap();
    let objects = || world.hsm.partitions()[0].object_count();
    world.pass(7 * DAY - 1000);
    world.run_due();
    assert_eq!(world.kms.describe_key(&world.root, &going).unwrap().state, State::PendingDeletion);
    world.kms.cancel_deletion(&world.root, &staying).unwrap();
    assert_eq!(objects(), 3);
    world.pass(1000);
    // From this moment on, whether or not anything was done about it yet.
    assert_eq!(code(world.kms.describe_key(&world.root, &going)), "KMS.0207");
    assert_eq!(code(world.kms.cancel_deletion(&world.root, &going)), "KMS.0207");
    world.run_due();
    assert_eq!(objects(), 2);
    let world = world.again();
    assert_eq!(world.hsm.partitions()[0].object_count(), 2);
    assert_eq!(code(world.kms.describe_key(&world.root, &going)), "KMS.0207");
    assert_eq!(code(world.decrypt(&lost)), "KMS.0207");
    world.kms.enable_key(&world.root, &staying).unwrap();
    assert_eq!(world.decrypt(&kept).unwrap(), "plain");
    // The name is free again.
    world.aes("going");
}

/// Requirement: KMS-136, KMS-137, KMS-139
#[test]
fn a_key_whose_deletion_is_cancelled_is_disabled_or_waits_for_its_material() {
    let world = Office::new();
    let (own, empty) = (world.aes("own"), world.empty_key("empty"));
    for key in [&own, &empty] {
        assert_eq!(code(world.kms.cancel_deletion(&world.root, key)), "KMS.1501");
        world.kms.schedule_deletion(&world.root, key, 7).unwrap();
    }
    let world = world.again();
    let cancelled = world.kms.cancel_deletion(&world.root, &own).unwrap();
    assert_eq!((cancelled.state, cancelled.goes), (State::Disabled, None));
    assert_eq!(world.kms.cancel_deletion(&world.root, &empty).unwrap().state, State::PendingImport);
    assert_eq!(code(world.encrypt(&own)), "KMS.0209");
    assert_eq!(code(world.encrypt(&empty)), "KMS.0309");
    world.kms.enable_key(&world.root, &own).unwrap();
    world.encrypt(&own).unwrap();
    world.pass_days(8);
    world.run_due();
    world.encrypt(&own).unwrap();
}

/// Requirement: KMS-114, KMS-115, KMS-117, KMS-118, KMS-119, KMS-120
#[test]
fn a_key_is_used_while_it_is_enabled_and_each_step_is_from_one_state() {
    let world = Office::new();
    let (key, empty) = (world.aes("key"), world.empty_key("empty"));
    let cipher = world.encrypt(&key).unwrap();
    let (enable, disable) = (
        |key: &str| world.kms.enable_key(&world.root, key),
        |key: &str| world.kms.disable_key(&world.root, key),
    );
    assert_eq!(code(enable(&key)), "KMS.1201");
    disable(&key).unwrap();
    assert_eq!(code(disable(&key)), "KMS.1301");
    assert_eq!((code(world.encrypt(&key)), code(world.decrypt(&cipher))), ("KMS.0209", "KMS.0209"));
    enable(&key).unwrap();
    assert_eq!(world.decrypt(&cipher).unwrap(), "plain");
    assert_eq!((code(enable(&empty)), code(disable(&empty))), ("KMS.1201", "KMS.1301"));
    world.kms.schedule_deletion(&world.root, &key, 7).unwrap();
    assert_eq!((code(enable(&key)), code(disable(&key))), ("KMS.1201", "KMS.1301"));
    world.encrypt("kms/default").unwrap();
    assert_eq!(code(disable("kms/default")), "KMS.0211");
    world.encrypt("kms/default").unwrap();
}

/// Requirement: KMS-110, KMS-111, KMS-112, KMS-047
#[test]
fn name_and_description_of_a_custom_key_change_unless_it_is_to_be_deleted() {
    let world = Office::new();
    let new = NewKey { description: "made for tests".into(), ..new("key", Spec::Aes256) };
    let key = world.kms.create_key(&world.root, new).unwrap().id.to_string();
    let described = || world.kms.describe_key(&world.root, &key).unwrap().description.clone();
    assert_eq!(described(), "made for tests");
    let rename = |key: &str, name: &str| world.kms.rename_key(&world.root, key, name);
    let say = |key: &str, text: &str| world.kms.describe_anew(&world.root, key, text);
    say(&key, &"é".repeat(255)).unwrap();
    assert_eq!(code(say(&key, &"e".repeat(256))), "KMS.1103");
    world.kms.disable_key(&world.root, &key).unwrap();
    rename(&key, "while-disabled").unwrap();
    say(&key, "").unwrap();
    assert_eq!(described(), "");
    // It stays disabled, and is one still.
    assert_eq!(code(world.encrypt(&key)), "KMS.0209");
    world.kms.schedule_deletion(&world.root, &key, 7).unwrap();
    assert_eq!((code(rename(&key, "x")), code(say(&key, "x"))), ("KMS.0210", "KMS.0210"));
    world.encrypt("kms/default").unwrap();
    assert_eq!((code(rename("kms/default", "x")), code(say("kms/default", "x"))), ("KMS.0211", "KMS.0211"));
}

/// Requirement: KMS-044, KMS-141, KMS-143
#[test]
fn a_custom_key_is_in_an_enterprise_project_and_can_move_to_another() {
    let world = Office::new();
    let acting = world.kms.iam().by(hsm::event::Actor::DAEMON);
    let shop = acting.create_enterprise_project(world.account, "shop", "").unwrap().id;
    let key = world.aes("key");
    let place = || EnterpriseProjectId(world.kms.describe_key(&world.root, &key).unwrap().enterprise_project);
    assert_eq!(place(), EnterpriseProjectId::DEFAULT);
    assert_eq!(place().to_string(), "0");
    world.kms.move_key(&world.root, &key, shop).unwrap();
    assert_eq!(place(), shop);
    let unknown = EnterpriseProjectId::from_random([9; 16]);
    assert_eq!(code(world.kms.move_key(&world.root, &key, unknown)), "KMS.0308");
    world.encrypt("kms/default").unwrap();
    assert_eq!(code(world.kms.move_key(&world.root, "kms/default", shop)), "KMS.0211");
    let there = NewKey { enterprise_project: shop, ..new("there", Spec::Aes256) };
    assert_eq!(world.kms.create_key(&world.root, there).unwrap().enterprise_project, shop.0);
}

/// Requirement: KMS-048
#[test]
fn a_new_key_has_up_to_twenty_tags() {
    let tags = |count: usize| -> Vec<_> { (0..count).map(|n| (format!("tag{n}"), String::new())).collect() };
    let world = Office::new();
    let new = NewKey { tags: Tags::new(&tags(20)).unwrap(), ..new("key", Spec::Aes256) };
    let key = world.kms.create_key(&world.root, new).unwrap();
    assert_eq!(key.tags.iter().count(), 20);
    assert_eq!(code(Tags::new(&tags(21)).map_err(KmsError::from)), "KMS.0409");
}
