//! The configuration file: TOML, every key with a default, unknown keys refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::audit::config as audit;

/// Why the configuration cannot be used: file, line, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub(crate) struct ConfigError {
    place: String,
    message: String,
}

/// The whole configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) socket: Socket,
    pub(crate) access: Vec<Access>,
    pub(crate) store: Store,
    pub(crate) root_key: RootKey,
    pub(crate) limits: Limits,
    pub(crate) pins: Pins,
    pub(crate) log: Log,
    pub(crate) hardening: Hardening,
    pub(crate) audit: audit::Config,
    pub(crate) metrics: crate::metrics::Endpoint,
    pub(crate) rest: crate::rest::Config,
    pub(crate) transfer: crate::transfer::Config,
    pub(crate) messages: crate::messages::Config,
    pub(crate) rotation: crate::servers::Config,
}

/// Where applications and the console connect, and who may.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Socket {
    /// The applications' socket.
    pub(crate) path: PathBuf,
    /// The console's socket; `admin.sock` beside the other if not given.
    admin: Option<PathBuf>,
    /// Permissions of the applications' socket, octal: `"0666"`.
    pub(crate) mode: Mode,
    /// The group the applications' socket belongs to.
    pub(crate) group: Option<String>,
    /// Users who may connect; with `gids` empty as well, everyone who can reach the socket.
    pub(crate) uids: Vec<u32>,
    /// Groups whose members may connect, by their primary group.
    pub(crate) gids: Vec<u32>,
}

/// Who may use one partition. A partition without such an entry is open to all who may connect.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Access {
    /// The partition's label or serial number.
    pub(crate) partition: String,
    /// Users who may.
    #[serde(default)]
    pub(crate) uids: Vec<u32>,
    /// Groups whose members may, by their primary group.
    #[serde(default)]
    pub(crate) gids: Vec<u32>,
}

/// Where records are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Store {
    /// The store's directory.
    pub(crate) path: PathBuf,
    /// The anchor's directory; `anchor` beside the store's if not given.
    anchor: Option<PathBuf>,
    /// Nothing is written, whatever is asked.
    pub(crate) read_only: bool,
}

/// Where the root key of a new store comes from: one of the first three. Who keeps it later, the store says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RootKey {
    /// A file with the key: 64 hexadecimal digits or 32 bytes.
    pub(crate) file: Option<PathBuf>,
    /// The name of a service credential (systemd's `LoadCredential=`) with the key in the same form.
    pub(crate) credential: Option<String>,
    /// The key is derived from a passphrase that `hsm-admin unseal` asks for.
    pub(crate) passphrase: bool,
    /// Where another token keeps the root key: a file with its PIN, so that nobody need be there at the start.
    pub(crate) token_pin_file: Option<PathBuf>,
    /// Where UKeys hold it: seconds after which shares that were given are forgotten, if not enough come.
    pub(crate) share_seconds: Option<u64>,
}

/// How much of anything there may be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Connections of applications at once.
    pub(crate) connections: usize,
    /// Sessions of one application on one token.
    pub(crate) sessions: u64,
    /// Token objects in one partition.
    pub(crate) objects: u64,
    /// Session objects of one application on one token.
    pub(crate) session_objects: u64,
    /// Bytes of the store.
    pub(crate) bytes: u64,
    /// Bytes of large requests that are in work at once.
    pub(crate) request_bytes: usize,
}

/// What PINs must be, and what checking one costs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pins {
    /// Bytes of the shortest PIN.
    pub(crate) min_length: usize,
    /// Wrong tries in a row that lock the security officer's PIN.
    pub(crate) so_tries: u8,
    /// Wrong tries in a row that lock the user's PIN.
    pub(crate) user_tries: u8,
    /// KiB of memory (Argon2id).
    pub(crate) memory: u32,
    /// Passes over the memory (Argon2id).
    pub(crate) passes: u32,
}

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// The least that is logged.
    pub(crate) level: Level,
    /// The form of a line.
    pub(crate) format: Format,
}

/// See [`Log::level`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// See [`Log::format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub(crate) enum Format {
    Text,
    Json,
}

/// What the process does to be a harder target.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Hardening {
    /// Memory is locked, so that no key is written to swap, where the process may do so.
    pub(crate) lock_memory: bool,
}

/// Permissions of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Mode(pub(crate) u32);

impl TryFrom<String> for Mode {
    type Error = String;
    fn try_from(octal: String) -> Result<Self, String> {
        match u32::from_str_radix(&octal, 8) {
            Ok(mode) if mode <= 0o777 => Ok(Self(mode)),
            _ => Err(format!("{octal:?} is no mode: expected octal digits such as \"0660\"")),
        }
    }
}

impl Default for Socket {
    fn default() -> Self {
        Self {
            path: "/run/claviger/hsmd.sock".into(),
            admin: None,
            mode: Mode(0o666),
            group: None,
            uids: Vec::new(),
            gids: Vec::new(),
        }
    }
}

