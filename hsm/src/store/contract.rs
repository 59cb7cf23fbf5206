//! The contract that every store keeps, as a check that each store's tests run.

use std::sync::Arc;
use std::time::Duration;

use super::{Change, Entry, Precondition, Store, StoreError};

/// What a store did that it must not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The rule, in words.
    #[error("not kept: {0}")]
    Rule(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const NOT_LONG: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(5);

/// Runs the contract on an empty store. `open` opens the same store again each time; what it gave before is
/// dropped by then.
///
/// # Errors
/// The first rule that is broken.
pub fn check(open: impl Fn() -> Result<Arc<dyn Store>, StoreError>) -> Result<(), Broken> {
    commits_are_atomic_and_conditional(&*open()?)?;
    what_is_committed_is_there_after_reopening(&open)?;
    scans_are_ordered_bounded_and_resumable(&*open()?)?;
    watches_see_what_happens_in_order(&*open()?)?;
    large_values_and_commits_fit(&*open()?)?;
    one_of_many_racing_writers_wins(&open()?)
}

fn keep(kept: bool, rule: &'static str) -> Result<(), Broken> {
    if kept { Ok(()) } else { Err(Broken::Rule(rule)) }
}

fn put(key: &[u8], value: &[u8]) -> Change {
    Change::Put { key: key.to_vec(), value: value.to_vec() }
}

fn delete(key: &[u8]) -> Change {
    Change::Delete { key: key.to_vec() }
}

fn value(store: &dyn Store, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(store.get(key)?.map(|entry| entry.value))
}

fn commits_are_atomic_and_conditional(store: &dyn Store) -> Result<(), Broken> {
    keep(store.get(b"a")?.is_none(), "an absent key has no entry")?;
    let first = store.commit(&[Precondition::Absent(b"a".to_vec())], &[put(b"a", b"1"), put(b"b", b"")])?;
    keep(
        store.get(b"a")? == Some(Entry { value: b"1".to_vec(), revision: first }),
        "an entry has the value that was put and the revision of its commit",
    )?;
    keep(value(store, b"b")? == Some(Vec::new()), "an empty value is a value")?;
    let refused = store.commit(&[Precondition::Absent(b"a".to_vec())], &[put(b"c", b"3"), delete(b"b")]);
    keep(refused == Err(StoreError::Conflict), "a key that is there is not absent")?;
    keep(value(store, b"c")?.is_none(), "a refused commit puts nothing")?;
    keep(value(store, b"b")?.is_some(), "a refused commit deletes nothing")?;
    let second = store.commit(&[Precondition::At(b"a".to_vec(), first)], &[put(b"a", b"2")])?;
    keep(second > first, "revisions grow")?;
    let stale = store.commit(&[Precondition::At(b"a".to_vec(), first)], &[put(b"a", b"3")]);
    keep(stale == Err(StoreError::Conflict), "an entry that changed is not at its old revision")?;
    let absent = store.commit(&[Precondition::At(b"z".to_vec(), first)], &[]);
    keep(absent == Err(StoreError::Conflict), "a key without a value is at no revision")?;
    store.commit(&[], &[delete(b"b"), delete(b"never was")])?;
    keep(value(store, b"b")?.is_none(), "what is deleted is gone")
}

fn what_is_committed_is_there_after_reopening(
    open: &impl Fn() -> Result<Arc<dyn Store>, StoreError>,
) -> Result<(), Broken> {
    let before = open()?.commit(&[], &[put(b"kept", b"yes"), delete(b"a")])?;
    let store = open()?;
    keep(
        store.get(b"kept")? == Some(Entry { value: b"yes".to_vec(), revision: before }),
        "an entry outlives the store's closing",
    )?;
    keep(store.get(b"a")?.is_none(), "a deletion outlives the store's closing")?;
    keep(store.commit(&[], &[delete(b"kept")])? > before, "revisions grow across openings")
}

fn scans_are_ordered_bounded_and_resumable(store: &dyn Store) -> Result<(), Broken> {
    let keys: Vec<Vec<u8>> = (0..=255).map(|byte| vec![b's', byte]).collect();
    let mut puts: Vec<Change> = keys.iter().rev().map(|key| put(key, key)).collect();
    puts.extend([put(b"r", b"before"), put(b"t", b"after"), put(&[0xff, 0xff], b"last")]);
    store.commit(&[], &puts)?;
    let all = store.scan(b"s", None, 1000)?;
    keep(all.iter().map(|(key, _)| key).eq(&keys), "a scan brings the keys of its prefix, in order")?;
    keep(all.iter().all(|(key, entry)| *key == entry.value), "a scan brings each key's own value")?;
    let mut paged = Vec::new();
    loop {
        let page = store.scan(b"s", paged.last().map(Vec::as_slice), 100)?;
        keep(page.len() <= 100, "a scan brings no more than its limit")?;
        if page.is_empty() {
            break;
        }
        paged.extend(page.into_iter().map(|(key, _)| key));
    }
    keep(paged == keys, "a scan goes on after a key")?;
    keep(store.scan(b"s", Some(b"t"), 10)?.is_empty(), "nothing of a prefix comes after it")?;
    keep(store.scan(b"s", Some(b"a"), 1)?.len() == 1, "a scan from before its prefix begins with it")?;
    keep(store.scan(&[0xff, 0xff], None, 10)?.len() == 1, "the greatest prefix has an end")?;
    keep(store.scan(b"", None, 1000)?.len() >= keys.len() + 3, "the empty prefix is all keys")?;
    let deletes: Vec<Change> = puts.iter().map(|change| delete(change.key())).collect();
    store.commit(&[], &deletes)?;
    keep(store.scan(b"", None, 1000)?.is_empty(), "what is deleted is not scanned")
}

fn watches_see_what_happens_in_order(store: &dyn Store) -> Result<(), Broken> {
    let before = store.commit(&[], &[put(b"w1", b"old")])?;
    let mut watch = store.watch(b"w", before + 1)?;
    keep(watch.next(NOT_LONG)?.is_none(), "a watch does not see what was before it")?;
    let first = store.commit(&[], &[put(b"w1", b"1"), put(b"other", b"")])?;
    let second = store.commit(&[], &[delete(b"w1"), delete(b"other")])?;
    let seen = watch.next(LONG)?;
    keep(
        seen.is_some_and(|notice| notice.revision == first && notice.change == put(b"w1", b"1")),
        "a watch sees a put",
    )?;
    let seen = watch.next(LONG)?;
    keep(
        seen.is_some_and(|notice| notice.revision == second && notice.change == delete(b"w1")),
        "a watch sees a deletion, and nothing of other prefixes",
    )?;
    keep(watch.next(NOT_LONG)?.is_none(), "a watch sees each change once")
}

fn large_values_and_commits_fit(store: &dyn Store) -> Result<(), Broken> {
    let large = vec![0xa5; 3 << 20];
    let mut changes: Vec<Change> =
        (0_u32..2000).map(|number| put(&[b"n", &number.to_be_bytes()[..]].concat(), &[7; 300])).collect();
    changes.push(put(b"large", &large));
    store.commit(&[], &changes)?;
    keep(value(store, b"large")? == Some(large), "a value of three megabytes comes back")?;
    keep(store.scan(b"n", None, 5000)?.len() == 2000, "a commit of two thousand changes fits")?;
    let deletes: Vec<Change> = changes.iter().map(|change| delete(change.key())).collect();
    store.commit(&[], &deletes)?;
    Ok(())
}

fn one_of_many_racing_writers_wins(store: &Arc<dyn Store>) -> Result<(), Broken> {
    let race = |name: u8| {
        let store = Arc::clone(store);
        move || store.commit(&[Precondition::Absent(b"race".to_vec())], &[put(b"race", &[name])])
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8).map(|name| scope.spawn(race(name))).collect();
        racers.into_iter().filter_map(|racer| racer.join().ok()).collect()
    });
    let won = results.iter().filter(|result| result.is_ok()).count();
    let lost = results.iter().filter(|result| **result == Err(StoreError::Conflict)).count();
    keep((won, lost) == (1, 7), "of writers with the same precondition, one wins")?;
    store.commit(&[], &[delete(b"race")])?;
    Ok(())
}
