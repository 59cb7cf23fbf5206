//! Many threads commit at once.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::store::{Precondition, Revision, Watch};

/// A store whose commits take a while, so that others wait meanwhile.
struct Slow {
    inner: MemoryStore,
    commits: AtomicU64,
}

impl Store for Slow {
    fn get(&self, key: &[u8]) -> Result<Option<crate::store::Entry>, StoreError> {
        self.inner.get(key)
    }
    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, crate::store::Entry)>, StoreError> {
        self.inner.scan(prefix, after, limit)
    }
    fn commit(
        &self,
        preconditions: &[Precondition],
        changes: &[crate::store::Change],
    ) -> Result<Revision, StoreError> {
        self.commits.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(std::time::Duration::from_millis(5));
        self.inner.commit(preconditions, changes)
    }
    fn watch(&self, prefix: &[u8], from: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.inner.watch(prefix, from)
    }
}

fn slow() -> (Arc<Slow>, Vault) {
    let store = Arc::new(Slow { inner: MemoryStore::new(), commits: AtomicU64::new(0) });
    let vault = Vault::open(store.clone(), Arc::new(MemoryAnchor::default()), &root()).unwrap();
    vault.create_domain(1, vec![]).unwrap();
    (store, vault)
}

#[test]
fn threads_that_wait_are_committed_together() {
    let (store, vault) = slow();
    let before = store.commits.load(Ordering::Relaxed);
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let vault = &vault;
            scope.spawn(move || {
                for number in 0..4 {
                    vault.commit(vec![put(object(1, thread * 4 + number), b"x")]).unwrap();
                }
            });
        }
    });
    assert_eq!(vault.records(1, kind::OBJECT).unwrap().len(), 64);
    let commits = store.commits.load(Ordering::Relaxed) - before;
    assert!(commits < 32, "64 commits of 16 threads went to the store one by one: {commits}");
}

#[test]
fn of_many_who_change_one_version_one_wins_and_the_others_are_told() {
    let (_store, vault) = slow();
    let id = object(1, 1);
    let version = vault.commit(vec![put(id, b"start")]).unwrap();
    let (won, lost) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..16_u64 {
            let (vault, won, lost) = (&vault, &won, &lost);
            scope.spawn(move || {
                let mine = Change::update(id, version, Secret::new(b"mine".to_vec()));
                match vault.commit(vec![mine, put(object(1, 100 + thread), b"with it")]) {
                    Ok(_) => won.fetch_add(1, Ordering::Relaxed),
                    Err(VaultError::Conflict { .. }) => lost.fetch_add(1, Ordering::Relaxed),
                    Err(other) => panic!("{other}"),
                };
                // Another's conflict is not this one's.
                vault.commit(vec![put(object(1, 200 + thread), b"alone")]).unwrap();
            });
        }
    });
    assert_eq!((won.into_inner(), lost.into_inner()), (1, 15));
    let with_it = vault.records(1, kind::OBJECT).unwrap();
    assert_eq!(with_it.iter().filter(|(number, ..)| (100..200).contains(number)).count(), 1);
    assert_eq!(with_it.iter().filter(|(number, ..)| *number >= 200).count(), 16);
}

#[test]
fn readers_never_see_a_commit_halfway() {
    let (_store, vault) = slow();
    let id = object(1, 1);
    vault.commit(vec![put(id, &0_u64.to_be_bytes())]).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 1..30_u64 {
                vault.commit(vec![put(id, &round.to_be_bytes())]).unwrap();
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let seen = u64::from_be_bytes(value(&vault, id).unwrap().try_into().unwrap());
            assert!(seen >= last);
            last = seen;
            vault.records(1, kind::OBJECT).unwrap();
        }
    });
}
