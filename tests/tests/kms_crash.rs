//! `kill -9` of the daemon at random moments while clients make, disable, enable and rotate keys over HTTPS: nothing
//! acknowledged is lost, nothing half made is there.
//!
//! A model keeps what was acknowledged. After each kill, every key that was touched must be as the model has it, with or
//! without the one request of each client that was on its way; it must be usable, and what each of its versions has encrypted
//! must open. The partition's objects are counted: each version of each key is there, and nothing that is of no key.
//! `CLAVIGER_KMS_CRASH_CYCLES` says how many kills (200 if not set), and `CLAVIGER_KMS_CRASH_SEED` which choices.

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

#[test]
fn what_kms_acknowledged_survives_kill_9_and_no_key_is_half_made() {
    let cycles = std::env::var("CLAVIGER_KMS_CRASH_CYCLES");
    let cycles: usize = cycles.map_or(200, |cycles| cycles.parse().expect("a number"));
    let mut random = Random::of(Random::seed("CLAVIGER_KMS_CRASH_SEED"));
    let address = free_address();
    let place = Place::new(&format!("[rest]\nlisten = \"{address}\"\nkey_quota = 1000000\n"));
    let daemon = place.start();
    let rest = Rest::new_account(&place, address, "load");
    let sizes = Sizes::measure(&place, &rest);
    let mut clients: Vec<_> =
        (0..CLIENTS).map(|name| Client::new(name, rest.clone(), Random::of(random.number()))).collect();
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
        let last = cycle == cycles;
        for client in &mut clients {
            client.compare(last);
        }
        let expected: u64 = clients.iter().map(|client| client.objects(&sizes)).sum();
        assert_eq!(objects(&place), sizes.none + expected, "objects that belong to no key, or are missing");
        if last {
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
    let keys: usize = clients.iter().map(|client| client.keys.len()).sum();
    println!("{cycles} kills in {:?}; {done} changes of {keys} keys were acknowledged", began.elapsed());
    assert!(done > cycles, "the load did next to nothing");
}

/// How many objects there are in all partitions.
fn objects(place: &Place) -> u64 {
    let list = place.admin("partition list --json").succeeds().out();
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let rows = list.as_array().or_else(|| list["partitions"].as_array()).expect("partitions");
    rows.iter().map(|row| row["objects"].as_u64().expect("a count")).sum()
}

/// How many objects there are before the load, and how many a version of each type of key is.
struct Sizes {
    none: u64,
    aes: u64,
    pair: u64,
}

impl Sizes {
    fn measure(place: &Place, rest: &Rest) -> Self {
        let make = |spec: &str| {
            rest.kms("create-key", &json!({ "key_alias": spec, "key_spec": spec })).done();
            objects(place)
        };
        let before = objects(place);
        let (first, second) = (make("AES_256"), make("EC_P256"));
        assert!(before < first && first < second, "keys are objects: {before}, {first}, {second}");
        Self { none: second, aes: first - before, pair: second - first }
    }
}

/// A key, as it was acknowledged.
#[derive(Clone, Debug)]
struct Key {
    pair: bool,
    enabled: bool,
    rotations: usize,
    aliases: BTreeSet<String>,
    /// What it encrypted, by each number of rotations.
    ciphers: BTreeMap<usize, (String, String)>,
}

/// A change that got no answer: all of it was made, or nothing.
#[derive(Clone, Debug)]
enum Doubt {
    Create { name: String, pair: bool },
    Enabled(String, bool),
    Rotate(String),
    Alias(String, String),
}

struct Client {
    name: u64,
    line: Line,
    random: Random,
    keys: BTreeMap<String, Key>,
    touched: BTreeSet<String>,
    doubt: Option<Doubt>,
    /// Keys that were made, though their ids did not arrive: of each type.
    unknown: [u64; 2],
    next: u64,
}

impl Client {
    const fn new(name: u64, rest: Rest, random: Random) -> Self {
        Self {
            name,
            line: Line::new(rest),
            random,
            keys: BTreeMap::new(),
            touched: BTreeSet::new(),
            doubt: None,
            unknown: [0; 2],
            next: 0,
        }
    }

    fn ask(&mut self, operation: &str, body: &Value) -> io::Result<Reply> {
        let bytes = self.line.rest.kms_bytes(operation, body);
        self.line.ask(&bytes)
    }

    /// Asks a daemon that lives.
    #[track_caller]
    fn sure(&mut self, operation: &str, body: &Value) -> Reply {
        let bytes = self.line.rest.kms_bytes(operation, body);
        self.line.sure(&bytes)
    }

    fn objects(&self, sizes: &Sizes) -> u64 {
        let known = self.keys.values().map(|key| match key.pair {
            true => sizes.pair,
            false => sizes.aes * (1 + key.rotations as u64),
        });
        known.sum::<u64>() + self.unknown[0] * sizes.aes + self.unknown[1] * sizes.pair
    }

    /// Sees that what was touched, or all, is as it was acknowledged, and settles the doubt.
    fn compare(&mut self, all: bool) {
        self.line.hang_up();
        let doubt = self.doubt.take();
        if let Some(Doubt::Create { name, pair }) = &doubt {
            // A name is one key's: if it is taken, the key was made.
            let reply = self.sure("create-key", &created(name, *pair));
            if reply.status == 200 {
                self.keys.insert(id_of(&reply), Key::new(*pair));
            } else {
                assert_eq!(reply.code(), "KMS.1104", "{doubt:?}");
                self.unknown[usize::from(*pair)] += 1;
            }
        }
        let mut touched = std::mem::take(&mut self.touched);
        if all {
            touched.extend(self.keys.keys().cloned());
        }
        for id in touched {
            self.compare_key(&id, doubt.as_ref());
        }
    }

    fn compare_key(&mut self, id: &str, doubt: Option<&Doubt>) {
        let body = json!({ "key_id": id });
        let mut key = self.keys[id].clone();
        let shown = self.sure("describe-key", &body).done();
        let enabled = shown["key_info"]["key_state"] == "2";
        match doubt {
            Some(Doubt::Enabled(of, after)) if of == id && enabled == *after => key.enabled = enabled,
            _ => assert_eq!(enabled, key.enabled, "{id} after {doubt:?}: {shown}"),
        }
        if !key.pair {
            let status = self.sure("get-key-rotation-status", &body).done();
            let rotations = status["number_of_rotations"].as_u64().expect("a number") as usize;
            match doubt {
                Some(Doubt::Rotate(of)) if of == id && rotations == key.rotations + 1 => {
                    key.rotations = rotations;
                }
                _ => assert_eq!(rotations, key.rotations, "{id} after {doubt:?}: {status}"),
            }
        }
        if let Some(Doubt::Alias(of, alias)) = doubt
            && of == id
        {
            let reply = self.sure("aliases", &json!({ "key_id": id, "alias": alias }));
            assert!(reply.status < 300 || reply.status == 400, "{alias}: {}", reply.json());
            key.aliases.insert(alias.clone());
        }
        for alias in &key.aliases {
            let shown = self.sure("describe-key", &json!({ "key_id": alias })).done();
            assert_eq!(shown["key_info"]["key_id"], id, "{alias}");
        }
        // It is whole: its material is there, and does what it did.
        if key.enabled && key.pair {
            let sign = json!({ "key_id": id, "message": "YQ==", "message_type": "RAW", "signing_algorithm": "ECDSA_SHA_256" });
            let signed = self.sure("sign", &sign).done();
            let mut verify = sign;
            verify["signature"] = signed["signature"].clone();
            assert_eq!(self.sure("verify", &verify).done()["signature_valid"], "true");
        } else if key.enabled {
            let plain = format!("{id} {}", self.random.number());
            let sealed = self.sure("encrypt-data", &json!({ "key_id": id, "plain_text": plain })).done();
            let sealed = sealed["cipher_text"].as_str().expect("a ciphertext").to_owned();
            key.ciphers.insert(key.rotations, (plain, sealed));
            for (plain, sealed) in key.ciphers.values() {
                let opened = self.sure("decrypt-data", &json!({ "cipher_text": sealed })).done();
                assert_eq!(opened["plain_text"], **plain, "by {id}");
            }
        }
        self.keys.insert(id.to_owned(), key);
    }

    /// Works until the daemon is gone, which it may not be before it is killed.
    fn work(&mut self, over: &AtomicBool) -> usize {
        let mut done = 0;
        loop {
            match self.step() {
                Ok(()) => {
                    self.doubt = None;
                    done += 1;
                }
                Err(error) => {
                    assert!(
                        over.load(Ordering::SeqCst),
                        "{:?} failed on a living daemon: {error}",
                        self.doubt
                    );
                    return done;
                }
            }
        }
    }

    fn step(&mut self) -> io::Result<()> {
        let ids: Vec<_> = self.keys.keys().cloned().collect();
        let choice = if ids.is_empty() { 0 } else { self.random.below(6) };
        if choice == 0 {
            self.next += 1;
            let (name, pair) = (format!("load-{}-{}", self.name, self.next), self.random.below(4) == 0);
            self.doubt = Some(Doubt::Create { name: name.clone(), pair });
            let id = id_of(&self.ask("create-key", &created(&name, pair))?);
            self.touched.insert(id.clone());
            self.keys.insert(id, Key::new(pair));
            return Ok(());
        }
        let id = self.random.pick(&ids).clone();
        self.touched.insert(id.clone());
        let (body, key) = (json!({ "key_id": id }), self.keys[&id].clone());
        if choice <= 2 && key.enabled && !key.pair {
            self.doubt = Some(Doubt::Rotate(id.clone()));
            self.ask("rotate-on-demand", &body)?.done();
            self.change(&id, |key| key.rotations += 1);
        } else if choice == 3 && key.aliases.len() < 10 {
            self.next += 1;
            let alias = format!("alias/load-{}-{}", self.name, self.next);
            self.doubt = Some(Doubt::Alias(id.clone(), alias.clone()));
            self.ask("aliases", &json!({ "key_id": id, "alias": alias }))?.done();
            self.change(&id, |key| _ = key.aliases.insert(alias));
        } else {
            self.doubt = Some(Doubt::Enabled(id.clone(), !key.enabled));
            let operation = if key.enabled { "disable-key" } else { "enable-key" };
            let reply = self.ask(operation, &body)?;
            assert_eq!(reply.status, 200, "{operation}: {}", String::from_utf8_lossy(&reply.body));
            self.change(&id, |key| key.enabled = !key.enabled);
        }
        Ok(())
    }

    fn change(&mut self, id: &str, how: impl FnOnce(&mut Key)) {
        how(self.keys.get_mut(id).expect("a key of the model"));
    }
}

impl Key {
    const fn new(pair: bool) -> Self {
        Self { pair, enabled: true, rotations: 0, aliases: BTreeSet::new(), ciphers: BTreeMap::new() }
    }
}

fn created(name: &str, pair: bool) -> Value {
    json!({ "key_alias": name, "key_spec": if pair { "EC_P256" } else { "AES_256" } })
}

fn id_of(reply: &Reply) -> String {
    let made = reply.done();
    made["key_info"]["key_id"].as_str().expect("an id").to_owned()
}
