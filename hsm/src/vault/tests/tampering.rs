//! Whoever has the disk changes something, and the vault says what.

use super::super::journal::{entry_key, page_key};
use super::*;
use crate::store::Entry;

fn refused_as(bench: &Bench, message: &str) {
    assert_eq!(bench.refusal().to_string(), message);
}

fn read(bench: &Bench, key: &[u8]) -> Entry {
    bench.store.tamper(|contents| contents[key].clone())
}

fn write(bench: &Bench, key: &[u8], entry: Entry) {
    bench.store.tamper(|contents| contents.insert(key.to_vec(), entry));
}

#[test]
fn a_flipped_bit_anywhere_is_refused_by_name() {
    let (bench, _) = Bench::filled();
    bench.open().unwrap();
    let keys: Vec<Vec<u8>> = bench.store.tamper(|contents| contents.keys().cloned().collect());
    for key in keys {
        let good = read(&bench, &key);
        for bit in 0..good.value.len() * 8 {
            let mut bad = good.clone();
            bad.value[bit / 8] ^= 1 << (bit % 8);
            write(&bench, &key, bad);
            let message = bench.refusal().to_string();
            let named = match key[0] {
                // A bit of the check value, of the store's id: the header's parts look like those of another.
                b'h' => "header|format|root key|anchor",
                b'j' => "journal entry",
                _ => "record",
            };
            assert!(named.split('|').any(|name| message.contains(name)), "bit {bit} of {key:?}: {message}");
        }
        write(&bench, &key, good);
    }
    bench.open().unwrap();
}

#[test]
fn a_record_that_was_changed_does_not_authenticate() {
    let (bench, _) = Bench::filled();
    let key = object(1, 3).store_key();
    let mut entry = read(&bench, &key);
    entry.value[20] ^= 1;
    write(&bench, &key, entry);
    refused_as(&bench, "record partition 1 object 3: does not authenticate");
}

#[test]
fn two_records_that_were_swapped_do_not_authenticate() {
    let (bench, _) = Bench::filled();
    let (a, b) = (object(1, 1).store_key(), object(1, 2).store_key());
    let (one, two) = (read(&bench, &a), read(&bench, &b));
    write(&bench, &a, two);
    write(&bench, &b, one);
    refused_as(&bench, "record partition 1 object 1: does not authenticate");
}

#[test]
fn a_record_moved_to_another_partition_does_not_authenticate() {
    let (bench, _) = Bench::filled();
    let entry = read(&bench, &object(1, 1).store_key());
    write(&bench, &object(2, 1).store_key(), entry);
    refused_as(&bench, "record partition 2 object 1: does not authenticate");
}

#[test]
fn a_deleted_record_is_missing() {
    let (bench, _) = Bench::filled();
    for number in [3, 2, 1] {
        bench.store.tamper(|contents| contents.remove(&object(2, number).store_key())).unwrap();
        refused_as(&bench, &format!("record partition 2 object {number}: is missing"));
    }
    bench.store.tamper(|contents| contents.remove(&RecordId::domain_key(1).store_key())).unwrap();
    refused_as(&bench, "record partition 1 key: is missing");
}

#[test]
fn an_old_copy_of_a_record_is_refused_with_both_versions() {
    let (bench, vault) = Bench::filled();
    let key = object(1, 1).store_key();
    let old = read(&bench, &key);
    let before = vault.version(object(1, 1)).unwrap();
    let after = vault.commit(vec![put(object(1, 1), b"second")]).unwrap();
    write(&bench, &key, old);
    let message = format!(
        "record partition 1 object 1: is version {before} but the journal says {after}: an older copy was put back"
    );
    refused_as(&bench, &message);
    // Noticed at use as well, should it happen while the vault is open.
    assert_eq!(vault.get(object(1, 1)).unwrap_err().to_string(), message);
    assert_eq!(vault.records(1, kind::OBJECT).unwrap_err().to_string(), message);
}

#[test]
fn a_destroyed_record_that_was_put_back_is_unknown() {
    let (bench, vault) = Bench::filled();
    let key = object(1, 2).store_key();
    let old = read(&bench, &key);
    vault.commit(vec![gone(object(1, 2))]).unwrap();
    write(&bench, &key, old);
    refused_as(&bench, "record partition 1 object 2: is unknown to the journal");
    assert_eq!(value(&vault, object(1, 2)), None);
}

#[test]
fn a_record_of_a_commit_that_was_given_up_is_refused() {
    let (bench, vault) = Bench::filled();
    let before = usize::try_from(bench.store.revision()).unwrap();
    // The anchor fails: the commit is in the store, and was never acknowledged.
    let acknowledged = bench.anchor.read().unwrap();
    bench.anchor.fail(AnchorError::Io("pulled".into()));
    vault.commit(vec![put(object(1, 1), b"never acknowledged")]).unwrap_err();
    let given_up = read(&bench, &object(1, 1).store_key());
    // Without it the store is what was acknowledged, and another commit takes its number.
    let bench = Bench {
        store: Arc::new(bench.store.as_of(before)),
        anchor: Arc::new(MemoryAnchor::at(acknowledged)),
    };
    let vault = bench.open().unwrap();
    vault.commit(vec![put(object(1, 1), b"acknowledged")]).unwrap();
    write(&bench, &object(1, 1).store_key(), given_up);
    refused_as(
        &bench,
        "record partition 1 object 1: is of a commit that was never acknowledged: another copy was put back",
    );
}

