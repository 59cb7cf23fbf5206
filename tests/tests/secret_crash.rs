//! `kill -9` of the daemon at random moments while clients write secrets over HTTPS, each its own and all of them one:
//! nothing acknowledged is lost, nothing half made is there.
//!
//! Values are unlike each other. After each kill a version that was acknowledged has its value, one that was not has one that
//! was on its way, the newest is current and the one before it previous, and a secret is there or gone as somebody was told.
//! `CLAVIGER_CSMS_CRASH_CYCLES` says how many kills (200 if not set), and `CLAVIGER_CSMS_CRASH_SEED` which choices.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Line, Place, Random, Reply, Rest, free_address};

/// Clients at once.
const CLIENTS: u64 = 3;
/// A daemon works for less than this before it is killed.
const LIFE: Duration = Duration::from_millis(250);
/// The secret that all write.
const SHARED: &str = "shared";
/// The most versions of a secret.
const MOST: usize = 20;

#[test]
fn what_csms_acknowledged_survives_kill_9_and_no_version_is_half_made() {
    let cycles = std::env::var("CLAVIGER_CSMS_CRASH_CYCLES");
    let cycles: usize = cycles.map_or(200, |cycles| cycles.parse().expect("a number"));
    let mut random = Random::of(Random::seed("CLAVIGER_CSMS_CRASH_SEED"));
    let address = free_address();
    let place = Place::new(&format!("[rest]\nlisten = \"{address}\"\nsecret_quota = 1000000\n"));
    let daemon = place.start();
    let rest = Rest::new_account(&place, address, "load");
    let mut clients: Vec<_> =
        (0..CLIENTS).map(|name| Client::new(name, rest.clone(), Random::of(random.number()))).collect();
    let mut shared = Versions::default();
    clients[0].create(SHARED).expect("a secret");
    shared.acknowledged.insert(1, clients[0].last.clone());
    daemon.kill();

    let (began, mut done) = (Instant::now(), 0);
    for cycle in 0..=cycles {
        if random.below(8) == 0 {
            // Killed while it starts.
            let daemon = place.spawn(&[]);
            sleep(random.time(LIFE));
            daemon.kill();
        }
        let daemon = place.start();
        for client in &mut clients {
            client.line.hang_up();
            client.compare();
            shared.acknowledged.append(&mut client.written);
            shared.doubtful.extend(client.on_its_way.take());
        }
        shared.compare(&mut clients[0], SHARED);
        if cycle == cycles {
            break;
        }
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let over = &over;
            let loads: Vec<_> =
                clients.iter_mut().map(|client| scope.spawn(move || client.work(over))).collect();
            sleep(random.time(LIFE));
            over.store(true, Ordering::SeqCst);
            daemon.kill();
            done += loads.into_iter().map(|load| load.join().expect("no load fails")).sum::<usize>();
        });
    }
    println!("{cycles} kills in {:?}; {done} changes were acknowledged", began.elapsed());
    assert!(done > cycles, "the load did next to nothing");
}

/// The versions of a secret, by their numbers.
#[derive(Clone, Debug, Default)]
struct Versions {
    acknowledged: BTreeMap<u32, String>,
    /// Values that were on their way: each is a version, or none.
    doubtful: BTreeSet<String>,
}

