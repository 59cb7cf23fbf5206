//! Tells watchers of a store within one process what was committed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{Change, Notice, Revision, StoreError, Watch};

/// The most changes kept for a watcher that is behind.
const KEPT: usize = 4096;

/// Where a store publishes its commits. Nothing is kept while nobody watches.
pub struct Feed(Arc<Shared>);

struct Shared {
    recent: Mutex<Recent>,
    news: Condvar,
}

struct Recent {
    notices: VecDeque<Notice>,
    /// Every change of this revision and later is in `notices`.
    oldest: Revision,
    watchers: usize,
}

impl Feed {
    /// A feed of a store whose last commit was `last`.
    #[must_use]
    pub fn new(last: Revision) -> Self {
        let recent = Recent { notices: VecDeque::new(), oldest: last + 1, watchers: 0 };
        Self(Arc::new(Shared { recent: Mutex::new(recent), news: Condvar::new() }))
    }

    /// Tells of a commit. Commits are published in their order.
    pub fn publish(&self, revision: Revision, changes: &[Change]) {
        let mut recent = self.0.recent.lock();
        if recent.watchers == 0 {
            recent.notices.clear();
            recent.oldest = revision + 1;
            return;
        }
        recent.notices.extend(changes.iter().map(|change| Notice { revision, change: change.clone() }));
        while recent.notices.len() > KEPT {
            if let Some(gone) = recent.notices.pop_front() {
                recent.oldest = gone.revision + 1;
            }
        }
        drop(recent);
        self.0.news.notify_all();
    }

    /// A watch on keys that begin with `prefix`, from the changes of `from` on.
    ///
    /// # Errors
    /// `Compacted` if those are not known any more.
    pub fn watch(&self, prefix: &[u8], from: Revision) -> Result<Box<dyn Watch>, StoreError> {
        let mut recent = self.0.recent.lock();
        if from < recent.oldest {
            return Err(StoreError::Compacted { oldest: recent.oldest });
        }
        recent.watchers += 1;
        Ok(Box::new(Watcher { shared: Arc::clone(&self.0), prefix: prefix.to_vec(), next: from, skip: 0 }))
    }
}

struct Watcher {
    shared: Arc<Shared>,
    prefix: Vec<u8>,
    /// The revision it is at.
    next: Revision,
    /// Changes of that revision that it has seen.
    skip: usize,
}

impl Watcher {
    fn take(&mut self, recent: &Recent) -> Result<Option<Notice>, StoreError> {
        if self.next < recent.oldest {
            return Err(StoreError::Compacted { oldest: recent.oldest });
        }
        let start = recent.notices.partition_point(|notice| notice.revision < self.next) + self.skip;
        for notice in recent.notices.range(start.min(recent.notices.len())..) {
            if notice.revision > self.next {
                (self.next, self.skip) = (notice.revision, 0);
            }
            self.skip += 1;
            if notice.change.key().starts_with(&self.prefix) {
                return Ok(Some(notice.clone()));
            }
        }
        Ok(None)
    }
}

impl Watch for Watcher {
    fn next(&mut self, wait: Duration) -> Result<Option<Notice>, StoreError> {
        let until = Instant::now() + wait;
        let shared = Arc::clone(&self.shared);
        let mut recent = shared.recent.lock();
        loop {
            if let Some(notice) = self.take(&recent)? {
                return Ok(Some(notice));
            }
            if shared.news.wait_until(&mut recent, until).timed_out() {
                return self.take(&recent);
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.recent.lock().watchers -= 1;
    }
}
