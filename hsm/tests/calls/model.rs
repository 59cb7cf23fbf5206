//! All that an attacker who is logged in can do with four keys, in every order: no way makes a sensitive key known.
//!
//! The HSM decides what happens; this file keeps account, in symbols, of which value an object or a blob holds and
//! which values the attacker knows. A way that has been gone before to the same state is not gone again.

use std::collections::{BTreeSet, HashSet};

use hsm::object::Attr;
use wire::{ObjectHandle, SlotId};

use crate::support::*;

/// A key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Value {
    /// The key that must not become known: sensitive, and may leave wrapped.
    Target,
    /// Made here, never extractable.
    Closed,
    /// Made here, and may leave wrapped.
    Leaves,
    /// Brought in by the attacker, who knows it.
    Known,
}

/// A value wrapped under another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Blob {
    by: Value,
    of: Value,
}

/// What the attacker does; objects and blobs by their place in the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Wrap(usize, usize),
    /// With a template that asks for a readable key, or for all usages.
    Unwrap(usize, usize, bool),
    Decrypt(usize, usize),
    Read(usize),
    Copy(usize),
    Set(usize, Attr, bool),
    Destroy(usize),
}

/// Where one way has led.
struct State<'a> {
    on: On<'a>,
    objects: Vec<Option<(ObjectHandle, Value)>>,
    /// Each with its bytes, which differ by nothing else.
    blobs: Vec<(Blob, Vec<u8>)>,
    known: BTreeSet<Value>,
    /// What values have been used for, which the HSM remembers as well.
    used: BTreeSet<(Value, &'static str)>,
}

