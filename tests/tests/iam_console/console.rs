//! A daemon with the services, and its console.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tests::{Place, Rest, Run, free_address};

/// A policy that lets keys be listed and looked at.
pub(crate) const READ_KEYS: &str = r#"{
  "Version": "1.1",
  "Statement": [{ "Effect": "Allow", "Action": ["kms:cmk:list", "kms:cmk:get"] }]
}"#;

/// A daemon with the services, and its console.
pub(crate) struct Console {
    pub(crate) place: Place,
    pub(crate) address: SocketAddr,
}

impl Console {
    pub(crate) fn new() -> Self {
        let address = free_address();
        Self { place: Place::new(&format!("[rest]\nlisten = \"{address}\"\n")), address }
    }

    pub(crate) fn run(&self, words: &[&str]) -> Run {
        let mut command = Command::new(self.place.program("hsm-admin"));
        command.arg("--socket").arg(self.place.path("admin.sock")).args(words).stdin(Stdio::null());
        Run::of(command.env("NO_COLOR", "1").current_dir(self.place.path("")))
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let run = self.run(&[words, &["--json"]].concat()).succeeds();
        serde_json::from_str(&run.out()).unwrap_or_else(|error| panic!("{words:?}: {error}: {}", run.out()))
    }

    pub(crate) fn done(&self, words: &[&str]) {
        self.run(words).succeeds().done();
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        std::fs::write(self.place.path(name), content).expect("a file");
    }

    /// A new account, as its root user.
    pub(crate) fn account(&self, name: &str) -> Rest {
        Rest::new_account(&self.place, self.address, name)
    }

    /// A user's new access key, used in the first project of the account.
    pub(crate) fn key(&self, root: &Rest, user: &str) -> Rest {
        let made = self.json(&["ak", "create", user]);
        let word = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
        root.with_key(word("access_key"), word("secret_key"))
    }

    /// All that an account has, as the console shows it.
    pub(crate) fn all(&self, account: &str, users: &[&str]) -> Vec<Value> {
        let lists = [
            vec!["account", "list"],
            vec!["account", "show", account],
            vec!["user", "list", "--account", account],
            vec!["group", "list", account],
            vec!["policy", "list", account],
            vec!["project", "list", account],
        ];
        let mut all: Vec<_> = lists.iter().map(|words| self.json(words)).collect();
        for user in users {
            all.push(self.json(&["user", "show", user]));
            let mut keys = self.json(&["ak", "list", user]);
            // When a key was used last is not what a command changes.
            keys.as_array_mut().expect("keys").iter_mut().for_each(|key| key["last_use_time"] = Value::Null);
            all.push(keys);
        }
        all
    }
}

/// The statuses of listing keys, and of making one, each of a name of its own.
pub(crate) fn list_and_create(who: &Rest) -> [u16; 2] {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let create = json!({ "key_alias": format!("key-{}", MADE.fetch_add(1, Ordering::Relaxed)) });
    [who.kms("list-keys", &json!({})).status, who.kms("create-key", &create).status]
}
