//! The vault's keys are changed, with a crash at any point, while others write, and with old copies put back.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::*;

fn other_root(byte: u8) -> RootKey {
    RootKey::new(Secret::new(vec![byte; 32])).unwrap()
}

fn finish(vault: &Vault) {
    while vault.rekey_step(3).unwrap().is_some() {}
}

/// What one commit does.
#[derive(Clone, Debug)]
enum Step {
    Put(u64, u64, Vec<u8>),
    Delete(u64, u64),
    Create(u64),
    Destroy(u64),
    Root(u8),
    Rekey,
    Reseal(usize),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        6 => (1..4_u64, 0..6_u64, value).prop_map(|(domain, number, value)| Step::Put(domain, number, value)),
        2 => (1..4_u64, 0..6_u64).prop_map(|(domain, number)| Step::Delete(domain, number)),
        2 => (1..4_u64).prop_map(Step::Create),
        1 => (1..4_u64).prop_map(Step::Destroy),
        1 => any::<u8>().prop_map(Step::Root),
        3 => Just(Step::Rekey),
        6 => (1..4_usize).prop_map(Step::Reseal),
        2 => Just(Step::Reopen),
    ]
}

/// Domains with their records, each with its version.
type Model = BTreeMap<u64, BTreeMap<u64, (Version, Vec<u8>)>>;

