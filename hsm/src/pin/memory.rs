//! The memory that PINs are hashed in, some 20 MB each.

use std::sync::LazyLock;
use std::thread::available_parallelism;

use argon2::Block;
use parking_lot::{Condvar, Mutex};
use zeroize::Zeroize;

/// As many places to hash a PIN at as there are processors: more at once would only take longer each, and more memory.
///
/// A place keeps its memory. Given back, it would not be free for the next PIN: what else is allocated meanwhile comes to
/// lie in it, and the next one takes as much new memory.
static PLACES: LazyLock<Places> =
    LazyLock::new(|| Places::new(available_parallelism().map_or(1, Into::into)));

/// Gives work so many blocks of zeros, once a place is free. They are overwritten when it ends.
pub(super) fn with_blocks<R>(count: usize, work: impl FnOnce(&mut [Block]) -> R) -> R {
    PLACES.with_blocks(count, work)
}

struct Places {
    free: Mutex<Vec<Vec<Block>>>,
    is_one_free: Condvar,
}

/// The memory of a place, until it is given back.
struct Taken<'a> {
    places: &'a Places,
    blocks: Vec<Block>,
}

impl Places {
    fn new(count: usize) -> Self {
        let free = (0..count).map(|_| Vec::new()).collect();
        Self { free: Mutex::new(free), is_one_free: Condvar::new() }
    }

    fn with_blocks<R>(&self, count: usize, work: impl FnOnce(&mut [Block]) -> R) -> R {
        let mut taken = self.take();
        taken.blocks.resize(count, Block::default());
        work(&mut taken.blocks)
    }

    fn take(&self) -> Taken<'_> {
        let mut free = self.free.lock();
        loop {
            if let Some(blocks) = free.pop() {
                return Taken { places: self, blocks };
            }
            self.is_one_free.wait(&mut free);
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // It holds what the PIN can be told from, at no cost; the library does not wipe it.
        self.blocks.iter_mut().for_each(Zeroize::zeroize);
        self.places.free.lock().push(std::mem::take(&mut self.blocks));
        self.places.is_one_free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn is_wiped(blocks: &[Block]) -> bool {
        blocks.iter().all(|block| block.as_ref().iter().all(|word| *word == 0))
    }

    #[test]
    fn no_more_work_is_done_at_once_than_there_are_places() {
        let (places, now, most) = (Places::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    places.with_blocks(1, |_| {
                        most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                        thread::sleep(Duration::from_millis(5));
                        now.fetch_sub(1, SeqCst);
                    });
                });
            }
        });
        assert_eq!(most.into_inner(), 2);
        assert_eq!(places.free.lock().len(), 2);
    }

    #[test]
    fn memory_is_wiped_and_used_again_also_after_a_panic() {
        let places = Places::new(1);
        let fill = |blocks: &mut [Block]| blocks.iter_mut().for_each(|block| block.as_mut().fill(u64::MAX));
        places.with_blocks(8, fill);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            places.with_blocks(8, |blocks| {
                assert!(is_wiped(blocks));
                fill(blocks);
                panic!("a test");
            });
        }))
        .is_err();
        assert!(panicked);
        let free = places.free.lock();
        assert!(free.len() == 1 && free[0].len() == 8 && is_wiped(&free[0]));
        drop(free);
        // Another cost takes more or fewer of them.
        for count in [3, 16] {
            places.with_blocks(count, |blocks| assert!(blocks.len() == count && is_wiped(blocks)));
        }
    }
}
