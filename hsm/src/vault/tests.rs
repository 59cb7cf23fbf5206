//! Tests of the vault: what it does, what it survives, and what it refuses.

use std::sync::Arc;

use super::anchor::MemoryAnchor;
use super::*;
use crate::store::memory::{Fault as StoreFault, MemoryStore};

mod crashes;
mod group;
mod notes;
mod rekey;
mod stills;
mod tampering;
mod zeroize;

/// A store and an anchor that outlive the vault on them.
pub(super) struct Bench {
    pub(super) store: Arc<MemoryStore>,
    pub(super) anchor: Arc<MemoryAnchor>,
}

pub(super) fn root() -> RootKey {
    RootKey::new(Secret::new(vec![7; 32])).unwrap()
}

pub(super) fn object(domain: u64, number: u64) -> RecordId {
    RecordId { domain, kind: kind::OBJECT, number }
}

pub(super) fn put(id: RecordId, value: &[u8]) -> Change {
    Change { id, expect: Expect::Any, value: Some(Secret::new(value.to_vec())) }
}

pub(super) fn gone(id: RecordId) -> Change {
    Change { id, expect: Expect::Any, value: None }
}

impl Bench {
    pub(super) fn new() -> Self {
        Self { store: Arc::new(MemoryStore::remembering()), anchor: Arc::new(MemoryAnchor::default()) }
    }

    pub(super) fn open(&self) -> Result<Vault, VaultError> {
        Vault::open(self.store.clone(), self.anchor.clone(), &root())
    }

    /// With partitions 1 and 2, and objects 1 to 3 in each.
    pub(super) fn filled() -> (Self, Vault) {
        let bench = Self::new();
        let vault = bench.open().unwrap();
        for domain in [1, 2] {
            vault.create_domain(domain, vec![]).unwrap();
            for number in 1..=3 {
                vault.commit(vec![put(object(domain, number), b"first")]).unwrap();
            }
        }
        (bench, vault)
    }

    /// Why the vault does not open.
    pub(super) fn refusal(&self) -> VaultError {
        self.open().err().expect("the vault opened")
    }
}

pub(super) fn value(vault: &Vault, id: RecordId) -> Option<Vec<u8>> {
    vault.get(id).unwrap().map(|(_, value)| value.as_bytes().to_vec())
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let (bench, vault) = Bench::filled();
    let version = vault.commit(vec![put(object(1, 1), b"second"), gone(object(1, 2))]).unwrap();
    drop(vault);
    let vault = bench.open().unwrap();
    assert_eq!(value(&vault, object(1, 1)).unwrap(), b"second");
    assert_eq!(vault.version(object(1, 1)), Some(version));
    assert_eq!(value(&vault, object(1, 2)), None);
    assert_eq!(vault.domains(), [1, 2]);
    let records = vault.records(1, kind::OBJECT).unwrap();
    let numbers: Vec<u64> = records.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(records[0].2.as_bytes(), b"second");
}

#[test]
fn a_store_sees_nothing_of_what_it_holds() {
    let (bench, vault) = Bench::filled();
    vault.commit(vec![put(object(1, 1), b"a label that nobody may see")]).unwrap();
    bench.store.tamper(|contents| {
        for entry in contents.values() {
            assert!(!entry.value.windows(7).any(|bytes| bytes == b"a label"));
        }
    });
}

#[test]
fn a_change_happens_only_if_the_record_is_what_it_expects() {
    let (_bench, vault) = Bench::filled();
    let id = object(1, 1);
    let version = vault.version(id).unwrap();
    let secret = || Secret::new(b"new".to_vec());
    let conflict = VaultError::Conflict { id, found: Some(version) };
    assert_eq!(vault.commit(vec![Change::create(id, secret())]), Err(conflict.clone()));
    let stale = Change::update(id, Version(version.0 - 1), secret());
    assert_eq!(vault.commit(vec![put(object(1, 9), b"with it"), stale]), Err(conflict));
    assert_eq!(value(&vault, object(1, 9)), None, "a refused commit changes nothing");
    vault.commit(vec![Change::update(id, version, secret())]).unwrap();
    assert_eq!(
        vault.commit(vec![Change::delete(object(1, 8), version)]),
        Err(VaultError::Conflict { id: object(1, 8), found: None })
    );
    assert_eq!(vault.commit(vec![put(object(7, 1), b"")]), Err(VaultError::NoDomain(7)));
    let domain_key = put(RecordId::domain_key(1), &[0; 32]);
    assert!(vault.commit(vec![domain_key]).is_err(), "the keys of domains are the vault's own");
}

#[test]
fn a_destroyed_domain_is_gone_with_all_its_records() {
    let (bench, vault) = Bench::filled();
    vault
        .destroy_domain(1, vec![put(RecordId { domain: 0, kind: kind::SETTINGS, number: 1 }, b"x")])
        .unwrap();
    for vault in [vault, bench.open().unwrap()] {
        assert_eq!(vault.domains(), [2]);
        assert_eq!(value(&vault, object(1, 1)), None);
        assert_eq!(value(&vault, object(2, 1)).unwrap(), b"first");
        assert_eq!(vault.destroy_domain(1, vec![]), Err(VaultError::NoDomain(1)));
        assert_eq!(vault.commit(vec![put(object(1, 1), b"")]), Err(VaultError::NoDomain(1)));
        assert_eq!(vault.create_domain(2, vec![]), Err(VaultError::DomainExists(2)));
    }
    let left = bench.store.tamper(|contents| {
        contents.keys().filter(|key| key.starts_with(&RecordId::store_prefix(1, kind::OBJECT))).count()
    });
    assert_eq!(left, 0);
}

