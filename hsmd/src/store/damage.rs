//! Damaged pages: the embedded store's library asserts what it could report, so its panics are taken as damage.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hsm::store::StoreError;

thread_local! {
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is within [`survive`], so that a panic is no defect of ours.
pub(crate) fn is_expected() -> bool {
    AT_WORK.get()
}

/// Runs what reads pages of the store's file.
///
/// # Errors
/// `Corrupt` if it panics; else its own.
pub(super) fn survive<T>(what: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let before = AT_WORK.replace(true);
    // What it leaves is not used again: an open store is closed, and after a commit nothing is written.
    let done = catch_unwind(AssertUnwindSafe(what));
    AT_WORK.set(before);
    done.unwrap_or_else(|_| Err(StoreError::Corrupt("a page of its file was changed".into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_damage_and_is_expected_only_meanwhile() {
        let ended = survive::<()>(|| {
            assert!(is_expected());
            let pages: &[u8] = std::hint::black_box(&[]);
            Err(StoreError::Io(format!("page {}", pages[0])))
        });
        assert!(matches!(ended, Err(StoreError::Corrupt(_))), "{ended:?}");
        assert!(!is_expected());
        assert_eq!(survive(|| Ok(1)), Ok(1));
    }
}
