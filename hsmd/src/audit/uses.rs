//! Uses of keys that are counted: one record for each key, mechanism, user and outcome in a minute.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use audit::Record;
use hsm::event::Event;
use parking_lot::Mutex;

use super::form::{self, now};

/// Counts are kept in as many parts, so that threads that use one key do not wait for each other.
const PARTS: usize = 8;
/// What is counted apart from each other, at most, in one part.
const MANY: usize = 16 << 10;

/// Counts of uses since the last time they were taken.
#[derive(Default)]
pub(super) struct Uses {
    parts: [Mutex<HashMap<Box<[u8]>, Counted>>; PARTS],
}

struct Counted {
    /// The first of these uses.
    record: Record,
    count: u64,
}

thread_local! {
    static PART: Cell<usize> = Cell::new({
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    });
    /// What a use is counted under; here only so that it is not made anew each time.
    static KEY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Uses {
    /// Counts a use; `false` if there is no room for one more kind.
    pub(super) fn count(&self, event: &Event<'_>) -> bool {
        let Some(part) = self.parts.get(PART.get() % PARTS) else { return false };
        KEY.with_borrow_mut(|key| {
            key.clear();
            put_key(event, key);
            let mut counted = part.lock();
            if let Some(counted) = counted.get_mut(key.as_slice()) {
                counted.count += 1;
                return true;
            }
            let fits = counted.len() < MANY;
            if fits {
                counted.insert(key.as_slice().into(), Counted { record: form::record(event), count: 1 });
            }
            fits
        })
    }

    /// Takes the counts: records of how often, and from when on.
    pub(super) fn take(&self) -> Vec<Record> {
        let mut all: HashMap<Box<[u8]>, Counted> = HashMap::new();
        for part in &self.parts {
            for (key, more) in std::mem::take(&mut *part.lock()) {
                match all.get_mut(&key) {
                    Some(counted) => {
                        counted.count += more.count;
                        counted.record.time = counted.record.time.min(more.record.time);
                    }
                    None => drop(all.insert(key, more)),
                }
            }
        }
        let mut all: Vec<_> = all.into_values().collect();
        all.sort_by_key(|counted| counted.record.time);
        let now = now();
        let record = |Counted { mut record, count }: Counted| {
            record.detail("since", record.time.to_string());
            (record.count, record.time) = (count, now);
            record
        };
        all.into_iter().map(record).collect()
    }
}

/// What makes uses one and the same: who, what, by which mechanism, with which key, and how it ended.
fn put_key(event: &Event<'_>, key: &mut Vec<u8>) {
    let peer = event.actor.peer.map_or(u32::MAX, |peer| peer.uid);
    key.extend(peer.to_le_bytes());
    key.extend(event.rv.0.to_le_bytes());
    key.extend(event.partition.map_or(0, |place| place.slot).to_le_bytes());
    let object = event.object.map_or("", |thing| thing.id);
    for text in [event.actor.user, event.action, event.mechanism.unwrap_or_default(), object] {
        key.extend(text.as_bytes());
        key.push(0);
    }
}

#[cfg(test)]
mod tests {
    use hsm::event::{Actor, Class, Thing};
    use wire::Rv;

    use super::*;

    fn event<'a>(object: &'a str, mechanism: &'static str, rv: Rv) -> Event<'a> {
        Event {
            actor: Actor::DAEMON,
            partition: None,
            class: Class::Use(hsm::event::Uses::Sampled),
            action: "sign",
            object: Some(Thing { id: object, label: "" }),
            mechanism: Some(mechanism),
            details: &[],
            rv,
        }
    }

    #[test]
    fn uses_of_many_threads_are_counted_under_key_mechanism_and_outcome() {
        let uses = Uses::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        assert!(uses.count(&event("a", "CKM_ECDSA", Rv::OK)));
                    }
                    assert!(uses.count(&event("a", "CKM_ECDSA", Rv::KEY_FUNCTION_NOT_PERMITTED)));
                    assert!(uses.count(&event("a", "CKM_EDDSA", Rv::OK)));
                    assert!(uses.count(&event("b", "CKM_ECDSA", Rv::OK)));
                });
            }
        });
        let mut counts: Vec<_> = uses.take().iter().map(|record| record.count).collect();
        counts.sort_unstable();
        assert_eq!(counts, [20, 20, 20, 2000]);
        assert!(uses.take().is_empty(), "what was taken is not taken again");
    }

    #[test]
    fn what_is_counted_apart_is_bounded() {
        let uses = Uses::default();
        let names: Vec<_> = (0..=MANY).map(|number| number.to_string()).collect();
        let counted = names.iter().filter(|name| uses.count(&event(name, "x", Rv::OK))).count();
        assert_eq!(counted, MANY);
    }
}
