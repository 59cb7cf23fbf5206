//! A daemon that answers on an admin socket as a test tells it to, and `hsm-admin` run against it.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;
use wire::admin::{Ask, Object, Partition, Status, Told};
use wire::{List, codec, frame};

/// Listens until the test ends, and remembers what it was asked.
pub struct FakeDaemon {
    pub dir: TempDir,
    asked: Arc<Mutex<Vec<Ask>>>,
}

impl FakeDaemon {
    pub fn start(answer: impl Fn(&Ask) -> Told + Send + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("admin.sock")).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut body, mut reply) = (stream.unwrap(), Vec::new(), Vec::new());
                while frame::read(&mut stream, &mut body).is_ok() {
                    let ask: Ask = codec::decode(&body).unwrap();
                    frame::begin(&mut reply);
                    codec::encode(&answer(&ask), &mut reply).unwrap();
                    log.lock().unwrap().push(ask);
                    frame::end(&mut reply, &mut stream).unwrap();
                }
            }
        });
        Self { dir, asked }
    }

    /// A daemon with the partitions `payments` and `two words`.
    pub fn usual() -> Self {
        Self::start(|ask| usual(ask, false))
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("admin.sock")
    }

    pub fn asked(&self) -> Vec<Ask> {
        self.asked.lock().unwrap().clone()
    }

    /// A file for a secret.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// `hsm-admin` with these words, without a terminal.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hsm-admin"));
        command.env("CLAVIGER_ADMIN_SOCKET", self.socket()).stdin(Stdio::null()).args(words);
        command
    }
}

/// What an orderly daemon with two partitions tells.
pub fn usual(ask: &Ask, sealed: bool) -> Told {
    let named = |name: &str| match name {
        "payments" | "0" | "serial-0" => Some(partition(0, "payments")),
        "two words" | "1" | "serial-1" => Some(partition(1, "two words")),
        _ => None,
    };
    let told = |found: Option<Partition>, name: &str| {
        let failed = || Told::Failed { reason: format!("no partition “{name}”") };
        found.map_or_else(failed, |found| Told::Partition(Box::new(found)))
    };
    if sealed && !matches!(ask, Ask::Status | Ask::Unseal { .. }) {
        return Told::Failed { reason: "the root key is not there".into() };
    }
    match ask {
        Ask::Status => Told::Status(status(sealed)),
        Ask::Unseal { passphrase } if **passphrase == *b"open sesame" => Told::Done,
        Ask::Unseal { .. } => Told::Failed { reason: "the passphrase is wrong".into() },
        Ask::PartitionCreate { label, so_pin, .. } => {
            let made = Partition { initialized: so_pin.is_some(), objects: 0, ..partition(2, label) };
            Told::Partition(Box::new(made))
        }
        Ask::PartitionList => {
            Told::Partitions(List::new(vec![partition(0, "payments"), partition(1, "two words")]).unwrap())
        }
        Ask::PartitionShow { partition } => told(named(partition), partition),
        Ask::PartitionInit { partition, .. } => told(named(partition), partition),
        Ask::PartitionRename { partition, label } => {
            told(named(partition).map(|old| Partition { label: label.clone(), ..old }), partition)
        }
        Ask::PartitionDelete { .. } => Told::Done,
        Ask::ObjectList { after, .. } => {
            // A thousand and a half: two pages.
            let page = (after + 1..=1500).take(wire::admin::MAX_OBJECTS).map(object).collect();
            Told::Objects(List::new(page).unwrap())
        }
        other => Told::Failed { reason: format!("the stand-in does not know {other:?}") },
    }
}

pub fn status(sealed: bool) -> Status {
    Status {
        version: "0.1.0".into(),
        pid: 4711,
        uptime: 3700,
        sealed,
        store: "redb".into(),
        socket: "/run/claviger/hsmd.sock".into(),
        connections: 3,
        max_connections: 4096,
        sessions: 5,
        partitions: 2,
        objects: 1500,
    }
}

pub fn partition(slot: u64, label: &str) -> Partition {
    Partition {
        slot,
        label: label.into(),
        serial: format!("serial-{slot}"),
        uri: format!("pkcs11:token={label};serial=serial-{slot}"),
        policy: "standard".into(),
        initialized: true,
        user_pin: true,
        so_pin_failures: 0,
        user_pin_failures: 2,
        so_pin_locked: false,
        user_pin_locked: false,
        objects: 1500,
        sessions: 1,
    }
}

pub fn object(number: u64) -> Object {
    Object {
        number,
        unique_id: format!("unique-{number}"),
        class: "CKO_PRIVATE_KEY".into(),
        kind: "CKK_EC".into(),
        bits: 256,
        label: format!("key {number}"),
        id: "0a0b".into(),
        private: true,
        sensitive: true,
        extractable: false,
        usages: vec!["sign".into(), "derive".into()],
    }
}

/// What was printed, as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