impl Versions {
    /// Sees that the secret's versions are these.
    fn compare(&mut self, client: &mut Client, name: &str) {
        let listed = client.sure("GET", &format!("/{name}/versions?limit=100"), &Value::Null).done();
        let listed = listed["version_metadatas"].as_array().expect("versions").clone();
        let ids: Vec<u32> = listed.iter().map(|version| number(&version["id"])).collect();
        assert!(ids.len() <= MOST && ids.is_sorted(), "{name}: {ids:?}");
        let newest = *ids.last().expect("a version");
        let told = self.acknowledged.last_key_value().map_or(0, |(id, _)| *id);
        assert!(newest >= told, "{name}: v{told} was acknowledged and is lost: {ids:?}");
        // The newest are there, without a gap.
        let first = newest + 1 - u32::try_from(ids.len()).expect("few");
        assert_eq!(ids, (first..=newest).collect::<Vec<_>>(), "{name}");
        assert!(ids.len() == MOST || first == 1, "{name}: {ids:?}");
        for (place, version) in listed.iter().rev().enumerate() {
            let stages: &[&str] = match place {
                0 => &["SYSCURRENT"],
                1 => &["SYSPREVIOUS"],
                _ => &[],
            };
            assert_eq!(version["version_stages"], json!(stages), "{name}: {version}");
        }
        for id in ids {
            let shown = client.sure("GET", &format!("/{name}/versions/v{id}"), &Value::Null).done();
            let value = shown["version"]["secret_string"].as_str().expect("a value").to_owned();
            if let Some(expected) = self.acknowledged.get(&id) {
                assert_eq!(value, *expected, "{name} v{id}");
            } else {
                assert!(self.doubtful.remove(&value), "{name} v{id} is {value:?}, which nobody put there");
                self.acknowledged.insert(id, value);
            }
        }
        // What did not come to be now never will.
        self.doubtful.clear();
    }
}

fn number(id: &Value) -> u32 {
    let id = id.as_str().and_then(|id| id.strip_prefix('v'));
    id.and_then(|id| id.parse().ok()).expect("the id of a version")
}

/// A change that got no answer: all of it was made, or nothing.
#[derive(Clone, Debug)]
enum Doubt {
    Create(String),
    Delete(String),
}

struct Client {
    name: u64,
    line: Line,
    random: Random,
    secrets: BTreeMap<String, Versions>,
    doubt: Option<Doubt>,
    /// What it wrote to the shared secret since it was last asked.
    written: BTreeMap<u32, String>,
    on_its_way: Option<String>,
    last: String,
    next: u64,
}

impl Client {
    const fn new(name: u64, rest: Rest, random: Random) -> Self {
        Self {
            name,
            line: Line::new(rest),
            random,
            secrets: BTreeMap::new(),
            doubt: None,
            written: BTreeMap::new(),
            on_its_way: None,
            last: String::new(),
            next: 0,
        }
    }

    fn bytes(&self, method: &str, path: &str, body: &Value) -> Vec<u8> {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.line.rest.signed(method, &format!("/v1/{{project_id}}/secrets{path}"), &body)
    }

    fn ask(&mut self, method: &str, path: &str, body: &Value) -> io::Result<Reply> {
        let bytes = self.bytes(method, path, body);
        self.line.ask(&bytes)
    }

    /// Asks a daemon that lives.
    #[track_caller]
    fn sure(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        let bytes = self.bytes(method, path, body);
        self.line.sure(&bytes)
    }

    /// A value like no other.
    fn value(&mut self) -> String {
        self.next += 1;
        self.last = format!("{} of client {}: {}", self.next, self.name, self.random.number());
        self.last.clone()
    }

    fn create(&mut self, name: &str) -> io::Result<Value> {
        let value = self.value();
        Ok(self.ask("POST", "", &json!({ "name": name, "secret_string": value }))?.done())
    }

    /// Sees that all is as it was acknowledged, and settles the doubt.
    fn compare(&mut self) {
        let doubt = self.doubt.take();
        if let Some(Doubt::Create(name) | Doubt::Delete(name)) = &doubt {
            let is_there = self.sure("GET", &format!("/{name}"), &Value::Null).status == 200;
            match (&doubt, is_there) {
                (Some(Doubt::Create(_)), true) => {
                    let doubtful = BTreeSet::from([self.last.clone()]);
                    self.secrets.insert(name.clone(), Versions { doubtful, ..Versions::default() });
                }
                (Some(Doubt::Delete(_)), false) => drop(self.secrets.remove(name)),
                _ => {}
            }
        }
        let mut secrets = std::mem::take(&mut self.secrets);
        for (name, versions) in &mut secrets {
            versions.compare(self, name);
        }
        self.secrets = secrets;
        let prefix = format!("of-{}-", self.name);
        let listed = self.sure("GET", "?limit=1000", &Value::Null).done();
        let names = listed["secrets"].as_array().expect("secrets").iter();
        let names =
            names.filter_map(|secret| secret["name"].as_str()).filter(|name| name.starts_with(&prefix));
        assert_eq!(names.collect::<BTreeSet<_>>(), self.secrets.keys().map(String::as_str).collect());
    }

