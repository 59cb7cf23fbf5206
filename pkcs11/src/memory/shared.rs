//! A value that a static holds and threads borrow, with no lock that a `fork` could leave held.

use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};

/// At most one value. Who calls what when is the duty of `process`, the one user: [`Shared::get`] never runs
/// beside [`Shared::take`] or [`Shared::forget`].
pub(crate) struct Shared<T>(AtomicPtr<T>);

impl<T: Send + Sync + 'static> Shared<T> {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    /// Puts a value where none is.
    pub(crate) fn put(&self, value: T) {
        self.0.store(Arc::into_raw(Arc::new(value)).cast_mut(), SeqCst);
    }

    /// The value.
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        let value = self.0.load(SeqCst);
        if value.is_null() {
            return None;
        }
        // SAFETY: it came from `Arc::into_raw` in `put`, and the static's own count lasts until `take`, which
        // does not run beside this.
        unsafe {
            Arc::increment_strong_count(value);
            Some(Arc::from_raw(value))
        }
    }

    /// Takes the value out.
    pub(crate) fn take(&self) -> Option<Arc<T>> {
        let value = self.0.swap(null_mut(), SeqCst);
        // SAFETY: it came from `Arc::into_raw` in `put`, and its count is given up only here.
        (!value.is_null()).then(|| unsafe { Arc::from_raw(value) })
    }

    /// Takes the value out and never frees it.
    pub(crate) fn forget(&self) -> Option<&'static T> {
        let value = self.0.swap(null_mut(), SeqCst);
        // SAFETY: it came from `Arc::into_raw` in `put`, and its count is never given up.
        unsafe { value.as_ref() }
    }
}
