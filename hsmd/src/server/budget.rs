//! A bound on the memory of large requests that are in work at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So many bytes, of which some are taken.
pub(crate) struct Budget {
    limit: usize,
    taken: AtomicUsize,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, taken: AtomicUsize::new(0) }
    }

    /// Takes `bytes`, if there are so many left.
    pub(crate) fn take(&self, bytes: usize) -> Option<Share<'_>> {
        let more = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= self.limit);
        let taken = self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        taken.is_ok().then(|| Share { budget: self, bytes })
    }
}

/// Bytes taken; dropping it gives them back.
pub(crate) struct Share<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Share<'_> {
    /// The bytes it has.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes more, until it has `bytes`; `false` if there are not so many left.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let Some(taken) = self.budget.take(more) else { return false };
        std::mem::forget(taken); // its bytes are now this one's
        self.bytes += more;
        true
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Budget::new(10);
        let share = budget.take(7).unwrap();
        assert!(budget.take(4).is_none());
        assert!(budget.take(usize::MAX).is_none());
        let mut rest = budget.take(1).unwrap();
        assert!(rest.grow(3) && rest.grow(2));
        assert!(!rest.grow(4));
        assert_eq!(rest.bytes(), 3);
        drop((share, rest));
        assert!(budget.take(10).is_some());
    }
}
