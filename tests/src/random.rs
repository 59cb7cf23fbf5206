//! Choices that a seed makes again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// A sequence of choices that depends on its seed alone (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed in the environment variable `name`, or else a new one; it is printed, so that what it led to
    /// can be run again.
    ///
    /// # Panics
    /// If the variable holds no number.
    #[must_use]
    pub fn seed(name: &str) -> u64 {
        let seed = match std::env::var(name) {
            Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("{name}={seed} is no number")),
            Err(_) => RandomState::new().build_hasher().finish(),
        };
        println!("{name}={seed}");
        seed
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number less than `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.number() % limit.max(1) as u64) as usize
    }

    /// A time shorter than `limit`.
    pub fn time(&mut self, limit: Duration) -> Duration {
        Duration::from_micros(self.below(limit.as_micros() as usize) as u64)
    }

    /// One of several.
    ///
    /// # Panics
    /// If there is none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
