//! A store in memory, for tests: it fails when it is told to, and it remembers every state it was in.

use std::collections::BTreeMap;
use std::ops::Bound;

use parking_lot::Mutex;

use super::feed::Feed;
use super::{Change, Entry, Precondition, Revision, Store, StoreError, Watch};

/// How commits go wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// They do not.
    #[default]
    None,
    /// Every commit fails with this error, and changes nothing.
    Fails(StoreError),
    /// After so many more commits, one fails with this error, and changes nothing.
    FailsAfter(u64, StoreError),
    /// The next commit happens, and yet reports that it failed.
    HappensAndFails(StoreError),
}

type Contents = BTreeMap<Vec<u8>, Entry>;

/// A store in memory.
pub struct MemoryStore {
    state: Mutex<State>,
    feed: Feed,
}

#[derive(Default)]
struct State {
    contents: Contents,
    revision: Revision,
    fault: Fault,
    /// The contents after each commit, if they are remembered.
    history: Option<Vec<Contents>>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with(State::default())
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that remembers its contents after each commit.
    #[must_use]
    pub fn remembering() -> Self {
        Self::with(State { history: Some(vec![Contents::new()]), ..State::default() })
    }

    fn with(state: State) -> Self {
        Self { feed: Feed::new(state.revision), state: Mutex::new(state) }
    }

    /// Makes commits go wrong from now on.
    pub fn inject(&self, fault: Fault) {
        self.state.lock().fault = fault;
    }

    /// The number of commits so far.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.state.lock().revision
    }

    /// A store as this one was after `commits` commits; as it is now if it does not remember.
    #[must_use]
    pub fn as_of(&self, commits: usize) -> Self {
        let state = self.state.lock();
        let contents = state.history.as_ref().and_then(|history| history.get(commits));
        let contents = contents.unwrap_or(&state.contents).clone();
        let history = state.history.as_ref().map(|_| vec![contents.clone()]);
        let revision = contents.values().map(|entry| entry.revision).max().unwrap_or(0);
        Self::with(State { contents, revision, history, fault: Fault::None })
    }

    /// Changes the contents behind everyone's back, as somebody with the disk can.
    pub fn tamper<T>(&self, how: impl FnOnce(&mut BTreeMap<Vec<u8>, Entry>) -> T) -> T {
        how(&mut self.state.lock().contents)
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        Ok(self.state.lock().contents.get(key).cloned())
    }

    fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Entry)>, StoreError> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let state = self.state.lock();
        let found = state.contents.range::<[u8], _>((from, Bound::Unbounded));
        let found = found.take_while(|(key, _)| key.starts_with(prefix)).take(limit);
        Ok(found.map(|(key, entry)| (key.clone(), entry.clone())).collect())
    }

    fn commit(&self, preconditions: &[Precondition], changes: &[Change]) -> Result<Revision, StoreError> {
        let mut state = self.state.lock();
        let holds = |precondition: &Precondition| match precondition {
            Precondition::Absent(key) => !state.contents.contains_key(key),
            Precondition::At(key, at) => state.contents.get(key).is_some_and(|entry| entry.revision == *at),
        };
        if !preconditions.iter().all(holds) {
            return Err(StoreError::Conflict);
        }
        let mut outcome = Ok(());
        match std::mem::take(&mut state.fault) {
            Fault::None => {}
            Fault::Fails(error) => {
                state.fault = Fault::Fails(error.clone());
                return Err(error);
            }
            Fault::FailsAfter(0, error) => return Err(error),
            Fault::FailsAfter(left, error) => state.fault = Fault::FailsAfter(left - 1, error),
            Fault::HappensAndFails(error) => outcome = Err(error),
        }
        state.revision += 1;
        let revision = state.revision;
        for change in changes {
            match change {
                Change::Put { key, value } => {
                    state.contents.insert(key.clone(), Entry { value: value.clone(), revision });
                }
                Change::Delete { key } => {
                    state.contents.remove(key);
                }
            }
        }
        let State { history, contents, .. } = &mut *state;
        if let Some(history) = history {
            history.push(contents.clone());
        }
        self.feed.publish(revision, changes);
        outcome.map(|()| revision)
    }

    fn watch(&self, prefix: &[u8], from: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.feed.watch(prefix, from)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_store_in_memory_keeps_the_contract() {
        let store = Arc::new(MemoryStore::new());
        super::super::contract::check(|| Ok(Arc::clone(&store) as Arc<dyn Store>)).unwrap();
    }

    #[test]
    fn a_fault_strikes_when_it_was_told_to() {
        let put = [Change::Put { key: vec![1], value: vec![] }];
        let store = MemoryStore::new();
        store.inject(Fault::FailsAfter(1, StoreError::Full("test".into())));
        store.commit(&[], &put).unwrap();
        assert_eq!(store.commit(&[], &put), Err(StoreError::Full("test".into())));
        store.commit(&[], &put).unwrap();
        store.inject(Fault::HappensAndFails(StoreError::Io("test".into())));
        store.commit(&[], &[Change::Delete { key: vec![1] }]).unwrap_err();
        assert_eq!(store.get(&[1]).unwrap(), None);
    }
}