    /// Works until the daemon is gone, which it may not be before it is killed.
    fn work(&mut self, over: &AtomicBool) -> usize {
        let mut done = 0;
        loop {
            match self.step() {
                Ok(()) => done += 1,
                Err(error) => {
                    // A daemon that has just begun may not listen yet.
                    let never_came = error.kind() == io::ErrorKind::ConnectionRefused;
                    if never_came {
                        self.doubt = None;
                        self.on_its_way = None;
                    }
                    if over.load(Ordering::SeqCst) {
                        return done;
                    }
                    assert!(never_came, "the daemon went by itself: {error}");
                    sleep(Duration::from_millis(5));
                }
            }
        }
    }

    fn step(&mut self) -> io::Result<()> {
        let count = self.secrets.len();
        let own = (count > 0).then(|| self.random.below(count));
        match (self.random.below(10), own) {
            (0..4, _) => {
                let value = self.value();
                self.on_its_way = Some(value.clone());
                let made =
                    self.ask("POST", &format!("/{SHARED}/versions"), &json!({ "secret_string": value }))?;
                self.written.insert(number(&made.done()["version_metadata"]["id"]), value);
                self.on_its_way = None;
            }
            (4..8, Some(at)) => {
                let name = self.secrets.keys().nth(at).expect("it").clone();
                let value = self.value();
                self.secrets.get_mut(&name).expect("it").doubtful.insert(value.clone());
                let made =
                    self.ask("POST", &format!("/{name}/versions"), &json!({ "secret_string": value }))?;
                let id = number(&made.done()["version_metadata"]["id"]);
                let versions = self.secrets.get_mut(&name).expect("it");
                versions.doubtful.remove(&value);
                versions.acknowledged.insert(id, value);
            }
            (8, Some(at)) if count > 3 => {
                let name = self.secrets.keys().nth(at).expect("it").clone();
                self.doubt = Some(Doubt::Delete(name.clone()));
                self.ask("DELETE", &format!("/{name}"), &Value::Null)?.done();
                self.secrets.remove(&name);
                self.doubt = None;
            }
            _ => {
                let name = format!("of-{}-{}", self.name, self.next);
                self.doubt = Some(Doubt::Create(name.clone()));
                self.create(&name)?;
                let acknowledged = BTreeMap::from([(1, self.last.clone())]);
                self.secrets.insert(name, Versions { acknowledged, ..Versions::default() });
                self.doubt = None;
            }
        }
        Ok(())
    }
}

/// Requirement: CSMS-076
#[test]
fn of_64_writers_at_once_no_version_is_lost_and_one_is_current() {
    const EACH: usize = 4;
    let address = free_address();
    let place = Place::new(&format!("[rest]\nlisten = \"{address}\"\n"));
    let daemon = place.start();
    let rest = Rest::new_account(&place, address, "load");
    let mut first = Client::new(0, rest.clone(), Random::of(1));
    first.create(SHARED).expect("a secret");
    let mut shared = Versions::default();
    shared.acknowledged.insert(1, first.last.clone());
    thread::scope(|scope| {
        let write = |name: u64| {
            let mut client = Client::new(name, rest.clone(), Random::of(name));
            for _ in 0..EACH {
                let body = json!({ "secret_string": client.value() });
                let made = client.sure("POST", &format!("/{SHARED}/versions"), &body).done();
                client.written.insert(number(&made["version_metadata"]["id"]), client.last.clone());
            }
            client.written
        };
        let writers: Vec<_> = (1..=64).map(|name| scope.spawn(move || write(name))).collect();
        for writer in writers {
            for (id, value) in writer.join().expect("no writer fails") {
                assert!(shared.acknowledged.insert(id, value).is_none(), "v{id} was told twice");
            }
        }
    });
    assert_eq!(shared.acknowledged.len(), 1 + 64 * EACH);
    assert!(shared.acknowledged.keys().copied().eq(1..=1 + 64 * EACH as u32));
    shared.compare(&mut first, SHARED);
    daemon.stop();
}