impl Socket {
    /// The console's socket.
    pub(crate) fn admin(&self) -> PathBuf {
        self.admin.clone().unwrap_or_else(|| self.path.with_file_name("admin.sock"))
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { path: "/var/lib/claviger/store".into(), anchor: None, read_only: false }
    }
}

impl Store {
    /// The anchor's directory.
    pub(crate) fn anchor(&self) -> PathBuf {
        self.anchor.clone().unwrap_or_else(|| self.path.with_file_name("anchor"))
    }
}

impl Default for Limits {
    fn default() -> Self {
        let settings = hsm::Settings::default();
        Self {
            connections: 4096,
            sessions: settings.max_sessions,
            objects: settings.max_token_objects,
            session_objects: settings.max_session_objects,
            bytes: 64 << 30,
            request_bytes: 512 << 20,
        }
    }
}

impl Default for Pins {
    fn default() -> Self {
        let settings = hsm::Settings::default();
        Self {
            min_length: settings.min_pin_len,
            so_tries: settings.so_pin_tries,
            user_tries: settings.user_pin_tries,
            memory: settings.pin_memory,
            passes: settings.pin_passes,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info, format: Format::Text }
    }
}

impl Default for Hardening {
    fn default() -> Self {
        Self { lock_memory: true }
    }
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// What is wrong, with file, line and what was expected.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|error| ConfigError { place: path.display().to_string(), message: error.to_string() })?;
        Self::parse(&path.display().to_string(), &text)
    }

    fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
            let message = error.message().replace('\n', ": ");
            ConfigError { place: format!("{file}:{line}"), message }
        })?;
        config.check().map_err(|message| ConfigError { place: file.to_owned(), message })?;
        Ok(config)
    }

    /// What no single key shows.
    fn check(&self) -> Result<(), String> {
        let root = &self.root_key;
        let sources = [root.file.is_some(), root.credential.is_some(), root.passphrase];
        if sources.iter().filter(|given| **given).count() > 1 {
            return Err("[root_key]: expected one of file, credential and passphrase".into());
        }
        if root.credential.as_deref().is_some_and(|name| name.is_empty() || name.contains('/')) {
            return Err("[root_key] credential: expected the name of a credential, not a path".into());
        }
        for (name, path) in [("path", &self.socket.path), ("admin", &self.socket.admin())] {
            // `sockaddr_un` holds 108 bytes with the NUL at the end.
            if path.as_os_str().len() > 107 {
                let path = path.display();
                return Err(format!("[socket] {name}: expected a path of at most 107 bytes, not {path}"));
            }
        }
        if self.socket.path == self.socket.admin() {
            return Err("[socket]: path and admin must be two sockets".into());
        }
        let store = &self.store;
        if store.anchor().starts_with(&store.path) {
            return Err("[store] anchor: expected a directory outside the store's own".into());
        }
        self.audit.check(&store.path)?;
        if self.transfer.seconds == 0 {
            return Err("[transfer] seconds: expected at least 1".into());
        }
        self.messages.check()?;
        self.rotation.check()?;
        if self.limits.connections == 0 {
            return Err("[limits] connections: expected at least 1".into());
        }
        if self.pins.so_tries == 0 || self.pins.user_tries == 0 {
            return Err("[pins]: expected at least 1 try".into());
        }
        if self.pins.memory < 8 || self.pins.passes == 0 {
            return Err("[pins]: expected memory of at least 8 KiB and at least 1 pass".into());
        }
        Ok(())
    }

    /// What the HSM itself is told.
    pub(crate) fn settings(&self) -> hsm::Settings {
        hsm::Settings {
            max_sessions: self.limits.sessions,
            max_token_objects: self.limits.objects,
            max_session_objects: self.limits.session_objects,
            min_pin_len: self.pins.min_length,
            so_pin_tries: self.pins.so_tries,
            user_pin_tries: self.pins.user_tries,
            pin_memory: self.pins.memory,
            pin_passes: self.pins.passes,
            ..hsm::Settings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Config::parse("hsmd.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_file_is_a_configuration() {
        let config = Config::parse("hsmd.toml", "").unwrap();
        assert_eq!(config.socket.admin(), Path::new("/run/claviger/admin.sock"));
        assert_eq!(config.store.anchor(), Path::new("/var/lib/claviger/anchor"));
        assert_eq!(config.limits.connections, 4096);
    }

    #[test]
    fn an_unknown_key_is_refused_with_file_line_and_what_was_expected() {
        let message = refused("[log]\nlevel = \"info\"\ncolour = true\n");
        assert!(message.starts_with("hsmd.toml:3: "), "{message}");
        assert!(message.contains("colour") && message.contains("`level`"), "{message}");
        let message = refused("\n\n[sockets]\n");
        assert!(message.starts_with("hsmd.toml:3: "), "{message}");
        assert!(message.contains("`socket`"), "{message}");
    }

    #[test]
    fn a_value_of_a_wrong_type_is_refused_with_what_was_expected() {
        let message = refused("[limits]\nconnections = \"many\"\n");
        assert!(message.starts_with("hsmd.toml:2: ") && message.contains("usize"), "{message}");
        let message = refused("[log]\nlevel = \"loud\"\n");
        assert!(message.starts_with("hsmd.toml:2: ") && message.contains("`info`"), "{message}");
        let message = refused("[socket]\nmode = \"0999\"\n");
        assert!(message.starts_with("hsmd.toml:2: ") && message.contains("octal"), "{message}");
        let message = refused("[socket\n");
        assert!(message.starts_with("hsmd.toml:1: "), "{message}");
    }

    #[test]
    fn what_no_single_key_shows_is_refused_too() {
        assert!(refused("[root_key]\nfile = \"a\"\npassphrase = true").contains("one of"));
        assert!(refused("[root_key]\ncredential = \"../x\"").contains("credential"));
        assert!(refused("[store]\npath = \"/a\"\nanchor = \"/a/b\"").contains("outside"));
        assert!(refused("[limits]\nconnections = 0").contains("at least 1"));
        assert!(refused(&format!("[socket]\npath = \"/{}\"", "x".repeat(107))).contains("107 bytes"));
        assert!(refused("[socket]\npath = \"/a\"\nadmin = \"/a\"").contains("two sockets"));
        assert!(refused("[pins]\nuser_tries = 0").contains("at least 1"));
    }

    #[test]
    fn where_records_are_sent_is_checked_as_a_whole() {
        let forward = |more: &str| format!("[audit.forward]\nto = \"{more}");
        let config = Config::parse("hsmd.toml", &forward("tcp://[::1]:514\"")).unwrap();
        let to = config.audit.forward.unwrap().to;
        assert_eq!((to.host.as_str(), to.port, to.tls), ("::1", 514, false));
        assert!(refused(&forward("tcp://host\"")).contains("tcp://host:port"));
        assert!(refused(&forward("udp://host:514\"")).contains("tcp://host:port"));
        assert!(refused(&forward("tls://host:6514\"")).contains("ca"));
        assert!(refused(&forward("tls://host:6514\"\nca = \"a\"\nkey = \"b\"")).contains("go together"));
        assert!(refused(&forward("tcp://host:514\"\nformat = \"xml\"")).contains("syslog"));
        assert!(refused("[audit]\nsegment = 1").contains("segment_bytes"));
        assert!(refused("[store]\npath = \"/a\"\n[audit]\ndirectory = \"/a/b\"").contains("outside"));
    }

    /// The keys of a table, as its error names them for one that it does not know.
    fn known(table: &str) -> Vec<String> {
        let message = toml::from_str::<Config>(&format!("{table}\nunheard-of = 1")).unwrap_err().to_string();
        let names = message.split_once("expected").expect(&message).1.split('`');
        names.skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_file_that_is_installed_shows_every_key_and_each_as_it_may_be_written() {
        let shown = include_str!("../../packaging/hsmd.toml").lines().map(|line| {
            let value = line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
            format!("{}\n", value.unwrap_or(line))
        });
        let shown: String = shown.collect();
        toml::from_str::<Config>(&shown).unwrap();
        let shown: toml::Table = shown.parse().unwrap();
        let (mut looked, mut tables) = (0, vec![(String::new(), &shown)]);
        while let Some((name, table)) = tables.pop() {
            let start = match shown.get(&name) {
                Some(toml::Value::Array(_)) => format!("[[{name}]]"),
                _ if name.is_empty() => String::new(),
                _ => format!("[{name}]"),
            };
            for key in known(&start) {
                looked += 1;
                let dot = if name.is_empty() { "" } else { "." };
                match table.get(&key).unwrap_or_else(|| panic!("{start} {key} is not shown")) {
                    toml::Value::Table(inner) => tables.push((format!("{name}{dot}{key}"), inner)),
                    toml::Value::Array(all) => {
                        let inner = all.first().and_then(toml::Value::as_table);
                        tables.extend(inner.map(|inner| (format!("{name}{dot}{key}"), inner)));
                    }
                    _ => {}
                }
            }
        }
        assert!(looked > 40, "the test sees only {looked} keys");
    }

    #[test]
    fn the_file_that_is_installed_can_be_read_as_it_is() {
        Config::parse("hsmd.toml", include_str!("../../packaging/hsmd.toml")).unwrap();
    }

    #[test]
    fn access_is_given_for_each_partition() {
        let text =
            "[[access]]\npartition = \"web\"\nuids = [33]\n[[access]]\npartition = \"ca\"\ngids = [1, 2]\n";
        let config = Config::parse("hsmd.toml", text).unwrap();
        assert_eq!(config.access.len(), 2);
        assert_eq!((config.access[0].uids[0], config.access[1].gids[1]), (33, 2));
        assert!(refused("[[access]]\nuids = [1]").contains("partition"));
    }
}
