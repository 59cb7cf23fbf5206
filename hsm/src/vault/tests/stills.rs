//! Stills: what they show while others write.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

fn all(still: &Still<'_>) -> Vec<(RecordId, Vec<u8>)> {
    still.names().map(|id| (id, still.read(id).unwrap().as_bytes().to_vec())).collect()
}

#[test]
fn a_still_shows_what_was_there_whatever_comes_after() {
    let (_, vault) = Bench::filled();
    let still = vault.still(|id| id.domain == 1);
    let before = all(&still);
    assert_eq!(before.len(), 3);
    let commit = vault.last_commit();
    vault.commit(vec![put(object(1, 1), b"second"), gone(object(1, 2)), put(object(1, 9), b"new")]).unwrap();
    vault.commit(vec![put(object(1, 1), b"third"), put(object(1, 2), b"again")]).unwrap();
    assert_eq!(all(&still), before);
    assert_eq!(still.commit(), commit);
    assert_eq!(value(&vault, object(1, 1)).unwrap(), b"third");
    assert_eq!(all(&vault.still(|id| id.domain == 1)).len(), 4);
}

#[test]
fn what_was_taken_is_not_kept_any_more() {
    let (_, vault) = Bench::filled();
    let still = vault.still(|id| id.domain == 1);
    vault.commit(vec![put(object(1, 1), b"second")]).unwrap();
    assert_eq!(still.take(object(1, 1)).unwrap().as_bytes(), b"first");
    assert!(matches!(still.read(object(1, 1)), Err(StillError::Lost(_))));
    vault.commit(vec![put(object(1, 1), b"third"), put(object(1, 2), b"second")]).unwrap();
    assert_eq!(still.take(object(1, 2)).unwrap().as_bytes(), b"first");
}

#[test]
fn a_partition_that_is_destroyed_is_gone_for_stills_too() {
    let (_, vault) = Bench::filled();
    let (doomed, other) = (vault.still(|id| id.domain == 1), vault.still(|id| id.domain == 2));
    vault.destroy_domain(1, vec![]).unwrap();
    let why = doomed.read(object(1, 1)).unwrap_err();
    assert_eq!(why, StillError::Lost("partition 1 was destroyed meanwhile".into()));
    assert_eq!(all(&other).len(), 3);
}

#[test]
fn a_still_is_of_one_moment_while_threads_write() {
    let (_, vault) = Bench::filled();
    // Both records change in one commit, always to the same value.
    let both =
        |value: u32| vec![put(object(1, 1), &value.to_le_bytes()), put(object(1, 2), &value.to_le_bytes())];
    vault.commit(both(0)).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for value in 1.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                vault.commit(both(value)).unwrap();
            }
        });
        for _ in 0..200 {
            let still = vault.still(|id| id.domain == 1 && id.number < 3);
            let shown = all(&still);
            std::thread::yield_now();
            assert_eq!(shown[0].1, shown[1].1);
            assert_eq!(all(&still), shown);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn domains_that_are_made_together_come_together_or_not_at_all() {
    let (bench, vault) = Bench::filled();
    let with = || vec![put(object(7, 1), b"seven"), put(object(8, 1), b"eight")];
    assert_eq!(vault.create_domains(vec![7, 1], with()).unwrap_err(), VaultError::DomainExists(1));
    assert_eq!(vault.create_domains(vec![7], with()).unwrap_err(), VaultError::NoDomain(8));
    assert_eq!(vault.create_domains(vec![7, 7], with()).unwrap_err(), VaultError::DomainExists(7));
    assert_eq!(vault.domains(), [1, 2]);
    vault.create_domains(vec![7, 8], with()).unwrap();
    drop(vault);
    let vault = bench.open().unwrap();
    assert_eq!(vault.domains(), [1, 2, 7, 8]);
    assert_eq!(value(&vault, object(8, 1)).unwrap(), b"eight");
    assert_eq!(vault.names(7), [object(7, 1)]);
}
