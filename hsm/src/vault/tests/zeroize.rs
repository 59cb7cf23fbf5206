//! A partition, and the whole vault, are destroyed for good, with a crash at any point.

use super::*;

/// Bytes of everything in the store.
fn keys(bench: &Bench) -> Vec<Vec<u8>> {
    bench.store.tamper(|contents| contents.keys().cloned().collect())
}

#[test]
fn a_zeroized_domain_is_gone_and_the_others_stay() {
    let (bench, vault) = Bench::filled();
    vault.zeroize_domain(1, vec![]).unwrap();
    assert!(!vault.finish_zeroizing().unwrap(), "it is finished");
    for vault in [vault, bench.open().unwrap()] {
        assert_eq!(vault.domains(), [2]);
        assert_eq!(value(&vault, object(2, 1)).unwrap(), b"first");
        assert_eq!(vault.zeroize_domain(1, vec![]), Err(VaultError::NoDomain(1)));
    }
}

#[test]
fn overwriting_that_a_crash_cut_short_goes_on_at_the_next_start() {
    let (bench, vault) = Bench::filled();
    // The commit happens, that which says that all is overwritten does not.
    bench.store.inject(StoreFault::FailsAfter(1, StoreError::Full("no space".into())));
    vault.zeroize_domain(1, vec![]).unwrap_err();
    assert_eq!(vault.domains(), [2]);
    drop(vault);
    let vault = bench.open().unwrap();
    assert!(vault.finish_zeroizing().unwrap());
    assert!(!vault.finish_zeroizing().unwrap());
}

#[test]
fn a_zeroized_vault_is_empty_and_another_is_made_in_its_place() {
    let (bench, vault) = Bench::filled();
    drop(vault);
    Vault::zeroize(&*bench.store, &*bench.anchor).unwrap();
    assert!(keys(&bench).is_empty());
    assert_eq!(bench.anchor.read().unwrap(), None);
    assert!(!Vault::finish_zeroizing_all(&*bench.store, &*bench.anchor).unwrap());
    let other = RootKey::new(Secret::new(vec![8; 32])).unwrap();
    let vault = Vault::open(bench.store.clone(), bench.anchor.clone(), &other).unwrap();
    assert_eq!(vault.domains(), []);
}

#[test]
fn zeroizing_that_a_crash_cut_short_cannot_be_undone_and_goes_on() {
    for good in 0..3 {
        let (bench, vault) = Bench::filled();
        drop(vault);
        bench.store.inject(StoreFault::FailsAfter(good, StoreError::Io("pulled".into())));
        Vault::zeroize(&*bench.store, &*bench.anchor).unwrap_err();
        // Nothing opens it any more, whatever of it is left.
        assert!(matches!(bench.refusal(), VaultError::Damaged(_)), "{good}");
        assert!(Vault::finish_zeroizing_all(&*bench.store, &*bench.anchor).unwrap());
        assert!(keys(&bench).is_empty());
        assert_eq!(bench.open().unwrap().domains(), []);
    }
}

#[test]
fn the_anchor_of_another_store_destroys_nothing() {
    let (bench, _) = Bench::filled();
    let (other, _) = Bench::filled();
    other.store.inject(StoreFault::Fails(StoreError::Io("pulled".into())));
    Vault::zeroize(&*other.store, &*other.anchor).unwrap_err();
    let refused = Vault::finish_zeroizing_all(&*bench.store, &*other.anchor);
    assert_eq!(refused, Err(VaultError::Damaged(Damage::AnchorForeign)));
    bench.open().unwrap();
}
