//! A store whose commits are timed.

use std::sync::Arc;
use std::time::Instant;

use hsm::store::{Change, Entry, Precondition, Revision, Store, StoreError, Watch};

use super::Metrics;

/// Another store, and how long its commits take.
pub(crate) struct Metered {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl Metered {
    pub(crate) fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics }
    }
}

impl Store for Metered {
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        self.store.get(key)
    }

    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Entry)>, StoreError> {
        self.store.scan(prefix, after, limit)
    }

    fn commit(&self, preconditions: &[Precondition], changes: &[Change]) -> Result<Revision, StoreError> {
        let began = Instant::now();
        let done = self.store.commit(preconditions, changes);
        self.metrics.committed(began.elapsed(), done.is_ok());
        done
    }

    fn watch(&self, prefix: &[u8], from: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.store.watch(prefix, from)
    }
}