fn contents(vault: &Vault) -> Model {
    let records = |domain| {
        let records = vault.records(domain, kind::OBJECT).unwrap();
        records.into_iter().map(|(number, version, value)| (number, (version, value.as_bytes().to_vec())))
    };
    vault.domains().into_iter().map(|domain| (domain, records(domain).collect())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever is done to the keys, and wherever a crash cuts it short, content and version of every record are
    /// as the last change to it left them, and the root key of that time opens the store.
    #[test]
    fn changing_keys_changes_nothing_else(steps in prop::collection::vec(step(), 1..40)) {
        let bench = Bench::new();
        let mut vault = bench.open().unwrap();
        let (mut model, mut root) = (Model::new(), 7);
        // What there is after each commit, and the root key that opens it.
        let mut states = vec![(None, Model::new(), 7), (bench.anchor.read().unwrap(), Model::new(), 7)];
        for step in steps {
            let before = vault.last_commit();
            let version = Version(before.0 + 1);
            match step {
                Step::Put(domain, number, value) => {
                    if vault.commit(vec![put(object(domain, number), &value)]).is_ok() {
                        model.get_mut(&domain).unwrap().insert(number, (version, value));
                    }
                }
                Step::Delete(domain, number) => {
                    if vault.commit(vec![gone(object(domain, number))]).is_ok() {
                        model.get_mut(&domain).unwrap().remove(&number);
                    }
                }
                Step::Create(domain) => {
                    if vault.create_domain(domain, vec![]).is_ok() {
                        model.insert(domain, BTreeMap::new());
                    }
                }
                Step::Destroy(domain) => {
                    if vault.destroy_domain(domain, vec![]).is_ok() {
                        model.remove(&domain);
                    }
                }
                Step::Root(byte) => {
                    vault.change_root(&other_root(byte), vec![byte]).unwrap();
                    root = byte;
                }
                Step::Rekey => match vault.begin_rekey() {
                    Ok(_) => prop_assert!(vault.rekey_progress().is_some()),
                    Err(error) => prop_assert_eq!(error, VaultError::RekeyUnderWay),
                },
                Step::Reseal(limit) => {
                    let before = vault.rekey_progress();
                    let after = vault.rekey_step(limit).unwrap();
                    prop_assert_eq!(vault.rekey_progress(), after);
                    if let (Some(before), Some(after)) = (before, after) {
                        prop_assert!(after.done <= after.total && after.done >= before.done);
                    }
                }
                Step::Reopen => {
                    drop(vault);
                    vault = Vault::open(bench.store.clone(), bench.anchor.clone(), &other_root(root)).unwrap();
                }
            }
            prop_assert_eq!(&contents(&vault), &model);
            if vault.last_commit() != before {
                prop_assert_eq!(vault.last_commit(), version, "one commit at a time");
                states.push((bench.anchor.read().unwrap(), model.clone(), root));
            }
        }
        drop(vault);
        for (commits, two) in states.windows(2).enumerate() {
            // Before the anchor heard of the commit, and after.
            for (acknowledged, _, _) in two {
                let (_, model, root) = &two[1];
                let anchor = Arc::new(MemoryAnchor::at(*acknowledged));
                let store = Arc::new(bench.store.as_of(commits + 1));
                if acknowledged.is_none() {
                    continue; // the vault as it was made, whose anchor of before nobody has
                }
                let vault = Vault::open(store.clone(), anchor.clone(), &other_root(*root)).unwrap();
                prop_assert_eq!(&contents(&vault), model);
                finish(&vault);
                prop_assert_eq!(&contents(&vault), model, "after the rekeying went on");
                drop(vault);
                let other = Vault::open(store.clone(), anchor.clone(), &other_root(root.wrapping_add(1)));
                prop_assert_eq!(other.err(), Some(VaultError::WrongRootKey));
                prop_assert_eq!(&contents(&Vault::open(store, anchor, &other_root(*root)).unwrap()), model);
            }
        }
    }
}

#[test]
fn a_new_root_key_takes_the_place_of_the_old_one_at_once() {
    let (bench, vault) = Bench::filled();
    assert_eq!(Vault::custody(&*bench.store).unwrap().unwrap(), b"");
    vault.change_root(&other_root(8), b"kept by eight".to_vec()).unwrap();
    vault.commit(vec![put(object(1, 1), b"second")]).unwrap();
    assert_eq!(Vault::custody(&*bench.store).unwrap().unwrap(), b"kept by eight");
    assert_eq!(bench.refusal(), VaultError::WrongRootKey);
    let vault = Vault::open(bench.store.clone(), bench.anchor.clone(), &other_root(8)).unwrap();
    assert_eq!(value(&vault, object(1, 1)).unwrap(), b"second");
    let long = vec![0; (1 << 20) + 1];
    assert!(matches!(vault.change_root(&other_root(9), long), Err(VaultError::CustodyTooLong(_))));
}

#[test]
fn a_fault_at_any_write_leaves_the_old_keys_or_the_new_ones() {
    for good in 0..12 {
        let (bench, vault) = Bench::filled();
        bench.store.inject(StoreFault::FailsAfter(good, StoreError::Full("no space".into())));
        let mut root = 7;
        let outcome = vault.change_root(&other_root(8), vec![]).map(|_| root = 8);
        let begun = outcome.and_then(|()| vault.begin_rekey());
        let finished = begun.and_then(|_| {
            while vault.rekey_step(2)?.is_some() {}
            Ok(())
        });
        // Root, begin, four batches (six records, and that what they replace is still to be overwritten), end.
        assert_eq!(finished.is_err(), good < 7, "{good}: {finished:?}");
        let all_there = |vault: &Vault| {
            for domain in [1, 2] {
                for number in 1..=3 {
                    assert_eq!(value(vault, object(domain, number)).unwrap(), b"first");
                }
            }
        };
        // It is as good as before at once, and after a restart.
        all_there(&vault);
        if good % 2 == 0 {
            finish(&vault);
        }
        drop(vault);
        let vault = Vault::open(bench.store.clone(), bench.anchor.clone(), &other_root(root)).unwrap();
        all_there(&vault);
        finish(&vault);
        all_there(&vault);
        assert_eq!(vault.rekey_progress(), None);
    }
}

#[test]
fn an_unknown_outcome_of_a_change_of_keys_is_settled_by_opening_again() {
    for step in 0..3 {
        let (bench, vault) = Bench::filled();
        let fail = || bench.store.inject(StoreFault::HappensAndFails(StoreError::Io("pulled".into())));
        let mut key = 7;
        if step == 0 {
            fail();
            vault.change_root(&other_root(8), vec![]).unwrap_err();
            key = 8;
        } else {
            if step == 1 {
                fail();
                vault.begin_rekey().unwrap_err();
            } else {
                vault.begin_rekey().unwrap();
                fail();
                vault.rekey_step(2).unwrap_err();
            }
            assert!(matches!(vault.begin_rekey(), Err(VaultError::Broken(_))));
        }
        drop(vault);
        let vault = Vault::open(bench.store.clone(), bench.anchor.clone(), &other_root(key)).unwrap();
        assert_eq!(vault.rekey_progress().is_some(), step > 0);
        finish(&vault);
        assert_eq!(value(&vault, object(2, 3)).unwrap(), b"first");
    }
}

#[test]
fn when_it_is_done_the_store_holds_nothing_that_an_old_key_sealed() {
    let (bench, vault) = Bench::filled();
    let before: BTreeMap<Vec<u8>, Vec<u8>> =
        bench.store.tamper(|contents| contents.iter().map(|(k, e)| (k.clone(), e.value.clone())).collect());
    vault.begin_rekey().unwrap();
    assert_eq!(vault.begin_rekey(), Err(VaultError::RekeyUnderWay));
    assert_eq!(vault.rekey_progress(), Some(Progress { done: 0, total: 6 }));
    finish(&vault);
    assert_eq!(vault.rekey_progress(), None);
    bench.store.tamper(|contents| {
        for (key, entry) in contents {
            assert_ne!(before.get(key), Some(&entry.value), "{key:?}");
        }
    });
    // Old copies do not even authenticate.
    let key = object(1, 1).store_key();
    bench.store.tamper(|contents| contents.get_mut(&key).unwrap().value = before[&key].clone());
    assert_eq!(bench.refusal().to_string(), "record partition 1 object 1: does not authenticate");
}

#[test]
fn an_old_copy_of_a_record_that_was_sealed_anew_is_refused() {
    let (bench, vault) = Bench::filled();
    let key = object(1, 1).store_key();
    let old = bench.store.tamper(|contents| contents[&key].clone());
    let version = vault.version(object(1, 1));
    vault.begin_rekey().unwrap();
    vault.rekey_step(6).unwrap();
    assert_eq!(vault.version(object(1, 1)), version);
    bench.store.tamper(|contents| contents.insert(key, old));
    let message =
        "record partition 1 object 1: is sealed under a key that was replaced: an older copy was put back";
    assert_eq!(bench.refusal().to_string(), message);
    assert_eq!(vault.get(object(1, 1)).unwrap_err().to_string(), message);
}

#[test]
fn an_old_copy_of_the_header_is_refused() {
    let (bench, vault) = Bench::filled();
    let header = |bench: &Bench| bench.store.tamper(|contents| contents[&b"h"[..]].clone());
    let old = header(&bench);
    vault.change_root(&root(), b"other notes".to_vec()).unwrap();
    let new = header(&bench);
    bench.store.tamper(|contents| contents.insert(b"h".to_vec(), old));
    assert_eq!(bench.refusal(), VaultError::Damaged(Damage::HeaderStale));
    bench.store.tamper(|contents| contents.insert(b"h".to_vec(), new));
    bench.open().unwrap();
}

#[test]
fn a_store_of_another_format_is_refused_clearly() {
    let (bench, _) = Bench::filled();
    for format in [1, 3] {
        bench.store.tamper(|contents| contents.get_mut(&b"h"[..]).unwrap().value[8] = format);
        assert_eq!(bench.refusal(), VaultError::Damaged(Damage::Format(format)));
        assert!(Vault::custody(&*bench.store).is_err());
    }
}

#[test]
fn writers_go_on_while_the_keys_change_and_see_no_version_but_their_own() {
    let (bench, vault) = Bench::filled();
    let many: Vec<_> = (100..400).map(|number| put(object(1, number), b"still")).collect();
    vault.commit(many).unwrap();
    let still = vault.version(object(1, 100));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (vault, done) = (&vault, &done);
            scope.spawn(move || {
                let id = object(2, 10 + thread);
                let mut version = vault.commit(vec![put(id, b"0")]).unwrap();
                let mut round = 0_u64;
                while !done.load(Ordering::Acquire) {
                    round += 1;
                    let value = Secret::new(round.to_be_bytes().to_vec());
                    // Fails if sealing anew changed the version.
                    version = vault.commit(vec![Change::update(id, version, value)]).unwrap();
                    let (seen, value) = vault.get(id).unwrap().unwrap();
                    assert_eq!((seen, value.as_bytes()), (version, &round.to_be_bytes()[..]));
                    assert_eq!(vault.version(object(1, 100 + round % 300)), still);
                    vault.get(object(1, 100 + round % 300)).unwrap().unwrap();
                }
            });
        }
        for _ in 0..3 {
            vault.begin_rekey().unwrap();
            while vault.rekey_step(5).unwrap().is_some() {}
        }
        done.store(true, Ordering::Release);
    });
    drop(vault);
    let vault = bench.open().unwrap();
    assert_eq!(vault.records(1, kind::OBJECT).unwrap().len(), 303);
}

/// By hand, in a release build: `cargo test --release -p hsm hundred_thousand -- --ignored --nocapture`.
#[test]
#[ignore = "takes long, and tells a time"]
fn a_hundred_thousand_records_are_sealed_anew() {
    let bench = Bench { store: Arc::new(MemoryStore::new()), anchor: Arc::new(MemoryAnchor::default()) };
    let vault = bench.open().unwrap();
    let many: Vec<_> = (0..100_000).map(|number| put(object(1, number), &[1; 400])).collect();
    vault.create_domain(1, many).unwrap();
    let began = std::time::Instant::now();
    vault.begin_rekey().unwrap();
    let begun = began.elapsed();
    while vault.rekey_step(32).unwrap().is_some() {}
    println!("begun in {begun:?}, done in {:?}", began.elapsed());
    drop(vault);
    assert_eq!(bench.open().unwrap().records(1, kind::OBJECT).unwrap().len(), 100_000);
}
