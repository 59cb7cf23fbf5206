//! Bounds on what all users share, with something left for whoever comes late: connections, and the memory of
//! large calls that are in work at once.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// A user takes more as long as it holds no more than so many times what is free. So one user alone gets all but
/// a sixteenth, and the next one most of that.
const GREED: usize = 15;

/// So many of something, of which users have taken some.
pub(crate) struct Budget {
    limit: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// By the number of the user.
    each: HashMap<u32, usize>,
}

/// Why there is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exhausted {
    /// There is not so much left.
    All,
    /// The rest is for other users; this one has so much.
    User(usize),
}

impl Budget {
    /// A budget of `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, taken: Mutex::default() }
    }

    /// How much is taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.lock().all
    }

    /// Takes so much for a user.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(crate) fn take(self: &Arc<Self>, user: u32, amount: usize) -> Result<Share, Exhausted> {
        self.add(user, amount)?;
        Ok(Share { budget: Arc::clone(self), user, amount })
    }

    fn add(&self, user: u32, amount: usize) -> Result<(), Exhausted> {
        let mut taken = self.taken.lock();
        let free = self.limit.saturating_sub(taken.all);
        let held = taken.each.get(&user).copied().unwrap_or_default();
        if amount > free {
            return Err(Exhausted::All);
        }
        if amount > 0 && held > free.saturating_mul(GREED) {
            return Err(Exhausted::User(held));
        }
        taken.all += amount;
        if amount > 0 {
            taken.each.insert(user, held + amount);
        }
        Ok(())
    }
}

/// What a user has taken; dropping it gives it back.
pub(crate) struct Share {
    budget: Arc<Budget>,
    user: u32,
    amount: usize,
}

impl Share {
    /// How much it is.
    pub(crate) const fn amount(&self) -> usize {
        self.amount
    }

    /// Takes more, until it is `amount`; `false` if there is not so much left.
    pub(crate) fn grow(&mut self, amount: usize) -> bool {
        let more = amount.saturating_sub(self.amount);
        if self.budget.add(self.user, more).is_err() {
            return false;
        }
        self.amount += more;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.budget.taken.lock();
        taken.all = taken.all.saturating_sub(self.amount);
        let left = taken.each.get(&self.user).map_or(0, |held| held.saturating_sub(self.amount));
        if left == 0 {
            taken.each.remove(&self.user);
        } else {
            taken.each.insert(self.user, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Arc::new(Budget::new(10));
        let share = budget.take(1, 7).unwrap();
        assert_eq!(budget.take(1, 4).err(), Some(Exhausted::All));
        assert_eq!(budget.take(1, usize::MAX).err(), Some(Exhausted::All));
        let mut rest = budget.take(1, 1).unwrap();
        assert!(rest.grow(3) && rest.grow(2));
        assert!(!rest.grow(4));
        assert_eq!((rest.amount(), budget.taken()), (3, 10));
        drop((share, rest));
        assert_eq!(budget.taken(), 0);
        assert!(budget.taken.lock().each.is_empty(), "a user who is gone costs no memory");
        assert!(budget.take(1, 10).is_ok());
    }

    #[test]
    fn a_user_who_takes_all_that_he_can_leaves_some_for_others() {
        let budget = Arc::new(Budget::new(4096));
        let mut held = Vec::new();
        let mut all_for = |user| loop {
            match budget.take(user, 1) {
                Ok(share) => held.push(share),
                Err(why) => break why,
            }
        };
        assert_eq!(all_for(1), Exhausted::User(3841));
        assert_eq!(all_for(2), Exhausted::User(240));
        for user in 3..18 {
            assert!(budget.take(user, 1).is_ok(), "nothing is left for user {user}");
        }
    }
}
