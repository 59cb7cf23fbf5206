//! Tests of the embedded store.

use std::sync::Arc;

use hsm::store::contract;

use super::*;

fn put(key: &[u8], value: Vec<u8>) -> Change {
    Change::Put { key: key.to_vec(), value }
}

#[test]
fn the_embedded_store_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Ok(Arc::new(RedbStore::open(directory.path(), u64::MAX, false)?) as Arc<dyn Store>);
    contract::check(open).unwrap();
}

#[test]
fn a_full_store_says_so_and_goes_on_when_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let store = RedbStore::open(directory.path(), 8 << 20, false).unwrap();
    store.commit(&[], &[put(b"a", vec![1; 1000])]).unwrap();
    let mut stored = 0_u8;
    let error = loop {
        match store.commit(&[], &[put(&[b'n', stored], vec![stored; 1 << 20])]) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full(_)), "{error}");
    assert!((1..8).contains(&stored));
    assert_eq!(store.get(b"a").unwrap().unwrap().value, [1; 1000]);
    assert_eq!(store.scan(b"n", None, 100).unwrap().len(), usize::from(stored));
    store.commit(&[], &[Change::Delete { key: vec![b'n', 0] }]).unwrap();
    store.commit(&[], &[put(b"b", vec![2; 1000])]).unwrap();
    drop(store);
    let store = RedbStore::open(directory.path(), 8 << 20, false).unwrap();
    assert_eq!(store.get(b"b").unwrap().unwrap().value, [2; 1000]);
}

#[test]
fn a_read_only_store_can_be_read_and_not_written() {
    let directory = tempfile::tempdir().unwrap();
    RedbStore::open(directory.path(), u64::MAX, false).unwrap().commit(&[], &[put(b"a", vec![1])]).unwrap();
    let store = RedbStore::open(directory.path(), u64::MAX, true).unwrap();
    assert!(store.is_read_only());
    assert_eq!(store.get(b"a").unwrap().unwrap().value, [1]);
    assert!(matches!(store.commit(&[], &[put(b"a", vec![2])]), Err(StoreError::ReadOnly(_))));
}

#[test]
fn keys_that_a_flipped_bit_put_out_of_order_are_damage_and_not_a_round_without_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("claviger.redb");
    let store = RedbStore::open(directory.path(), u64::MAX, false).unwrap();
    store
        .commit(&[], &[put(b"name-m1", vec![1]), put(b"name-m5", vec![5]), put(b"name-m9", vec![9])])
        .unwrap();
    drop(store);
    let good = fs::read(&path).unwrap();
    let keys = good.windows(7).enumerate().filter(|(_, bytes)| bytes.starts_with(b"name-m"));
    let mut damaged = 0;
    for at in keys.flat_map(|(at, _)| at..at + 7) {
        let mut bad = good.clone();
        bad[at] ^= 0x08;
        fs::write(&path, bad).unwrap();
        let store = RedbStore::open(directory.path(), u64::MAX, false).unwrap();
        let mut after: Option<Vec<u8>> = None;
        for round in 0.. {
            assert!(round < 10, "byte {at}: it goes round");
            match store.scan(b"", after.as_deref(), 2) {
                Ok(page) if page.is_empty() => break,
                Ok(page) => after = page.last().map(|(key, _)| key.clone()),
                Err(StoreError::Corrupt(why)) => {
                    assert_eq!(why, "its keys are out of order");
                    damaged += 1;
                    break;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(damaged > 0);
}

#[test]
fn a_revision_that_no_store_reaches_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    drop(RedbStore::open(directory.path(), u64::MAX, false).unwrap());
    for (revision, sound) in [(MAX_REVISION, true), (MAX_REVISION + 1, false), (u64::MAX, false)] {
        let database = Database::open(directory.path().join("claviger.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(REVISION).unwrap().insert((), revision).unwrap();
        transaction.commit().unwrap();
        drop(database);
        match RedbStore::open(directory.path(), u64::MAX, false) {
            Ok(_) => assert!(sound, "{revision}"),
            Err(StoreError::Corrupt(why)) => {
                assert!(!sound && why.contains(&revision.to_string()), "{why}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_file_that_is_no_store_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("claviger.redb"), [b'x'; 10_000]).unwrap();
    assert!(RedbStore::open(directory.path(), u64::MAX, false).is_err());
}
