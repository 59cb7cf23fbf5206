//! `kill -9` of the daemon at random moments under load: nothing acknowledged is lost, nothing half done appears,
//! and the count of wrong PINs never goes back.
//!
//! Several applications create, change, copy and destroy objects, generate key pairs, and try PINs right and
//! wrong, while a model keeps what was acknowledged. After each kill the daemon starts again and what it has
//! must be the model, with or without the one call of each application that was on its way.
//! `CLAVIGER_CRASH_CYCLES` says how many kills (500 if not set), and `CLAVIGER_CRASH_SEED` which choices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use conformance::mechanism::Mechanism;
use conformance::module::Module;
use conformance::names::Rv;
use conformance::session::Session;
use conformance::template::Template;
use cryptoki_sys as ck;
use tests::{Daemon, PIN, Place, Random};

/// Daemons that are killed at the same time, each on a state of its own.
const DAEMONS: usize = 2;
/// Applications that work on the objects of each.
const WRITERS: u64 = 3;
/// An application with more objects than this destroys some first.
const CROWD: usize = 12;
/// A daemon works for less than this before it is killed.
const LIFE: Duration = Duration::from_millis(60);

const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

#[test]
fn what_was_acknowledged_survives_kill_9_and_nothing_half_done_appears() {
    let cycles: usize =
        std::env::var("CLAVIGER_CRASH_CYCLES").map_or(500, |cycles| cycles.parse().expect("a number"));
    let seed = Random::seed("CLAVIGER_CRASH_SEED");
    let began = Instant::now();
    thread::scope(|scope| {
        for number in 0..DAEMONS {
            let share = cycles / DAEMONS + usize::from(number < cycles % DAEMONS);
            scope.spawn(move || Trial::new(Random::of(seed ^ number as u64)).run(share));
        }
    });
    println!("{cycles} kills in {:?}", began.elapsed());
}

/// One daemon's state, the applications that use it, and the model.
struct Trial {
    place: Place,
    random: Random,
    writers: Vec<Writer>,
    guesser: Guesser,
    calls: usize,
    codes: BTreeSet<String>,
}

impl Trial {
    fn new(mut random: Random) -> Self {
        let place = Place::new("[limits]\nbytes = 67108864\n");
        let daemon = place.start();
        let (objects, pins) = (daemon.partition("objects", "standard"), daemon.partition("pins", "standard"));
        let writers = (0..WRITERS).map(|name| Writer {
            name,
            module: place.application(),
            slot: objects,
            session: None,
            random: Random::of(random.number()),
            things: BTreeMap::new(),
            doubt: Vec::new(),
            next: 0,
        });
        let writers = writers.collect();
        let guesser = Guesser {
            module: place.application(),
            slot: pins,
            random: Random::of(random.number()),
            pin: PIN.into(),
            wrong: 0,
            doubt: None,
        };
        daemon.kill();
        Self { place, random, writers, guesser, calls: 0, codes: BTreeSet::new() }
    }

    fn run(mut self, cycles: usize) {
        for _ in 0..cycles {
            if self.random.below(8) == 0 {
                // Killed while it starts.
                let daemon = self.place.spawn(&[]);
                thread::sleep(self.random.time(LIFE));
                daemon.kill();
            }
            let daemon = self.place.start();
            for writer in &mut self.writers {
                writer.begin();
            }
            compare(&mut self.writers);
            self.guesser.compare(&daemon);
            let over = AtomicBool::new(false);
            thread::scope(|scope| {
                let over = &over;
                let writers = self.writers.iter_mut().map(|writer| scope.spawn(move || writer.work(over)));
                let mut loads: Vec<_> = writers.collect();
                loads.push(scope.spawn(|| self.guesser.work(over)));
                thread::sleep(self.random.time(LIFE));
                over.store(true, Ordering::SeqCst);
                daemon.kill();
                for load in loads {
                    let (calls, code) = load.join().expect("no load fails");
                    self.calls += calls;
                    self.codes.insert(code.to_string());
                }
            });
        }
        let daemon = self.place.start();
        for writer in &mut self.writers {
            writer.begin();
        }
        compare(&mut self.writers);
        self.guesser.compare(&daemon);
        println!("{} calls were acknowledged; those under way got {:?}", self.calls, self.codes);
        assert!(self.calls > cycles, "the load did next to nothing");
    }
}