#[test]
fn a_missing_journal_entry_is_named() {
    let (bench, vault) = Bench::filled();
    let last = vault.last_commit().0;
    for entry in [5, 3, 1] {
        bench.store.tamper(|contents| contents.remove(&entry_key(entry))).unwrap();
        refused_as(&bench, &format!("journal entry {entry} is missing"));
    }
    assert!(last > 5);
    bench.store.tamper(|contents| contents.retain(|key, _| key[0] != b'j'));
    refused_as(&bench, "journal entry 1 is missing");
}

#[test]
fn an_entry_under_another_number_does_not_authenticate() {
    let (bench, _) = Bench::filled();
    let entry = read(&bench, &entry_key(4));
    write(&bench, &entry_key(5), entry);
    refused_as(&bench, "journal entry 5 does not authenticate");
}

#[test]
fn yesterdays_copy_of_the_whole_store_is_refused() {
    let (bench, vault) = Bench::filled();
    let last = vault.last_commit().0;
    for commits in 1..usize::try_from(last).unwrap() {
        let old = Bench { store: Arc::new(bench.store.as_of(commits)), anchor: bench.anchor.clone() };
        refused_as(
            &old,
            &format!(
                "the store ends at commit {commits} but commit {last} was acknowledged: an older copy of the \
                 store was put back"
            ),
        );
    }
    let empty = Bench { store: Arc::new(MemoryStore::new()), anchor: bench.anchor.clone() };
    assert!(empty.refusal().to_string().starts_with("the store ends at commit 0"));
}

#[test]
fn a_journal_cut_short_is_an_older_store() {
    let (bench, vault) = Bench::filled();
    let last = vault.last_commit().0;
    bench.store.tamper(|contents| contents.remove(&entry_key(last))).unwrap();
    assert_eq!(
        bench.refusal(),
        VaultError::Damaged(Damage::RolledBack { store: last - 1, acknowledged: last })
    );
}

#[test]
fn an_old_anchor_is_refused() {
    let (bench, vault) = Bench::filled();
    let old = bench.anchor.read().unwrap();
    vault.commit(vec![put(object(1, 1), b"a")]).unwrap();
    vault.commit(vec![put(object(1, 1), b"b")]).unwrap();
    let bench = Bench { store: bench.store.clone(), anchor: Arc::new(MemoryAnchor::at(old)) };
    assert!(matches!(bench.refusal(), VaultError::Damaged(Damage::AnchorBehind { .. })));
}

#[test]
fn a_missing_or_changed_or_foreign_anchor_is_refused_with_what_to_do() {
    let (bench, vault) = Bench::filled();
    let good = bench.anchor.read().unwrap().unwrap();
    let with = |anchor| Bench { store: bench.store.clone(), anchor: Arc::new(MemoryAnchor::at(anchor)) };
    let message = with(None).refusal().to_string();
    assert!(message.contains("anchor is missing") && message.contains("--trust-store"), "{message}");
    for bit in 0..AnchorState::LEN * 8 {
        let mut bytes = good.to_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let message = with(AnchorState::from_bytes(&bytes)).refusal().to_string();
        let expected = if bit < 128 {
            "the anchor belongs to another store"
        } else {
            "the anchor does not authenticate"
        };
        assert_eq!(message, expected, "bit {bit}");
    }
    let (other, _) = Bench::filled();
    let foreign = with(other.anchor.read().unwrap()).refusal();
    assert_eq!(foreign, VaultError::Damaged(Damage::AnchorForeign));
    drop(vault);

    let lost = with(None);
    let open = |trust| Vault::open_trusting(lost.store.clone(), lost.anchor.clone(), &root(), trust, b"");
    open(Trust::Store).unwrap();
    open(Trust::Anchor).unwrap();
}

#[test]
fn a_store_without_its_header_is_not_taken_for_an_empty_one() {
    let (bench, _) = Bench::filled();
    bench.store.tamper(|contents| contents.remove(&b"h"[..])).unwrap();
    refused_as(&bench, "the store's header is missing");
}

#[test]
fn a_snapshot_that_was_changed_or_put_back_is_refused() {
    let bench = Bench { store: Arc::new(MemoryStore::new()), anchor: Arc::new(MemoryAnchor::default()) };
    let vault = bench.open().unwrap();
    vault.create_domain(1, vec![]).unwrap();
    let fold = |rounds| {
        for _ in 0..rounds {
            vault.commit(vec![put(object(1, 1), b"x")]).unwrap();
        }
        bench.store.tamper(|contents| contents.keys().find_map(|key| journal::page_number(key)))
    };
    let (first, _) = fold(1100).unwrap();
    let old = read(&bench, &page_key(first, 0));
    let (second, _) = fold(1100).unwrap();
    assert!(second > first);
    bench.open().unwrap();

    write(&bench, &page_key(first, 0), old.clone());
    assert_eq!(bench.refusal(), VaultError::Damaged(Damage::TwoSnapshots(first, second)));
    let new = bench.store.tamper(|contents| contents.remove(&page_key(second, 0))).unwrap();
    refused_as(&bench, &format!("journal entry {first} is missing"));
    bench.store.tamper(|contents| contents.remove(&page_key(first, 0))).unwrap();
    refused_as(&bench, "journal entry 1 is missing");
    write(&bench, &page_key(second, 0), old);
    refused_as(&bench, &format!("page 0 of the snapshot of commit {second} does not authenticate"));
    write(&bench, &page_key(second, 0), new);
    bench.open().unwrap();
    let entry = bench.store.tamper(|contents| contents.remove(&entry_key(second))).unwrap();
    refused_as(&bench, &format!("journal entry {second} is missing"));
    write(&bench, &entry_key(second), entry);
    bench.open().unwrap();
}
