//! How often keys were asked for something.

use dew::kms::spec::Spec;
use dew::kms::{DAY, Month};

use super::office::Office;
use super::support::{START, code, new};

/// Requirement: KMS-028, KMS-144, KMS-147
#[test]
fn requests_are_counted_by_key_month_and_operation_and_outlast_a_restart() {
    let world = Office::new();
    let (key, other) = (world.aes("key"), world.aes("other"));
    let september = Month::of(START);
    assert_eq!(september.to_string(), "2026-09");
    assert_eq!("2026-09".parse::<Month>().unwrap(), september);
    for wrong in ["", "2026", "2026-9", "2026-00", "2026-13", "+026-09", "2026-+9", "2026-09-01"] {
        assert_eq!(code(wrong.parse::<Month>()), "KMS.0308", "{wrong:?}");
    }
    let cipher = world.encrypt(&key).unwrap();
    for _ in 0..3 {
        world.decrypt(&cipher).unwrap();
    }
    world.encrypt(&other).unwrap();
    world.kms.describe_key(&world.root, &key).unwrap();
    let of = |world: &Office, from, to| world.kms.counts_of_key(&world.root, &key, from, to).unwrap();
    let [count] = of(&world, september, september).try_into().unwrap();
    assert_eq!((count.requests["EncryptData"], count.requests["DecryptData"]), (1, 3));
    assert_eq!(count.billable(), 4);
    assert!(count.requests["ListKeyDetail"] >= 1);
    world.kms.keep_counts().unwrap();
    world.encrypt(&key).unwrap();
    world.kms.keep_counts().unwrap();
    world.encrypt(&key).unwrap(); // and this one is lost
    let world = world.again();
    world.encrypt(&key).unwrap();
    world.pass(15 * DAY);
    world.encrypt(&key).unwrap();
    let october = Month::of(START + 15 * DAY);
    let counts = of(&world, september, october);
    let billable: Vec<_> = counts.iter().map(|count| (count.month.to_string(), count.billable())).collect();
    assert_eq!(billable, [("2026-09".to_owned(), 6), ("2026-10".to_owned(), 1)]);
    assert_eq!(of(&world, october, october).len(), 1);
    let now = world.kms.counts_now();
    assert_eq!(now.len(), 1, "only what was asked this month");
    assert_eq!((now[0].0, now[0].1.billable()), (world.project, 1));
}

/// Requirement: KMS-145, KMS-146
#[test]
fn counts_are_shown_of_enabled_and_disabled_keys_and_of_default_ones() {
    let world = Office::new();
    let (key, empty) = (world.aes("key"), world.empty_key("empty"));
    let month = Month::of(START);
    let counts = |key: &str| world.kms.counts_of_key(&world.root, key, month, month);
    world.encrypt("kms/default").unwrap();
    assert_eq!(counts("kms/default").unwrap()[0].billable(), 1);
    world.encrypt(&key).unwrap();
    world.kms.disable_key(&world.root, &key).unwrap();
    assert_eq!(counts(&key).unwrap()[0].billable(), 1);
    assert_eq!(code(counts(&empty)), "KMS.0309");
    world.kms.schedule_deletion(&world.root, &key, 7).unwrap();
    assert_eq!(code(counts(&key)), "KMS.0210");
    // With the key its counts go.
    world.kms.keep_counts().unwrap();
    world.pass_days(7);
    world.run_due();
    world.kms.keep_counts().unwrap();
    let world = world.again();
    world.kms.describe_key(&world.root, "kms/default").unwrap();
    assert!(world.kms.counts_now().iter().all(|(_, count)| count.key.to_string() != key));
}

#[test]
fn counts_of_a_project_are_written_whatever_becomes_of_another() {
    let world = Office::new();
    let beside = world.root_in(world.sibling("local-1_beside"));
    let keys = [&world.root, &beside].map(|caller| {
        let key = world.kms.create_key(caller, new("key", Spec::Aes256)).unwrap().id.to_string();
        world.kms.describe_key(caller, &key).unwrap();
        key
    });
    world.fail_after(0);
    assert!(world.kms.keep_counts().is_err());
    let world = world.again();
    let month = Month::of(START);
    let counted = [&world.root, &beside].into_iter().zip(&keys).filter(|(caller, key)| {
        let counts = world.kms.counts_of_key(caller, key, month, month).unwrap();
        counts[0].requests["ListKeyDetail"] > 1 // this look is one
    });
    assert_eq!(counted.count(), 1);
}