/// Compares what the token has with what the writers know, and settles their doubts. Each looks for itself, since
/// a handle is its application's.
fn compare(writers: &mut [Writer]) {
    for writer in writers {
        let session = writer.session.expect("a session");
        let mut found = Things::new();
        for handle in session.find(&Template::new()).expect("a search") {
            let (name, id, content) = examine(&session, handle);
            assert!(name < WRITERS, "nobody made {id:?} of writer {name}");
            if name == writer.name {
                let twin = found.insert(id, (content, handle));
                assert_eq!(twin, None, "there are two of {id:?} of writer {name}");
            }
        }
        writer.settle(found);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Data,
    Public,
    Private,
}

/// What an object is: which number its writer gave it.
type Id = (Kind, u64);
/// From which two numbers all its content comes: that of an object and a revision.
type Content = (u64, u64);
type Things = BTreeMap<Id, (Content, ck::CK_OBJECT_HANDLE)>;

/// Reads all of an object, and sees that every attribute tells of the same numbers.
fn examine(session: &Session, handle: ck::CK_OBJECT_HANDLE) -> (u64, Id, Content) {
    let get = |kind| session.get(handle, kind).unwrap_or_else(|rv| panic!("attribute {kind:#x}: {rv}"));
    let label = String::from_utf8(get(ck::CKA_LABEL)).expect("a label is text");
    let numbers: Vec<u64> = label.split('-').map(|number| number.parse().expect("a label of ours")).collect();
    let [name, number, source, revision] = numbers[..] else { panic!("no label of ours: {label}") };
    let class = u64::from_ne_bytes(get(ck::CKA_CLASS).try_into().expect("a class"));
    let kind = match class {
        ck::CKO_DATA => {
            assert_eq!(get(ck::CKA_VALUE), value(name, source, revision), "{label} has another's value");
            assert_eq!(get(ck::CKA_APPLICATION), label.as_bytes());
            Kind::Data
        }
        ck::CKO_PUBLIC_KEY => {
            assert_eq!(get(ck::CKA_EC_POINT).len(), 67);
            assert_eq!(get(ck::CKA_ID), label.as_bytes());
            Kind::Public
        }
        ck::CKO_PRIVATE_KEY => {
            assert_eq!(get(ck::CKA_ID), label.as_bytes());
            let signature = session.sign(&Mechanism::plain(ck::CKM_ECDSA), handle, &[1; 32]);
            assert_eq!(signature.map(|signature| signature.len()), Ok(64), "{label} does not sign");
            Kind::Private
        }
        other => panic!("{label} is of class {other:#x}"),
    };
    (name, (kind, number), (source, revision))
}

/// The value of a data object: of any length up to some pages.
fn value(name: u64, source: u64, revision: u64) -> Vec<u8> {
    let mut random = Random::of(name << 48 ^ source << 16 ^ revision);
    let len = 1 + random.below(6000);
    (0..len).map(|_| random.number() as u8).collect()
}

/// An application that works on objects, and what it knows of them.
struct Writer {
    name: u64,
    module: &'static Module,
    slot: u64,
    session: Option<Session>,
    random: Random,
    things: Things,
    /// What the call that got no answer would have done; all of it or nothing was.
    doubt: Vec<(Id, Option<Content>)>,
    next: u64,
}

impl Writer {
    fn begin(&mut self) {
        let session = Session::open(self.module, self.slot).expect("a session after the daemon's restart");
        session.login(ck::CKU_USER, PIN).ok().expect("the user's log-in after the daemon's restart");
        self.session = Some(session);
    }

    fn settle(&mut self, found: Things) {
        let contents = |things: &Things| -> BTreeMap<Id, Content> {
            things.iter().map(|(id, (content, _))| (*id, *content)).collect()
        };
        let (without, there) = (contents(&self.things), contents(&found));
        let mut with = without.clone();
        for (id, content) in self.doubt.drain(..) {
            match content {
                Some(content) => with.insert(id, content),
                None => with.remove(&id),
            };
        }
        assert!(
            there == without || there == with,
            "writer {}: there is\n{there:?}\nbut acknowledged was\n{without:?}\nor with the last call\n{with:?}",
            self.name
        );
        self.things = found;
    }

    /// Works until a call fails, which none may before the daemon is killed.
    fn work(&mut self, over: &AtomicBool) -> (usize, Rv) {
        let mut calls = 0;
        loop {
            match self.step() {
                Ok(()) => {
                    self.doubt.clear();
                    calls += 1;
                }
                Err(rv) => {
                    assert!(over.load(Ordering::SeqCst), "{:?} failed on a living daemon: {rv}", self.doubt);
                    return (calls, rv);
                }
            }
        }
    }

    fn step(&mut self) -> Result<(), Rv> {
        let session = self.session.expect("a session");
        let ids: Vec<Id> = self.things.keys().copied().collect();
        let data: Vec<Id> = ids.iter().filter(|(kind, _)| *kind == Kind::Data).copied().collect();
        let choice = if ids.len() > CROWD { 0 } else { self.random.below(6) };
        match choice {
            0 if !ids.is_empty() => {
                let id = *self.random.pick(&ids);
                self.doubt = vec![(id, None)];
                session.destroy(self.things[&id].1).ok()?;
                self.things.remove(&id);
            }
            1 if !data.is_empty() => {
                let id = *self.random.pick(&data);
                let ((_, revision), handle) = self.things[&id];
                let content = (id.1, revision + 1);
                self.doubt = vec![(id, Some(content))];
                session.set(handle, &self.content(id, content)).ok()?;
                self.things.insert(id, (content, handle));
            }
            2 if !data.is_empty() => {
                let (content, handle) = self.things[self.random.pick(&data)];
                let id = self.new_id(Kind::Data);
                self.doubt = vec![(id, Some(content))];
                let label = self.label(id, content);
                let label = Template::new()
                    .bytes(ck::CKA_LABEL, label.as_bytes())
                    .bytes(ck::CKA_APPLICATION, label.as_bytes());
                let copy = session.copy(handle, &label)?;
                self.things.insert(id, (content, copy));
            }
            3 => {
                let (_, number) = self.new_id(Kind::Public);
                let content = (number, 0);
                let (public, private) = ((Kind::Public, number), (Kind::Private, number));
                self.doubt = vec![(public, Some(content)), (private, Some(content))];
                let label = self.label(public, content);
                let common = Template::new()
                    .bool(ck::CKA_TOKEN, true)
                    .bytes(ck::CKA_LABEL, label.as_bytes())
                    .bytes(ck::CKA_ID, label.as_bytes());
                let curve = common.clone().bytes(ck::CKA_EC_PARAMS, P256).bool(ck::CKA_VERIFY, true);
                let signs = common.bool(ck::CKA_SIGN, true);
                let how = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
                let (one, two) = session.generate_pair(&how, &curve, &signs)?;
                self.things.extend([(public, (content, one)), (private, (content, two))]);
            }
            _ => {
                let id = self.new_id(Kind::Data);
                let content = (id.1, 0);
                self.doubt = vec![(id, Some(content))];
                let template = Template::new()
                    .ulong(ck::CKA_CLASS, ck::CKO_DATA)
                    .bool(ck::CKA_TOKEN, true)
                    .bool(ck::CKA_PRIVATE, self.random.below(2) == 0)
                    .with(&self.content(id, content));
                let handle = session.create(&template)?;
                self.things.insert(id, (content, handle));
            }
        }
        Ok(())
    }

    fn new_id(&mut self, kind: Kind) -> Id {
        self.next += 1;
        (kind, self.next)
    }

    fn label(&self, (_, number): Id, (source, revision): Content) -> String {
        format!("{}-{number}-{source}-{revision}", self.name)
    }

    /// The attributes of a data object that come from the numbers.
    fn content(&self, id: Id, content: Content) -> Template {
        let label = self.label(id, content);
        Template::new()
            .bytes(ck::CKA_LABEL, label.as_bytes())
            .bytes(ck::CKA_VALUE, &value(self.name, content.0, content.1))
            .bytes(ck::CKA_APPLICATION, label.as_bytes())
    }
}

/// An application that tries PINs right and wrong and changes its own, and what it knows of them.
struct Guesser {
    module: &'static Module,
    slot: u64,
    random: Random,
    pin: String,
    /// Wrong tries that were acknowledged since the last right one.
    wrong: u8,
    doubt: Option<Guess>,
}

/// A call whose outcome is not known.
#[derive(Clone, Debug)]
enum Guess {
    Wrong,
    Right,
    Change(String),
}

impl Guesser {
    /// Compares the count of wrong tries with what was acknowledged.
    fn compare(&mut self, daemon: &Daemon<'_>) {
        let counted = daemon.show("pins").user_pin_failures;
        let in_flight = self.wrong + u8::from(self.doubt.is_some());
        let reset = counted == 0 && matches!(self.doubt, Some(Guess::Right | Guess::Change(_)));
        assert!(
            (self.wrong..=in_flight).contains(&counted) || reset,
            "{counted} wrong tries are counted, {} were acknowledged, and then came {:?}",
            self.wrong,
            self.doubt
        );
        self.wrong = counted;
        let doubt = self.doubt.take();
        let session = Session::open(self.module, self.slot).expect("a session after the daemon's restart");
        if let Some(Guess::Change(new)) = doubt {
            match session.login(ck::CKU_USER, &new) {
                Rv::OK => (self.pin, self.wrong) = (new, 0),
                rv => {
                    assert_eq!(rv, Rv(ck::CKR_PIN_INCORRECT));
                    self.wrong += 1;
                }
            }
        }
        // Not each time, so that a count is carried over several kills; but before it locks the PIN.
        if self.wrong > 7 || self.random.below(8) == 0 {
            let _ = session.logout();
            assert_eq!(
                session.login(ck::CKU_USER, &self.pin),
                Rv::OK,
                "the PIN that was acknowledged is right"
            );
            self.wrong = 0;
        }
        assert_eq!(session.close(), Rv::OK);
    }

    /// Works until a call fails in another way than it should, which none may before the daemon is killed.
    fn work(&mut self, over: &AtomicBool) -> (usize, Rv) {
        let mut calls = 0;
        loop {
            match self.step() {
                Ok(()) => {
                    self.doubt = None;
                    calls += 1;
                }
                Err(rv) => {
                    assert!(over.load(Ordering::SeqCst), "{:?} failed on a living daemon: {rv}", self.doubt);
                    return (calls, rv);
                }
            }
        }
    }

    fn step(&mut self) -> Result<(), Rv> {
        let session = Session::open(self.module, self.slot)?;
        let choice = if self.wrong > 7 { 0 } else { self.random.below(6) };
        match choice {
            0 => {
                self.doubt = Some(Guess::Right);
                session.login(ck::CKU_USER, &self.pin).ok()?;
                self.wrong = 0;
            }
            1 => {
                let new = format!("{:08}", self.random.below(100_000_000));
                self.doubt = Some(Guess::Change(new.clone()));
                session.set_pin(&self.pin, &new).ok()?;
                (self.pin, self.wrong) = (new, 0);
            }
            _ => {
                self.doubt = Some(Guess::Wrong);
                match session.login(ck::CKU_USER, "not the PIN") {
                    Rv(ck::CKR_PIN_INCORRECT) => self.wrong += 1,
                    other => return Err(other),
                }
            }
        }
        self.doubt = None;
        session.close().ok()
    }
}
