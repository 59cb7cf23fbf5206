//! The configuration's `[audit]`.

use std::path::{Path, PathBuf};

use audit::Algorithm;
use serde::Deserialize;

/// Where the audit log is, and where it goes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The log's directory; `audit` beside the store's if not given.
    directory: Option<PathBuf>,
    /// The HSM's name in the log; the machine's if not given.
    pub(crate) name: Option<String>,
    /// Bytes after which a segment ends, if a day does not end it first.
    pub(crate) segment_bytes: u64,
    /// What the log is signed with from the next start on.
    pub(crate) signing: Signing,
    /// Where records are sent as they are written.
    pub(crate) forward: Option<Forward>,
}

/// See [`Config::signing`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Signing {
    /// Ed25519.
    #[default]
    #[serde(rename = "ed25519")]
    Ed25519,
    /// SM2 with SM3.
    #[serde(rename = "sm2")]
    Sm2,
    /// ML-DSA-65.
    #[serde(rename = "ml-dsa-65")]
    MlDsa65,
}

impl Signing {
    /// As the log has it.
    pub(super) const fn algorithm(self) -> Algorithm {
        match self {
            Self::Ed25519 => Algorithm::Ed25519,
            Self::Sm2 => Algorithm::Sm2,
            Self::MlDsa65 => Algorithm::MlDsa65,
        }
    }
}

/// A receiver of records.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forward {
    /// `tcp://host:port` or `tls://host:port`.
    pub(crate) to: Receiver,
    /// The form of a record.
    #[serde(default)]
    pub(crate) format: Format,
    /// The certificates that the receiver's must come from, in PEM. Only with TLS, and needed there.
    pub(crate) ca: Option<PathBuf>,
    /// Our certificate, in PEM, if the receiver asks for one.
    pub(crate) certificate: Option<PathBuf>,
    /// The key of that certificate, in PEM.
    pub(crate) key: Option<PathBuf>,
}

/// See [`Forward::to`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Receiver {
    pub(crate) tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// See [`Forward::format`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// A line of JSON.
    #[default]
    Json,
    /// RFC 5424, counted in octets (RFC 6587, "Octet Counting").
    Syslog,
    /// A line of the Common Event Format.
    Cef,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            directory: None,
            name: None,
            segment_bytes: 64 << 20,
            signing: Signing::default(),
            forward: None,
        }
    }
}

impl Config {
    /// The log's directory, for a store in `store`.
    pub(crate) fn directory(&self, store: &Path) -> PathBuf {
        self.directory.clone().unwrap_or_else(|| store.with_file_name("audit"))
    }

    /// The HSM's name.
    pub(crate) fn name(&self) -> String {
        let machine = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let name = self.name.clone().or_else(machine).unwrap_or_default();
        match name.trim() {
            "" => "claviger".to_owned(),
            name => name.to_owned(),
        }
    }

    /// What no single key shows.
    pub(crate) fn check(&self, store: &Path) -> Result<(), String> {
        if self.directory(store).starts_with(store) {
            return Err("[audit] directory: expected a directory outside the store's own".into());
        }
        if !(4096..=1 << 40).contains(&self.segment_bytes) {
            return Err("[audit] segment_bytes: expected 4096 to 2^40".into());
        }
        let Some(Forward { to, ca, certificate, key, .. }) = &self.forward else { return Ok(()) };
        if to.tls != ca.is_some() {
            return Err("[audit.forward] ca: expected with tls://, and only there".into());
        }
        if certificate.is_some() != key.is_some() || (certificate.is_some() && !to.tls) {
            return Err("[audit.forward]: certificate and key go together, and with tls://".into());
        }
        Ok(())
    }
}

impl TryFrom<String> for Receiver {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parse = || {
            let (tls, place) = match text.split_once("://")? {
                ("tcp", place) => (false, place),
                ("tls", place) => (true, place),
                _ => return None,
            };
            let (host, port) = place.rsplit_once(':')?;
            let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            let port = port.parse().ok().filter(|port| *port != 0)?;
            (!host.is_empty() && !host.contains('/')).then(|| Self { tls, host: host.to_owned(), port })
        };
        parse().ok_or_else(|| format!("{text:?} is no receiver: expected tcp://host:port or tls://host:port"))
    }
}