/// What tells one state from another.
type Print = (Vec<(Value, [bool; 6])>, BTreeSet<Blob>, BTreeSet<Value>, BTreeSet<(Value, &'static str)>);

const ROLES: [(Attr, &[u8]); 4] =
    [(Attr::ENCRYPT, YES), (Attr::DECRYPT, YES), (Attr::WRAP, YES), (Attr::UNWRAP, YES)];
const MOST_OBJECTS: usize = 5;

impl<'a> State<'a> {
    fn begin(on: On<'a>) -> Self {
        let with = |more: &[(Attr, &'static [u8])]| [&ROLES[..], more].concat();
        let stays = with(&[(Attr::EXTRACTABLE, NO), (Attr::SENSITIVE, YES)]);
        let leaves = with(&[(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, YES)]);
        // Of each way its own, since the partition remembers keys that have left.
        let value = || crypto::random::bytes(16).unwrap();
        let target = on.known(&value(), &[(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, YES)]).unwrap();
        let objects = [
            (target, Value::Target),
            (on.generate(&stays).unwrap(), Value::Closed),
            (on.generate(&leaves).unwrap(), Value::Leaves),
            (on.known(&value(), &with(&[])).unwrap(), Value::Known),
        ];
        Self {
            on,
            objects: objects.into_iter().map(Some).collect(),
            blobs: Vec::new(),
            known: [Value::Known].into(),
            used: BTreeSet::new(),
        }
    }

    fn acts(&self) -> Vec<Act> {
        let there = || (0..self.objects.len()).filter(|at| self.objects[*at].is_some());
        let mut acts = Vec::new();
        for key in there() {
            let value = self.objects[key].map(|(_, value)| value);
            acts.extend(there().filter(|other| *other != key).map(|other| Act::Wrap(key, other)));
            for blob in 0..self.blobs.len() {
                acts.push(Act::Decrypt(key, blob));
                if there().count() < MOST_OBJECTS {
                    acts.extend([true, false].map(|readable| Act::Unwrap(key, blob, readable)));
                }
            }
            let changes = [(Attr::SENSITIVE, false), (Attr::EXTRACTABLE, true), (Attr::DECRYPT, true)];
            acts.extend(changes.map(|(attribute, flag)| Act::Set(key, attribute, flag)));
            if there().count() < MOST_OBJECTS {
                acts.push(Act::Copy(key));
            }
            acts.push(Act::Read(key));
            if value != Some(Value::Target) {
                acts.push(Act::Destroy(key));
            }
        }
        acts
    }

    /// Does it; whether the HSM let it happen.
    fn act(&mut self, act: Act) -> bool {
        let on = self.on;
        let object = |state: &Self, at: usize| state.objects[at].expect("it is there");
        match act {
            Act::Wrap(key, other) => {
                let ((key, by), (other, of)) = (object(self, key), object(self, other));
                let Ok(bytes) = on.wrap_with(mechanism(AES_ECB), key, other) else { return false };
                self.used.insert((by, "wrap"));
                if !self.blobs.iter().any(|(blob, _)| *blob == Blob { by, of }) {
                    self.blobs.push((Blob { by, of }, bytes));
                }
            }
            Act::Unwrap(key, blob, readable) => {
                let ((key, by), (blob, bytes)) = (object(self, key), self.blobs[blob].clone());
                let asked = [(Attr::SENSITIVE, NO), (Attr::EXTRACTABLE, YES)];
                let asked = if readable { &asked[..] } else { &ROLES[..] };
                let Ok(made) = on.unwrap_with(mechanism(AES_ECB), key, &bytes, asked) else { return false };
                self.used.insert((by, "unwrap"));
                // Under another key it is noise that nobody knows.
                if blob.by != by {
                    on.destroy(made).unwrap();
                    return false;
                }
                self.objects.push(Some((made, blob.of)));
            }
            Act::Decrypt(key, blob) => {
                let ((key, by), (blob, bytes)) = (object(self, key), self.blobs[blob].clone());
                if on.decrypt(mechanism(AES_ECB), key, &bytes).is_err() {
                    return false;
                }
                self.used.insert((by, "decrypt"));
                if blob.by == by {
                    self.known.insert(blob.of);
                }
            }
            Act::Read(key) => {
                let (key, value) = object(self, key);
                if on.read(key, Attr::VALUE).unwrap().is_none() {
                    return false;
                }
                self.known.insert(value);
            }
            Act::Copy(key) => {
                let (key, value) = object(self, key);
                let Ok(copy) = on.copy(key, &[]) else { return false };
                self.objects.push(Some((copy, value)));
            }
            Act::Set(key, attribute, flag) => {
                let (key, _) = object(self, key);
                if on.set(key, &[(attribute, if flag { YES } else { NO })]).is_err() {
                    return false;
                }
            }
            Act::Destroy(key) => {
                on.destroy(object(self, key).0).unwrap();
                self.objects[key] = None;
            }
        }
        self.learn();
        true
    }

    /// Who knows a wrapping key and has a blob knows what is in it.
    fn learn(&mut self) {
        while let Some((blob, _)) = self
            .blobs
            .iter()
            .find(|(blob, _)| self.known.contains(&blob.by) && !self.known.contains(&blob.of))
        {
            self.known.insert(blob.of);
        }
    }

    fn print(&self) -> Print {
        let flags = [
            Attr::SENSITIVE,
            Attr::EXTRACTABLE,
            Attr::DECRYPT,
            Attr::WRAP,
            Attr::UNWRAP,
            Attr::ALWAYS_SENSITIVE,
        ];
        let shown =
            |(key, value): &(ObjectHandle, Value)| (*value, flags.map(|flag| self.on.flag(*key, flag)));
        let mut objects: Vec<_> = self.objects.iter().flatten().map(shown).collect();
        objects.sort_unstable();
        let blobs = self.blobs.iter().map(|(blob, _)| *blob).collect();
        (objects, blobs, self.known.clone(), self.used.clone())
    }
}

/// Goes every way of so many acts; the first that makes the target known, if any, and how many states there are.
fn explore(slot: SlotId, depth: usize) -> (Option<Vec<Act>>, usize) {
    let world = World::new();
    let user = world.user(slot);
    let mut seen: HashSet<Print> = HashSet::new();
    let mut ways: Vec<Vec<Act>> = vec![Vec::new()];
    for _ in 0..depth {
        let mut next = Vec::new();
        for way in ways {
            let acts = on_the_way(&user, &way, |state| state.acts());
            for act in acts {
                let led = on_the_way(&user, &way, |state| {
                    state.act(act).then(|| (state.known.contains(&Value::Target), state.print()))
                });
                let Some((known, print)) = led else { continue };
                let longer = [&way[..], &[act]].concat();
                if known {
                    return (Some(longer), seen.len());
                }
                if seen.insert(print) {
                    next.push(longer);
                }
            }
        }
        ways = next;
    }
    (None, seen.len())
}

/// Goes a way again in a session of its own, whose objects go with it, and does something at its end.
fn on_the_way<T>(user: &User, way: &[Act], at_the_end: impl FnOnce(&mut State<'_>) -> T) -> T {
    let session = user.app.open(slot_of(user), RW).unwrap();
    let mut state = State::begin(user.app.on(session));
    way.iter().for_each(|act| assert!(state.act(*act), "{act:?} in {way:?}"));
    let result = at_the_end(&mut state);
    user.app.close(session).unwrap();
    result
}

fn slot_of(user: &User) -> SlotId {
    use wire::calls::session::{GetSessionInfo, SessionCalls};
    SlotId(user.app.get_session_info(GetSessionInfo { session: user.session }).unwrap().slot)
}

#[test]
fn no_way_makes_a_sensitive_key_known() {
    let (way, states) = explore(STANDARD, 6);
    assert_eq!(way, None);
    assert!(states > 1000, "only {states} states were seen");
}

/// The search does find what is there to be found.
#[test]
fn without_rules_two_acts_are_enough() {
    let (way, _) = explore(LEGACY, 2);
    assert!(way.is_some_and(|way| way.len() <= 2));
}