#[test]
fn another_root_key_is_told_from_damage() {
    let (bench, _) = Bench::filled();
    let other = RootKey::new(Secret::new(vec![8; 32])).unwrap();
    let refused = Vault::open(bench.store.clone(), bench.anchor.clone(), &other).err();
    assert_eq!(refused, Some(VaultError::WrongRootKey));
}

#[test]
fn the_journal_folds_into_a_snapshot_and_the_vault_opens_from_it() {
    let bench = Bench { store: Arc::new(MemoryStore::new()), anchor: Arc::new(MemoryAnchor::default()) };
    let vault = bench.open().unwrap();
    vault.create_domain(1, vec![]).unwrap();
    for round in 0..2600_u64 {
        vault.commit(vec![put(object(1, round % 10), &round.to_be_bytes())]).unwrap();
    }
    let (pages, entries) = count(&bench);
    assert_eq!(pages, 1, "the old snapshot goes when a new one comes");
    assert!(entries <= 1026, "{entries} entries");
    drop(vault);
    let vault = bench.open().unwrap();
    assert_eq!(value(&vault, object(1, 9)).unwrap(), 2599_u64.to_be_bytes());
    vault.commit(vec![put(object(1, 9), b"on")]).unwrap();
    drop(vault);
    assert_eq!(value(&bench.open().unwrap(), object(1, 9)).unwrap(), b"on");
}

#[test]
fn a_snapshot_of_many_records_has_several_pages() {
    let bench = Bench { store: Arc::new(MemoryStore::new()), anchor: Arc::new(MemoryAnchor::default()) };
    let vault = bench.open().unwrap();
    let many: Vec<_> = (0..10_000).map(|number| put(object(1, number), b"x")).collect();
    vault.create_domain(1, many).unwrap();
    for _ in 0..5100 {
        vault.commit(vec![put(object(1, 1), b"y")]).unwrap();
    }
    assert_eq!(count(&bench).0, 3);
    drop(vault);
    assert_eq!(bench.open().unwrap().records(1, kind::OBJECT).unwrap().len(), 10_000);
    let key = journal::page_key(bench_snapshot(&bench), 1);
    bench.store.tamper(|contents| contents.remove(&key)).unwrap();
    assert!(matches!(bench.refusal(), VaultError::Damaged(Damage::PageMissing { page: 1, .. })));
}

fn count(bench: &Bench) -> (usize, usize) {
    bench.store.tamper(|contents| {
        let count = |prefix| contents.keys().filter(|key| key.starts_with(prefix)).count();
        (count(journal::SNAPSHOT), count(journal::JOURNAL))
    })
}

fn bench_snapshot(bench: &Bench) -> u64 {
    bench.store.tamper(|contents| contents.keys().find_map(|key| journal::page_number(key)).unwrap().0)
}

#[test]
fn a_full_or_read_only_store_refuses_and_the_vault_goes_on_when_there_is_room() {
    let (bench, vault) = Bench::filled();
    for error in [StoreError::Full("no space".into()), StoreError::ReadOnly("mounted so".into())] {
        bench.store.inject(StoreFault::Fails(error.clone()));
        let refused = vault.commit(vec![put(object(1, 1), b"lost")]);
        assert_eq!(refused, Err(VaultError::Store(error)));
        assert_eq!(value(&vault, object(1, 1)).unwrap(), b"first");
    }
    bench.store.inject(StoreFault::None);
    vault.commit(vec![put(object(1, 1), b"second")]).unwrap();
    assert_eq!(value(&vault, object(1, 1)).unwrap(), b"second");
    bench.open().unwrap();
}

#[test]
fn after_a_commit_of_unknown_outcome_nothing_is_written_until_reopened() {
    let (bench, vault) = Bench::filled();
    let error = StoreError::Io("the disk went away".into());
    bench.store.inject(StoreFault::HappensAndFails(error.clone()));
    assert_eq!(vault.commit(vec![put(object(1, 1), b"maybe")]), Err(VaultError::Store(error)));
    let refused = vault.commit(vec![put(object(1, 2), b"more")]).unwrap_err();
    assert!(refused.to_string().contains("until the daemon starts again"), "{refused}");
    drop(vault);
    let vault = bench.open().unwrap();
    assert_eq!(value(&vault, object(1, 1)).unwrap(), b"maybe");
    vault.commit(vec![put(object(1, 2), b"more")]).unwrap();
}

#[test]
fn a_commit_that_the_anchor_did_not_take_is_not_acknowledged() {
    let (bench, vault) = Bench::filled();
    let error = AnchorError::Io("no such device".into());
    bench.anchor.fail(error.clone());
    assert_eq!(vault.commit(vec![put(object(1, 1), b"x")]), Err(VaultError::Anchor(error)));
    assert!(matches!(vault.commit(vec![put(object(1, 1), b"y")]), Err(VaultError::Broken(_))));
}

#[test]
fn two_writers_on_one_store_do_not_overwrite_each_other() {
    let (bench, first) = Bench::filled();
    let second = bench.open().unwrap();
    first.commit(vec![put(object(1, 1), b"first writer")]).unwrap();
    let refused = second.commit(vec![put(object(1, 1), b"second writer")]).unwrap_err();
    assert!(refused.to_string().contains("another daemon"), "{refused}");
    assert_eq!(value(&first, object(1, 1)).unwrap(), b"first writer");
}
