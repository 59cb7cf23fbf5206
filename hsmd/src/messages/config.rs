//! The section `[messages]` of the configuration.

use std::net::IpAddr;
use std::path::PathBuf;

use dew::message::{Limits, Networks};
use serde::Deserialize;

use super::webhook::Url;
use crate::networks::Listed;

/// Seconds.
const DAY: u64 = 24 * 3600;

/// Where messages may go, how mail and SMS leave, and how much is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The networks that webhooks may be in; without any, all but this machine and its link.
    networks: Listed,
    /// Authorities that webhooks and the mail server are believed by beside those of the system, PEM.
    pub(crate) ca: Option<PathBuf>,
    /// Seconds for which a message is tried.
    pub(crate) try_seconds: u64,
    /// Days for which a message is kept.
    pub(crate) keep_days: u64,
    /// The most messages of a project that are kept.
    pub(crate) keep: usize,
    /// The mail server.
    pub(crate) smtp: Option<Smtp>,
    /// The gateway for SMS.
    pub(crate) sms: Option<Sms>,
}

/// A mail server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Smtp {
    /// `host:port`
    server: String,
    /// How the way there is kept secret.
    #[serde(default)]
    pub(crate) tls: Secured,
    /// Who logs in; nobody, if not given.
    pub(crate) user: Option<String>,
    /// A file with the password.
    pub(crate) password_file: Option<PathBuf>,
    /// Who mails are from.
    pub(crate) from: String,
}

/// See [`Smtp::tls`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Secured {
    /// TLS from the first byte.
    Tls,
    /// TLS once the server says that it has it; without it, nothing is sent.
    #[default]
    Starttls,
    /// None: on this machine alone.
    None,
}

/// A gateway for SMS.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sms {
    /// Where messages are posted to.
    pub(crate) url: String,
    /// A file with the secret that they are signed with, as `topic add` shows one.
    pub(crate) secret_file: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            networks: Listed::default(),
            ca: None,
            try_seconds: DAY,
            keep_days: 30,
            keep: 10_000,
            smtp: None,
            sms: None,
        }
    }
}

impl Config {
    /// What is wrong with it.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.try_seconds == 0 || self.keep_days == 0 || self.keep == 0 {
            return Err("[messages] try_seconds, keep_days and keep: expected at least 1".into());
        }
        if self.try_seconds > self.keep_days.saturating_mul(DAY) {
            return Err("[messages] try_seconds: a message is not tried for longer than it is kept".into());
        }
        if let Some(smtp) = &self.smtp {
            smtp.check().map_err(|why| format!("[messages.smtp] {why}"))?;
        }
        if let Some(sms) = &self.sms {
            Url::parse(&sms.url).map_err(|why| format!("[messages.sms] url: {why}"))?;
        }
        Ok(())
    }

    /// The networks that webhooks may be in.
    pub(crate) fn networks(&self) -> Networks {
        self.networks.networks()
    }

    /// What is kept, and for how long.
    pub(crate) const fn limits(&self) -> Limits {
        Limits {
            keep: self.keep,
            keep_for: self.keep_days.saturating_mul(DAY * 1000),
            try_for: self.try_seconds.saturating_mul(1000),
        }
    }
}

impl Smtp {
    /// Host and port.
    pub(crate) fn server(&self) -> Option<(&str, u16)> {
        let (host, port) = self.server.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_host = !host.is_empty() && !host.contains(['[', ']', '@', '/']);
        is_host.then_some((host, port.parse().ok().filter(|port| *port != 0)?))
    }

    fn check(&self) -> Result<(), String> {
        let Some((host, _)) = self.server() else {
            return Err(format!("server: expected host:port, not {:?}", self.server));
        };
        let is_here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        if self.tls == Secured::None && !is_here {
            return Err("tls: none is for a server on this machine alone, such as 127.0.0.1:25".into());
        }
        if self.user.is_some() != self.password_file.is_some() {
            return Err("user and password_file: expected both or neither".into());
        }
        let from: Result<lettre::Address, _> = self.from.parse();
        from.map(drop).map_err(|error| format!("from: {:?} is no address of mail: {error}", self.from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        match toml::from_str::<Config>(text) {
            Err(error) => error.message().to_owned(),
            Ok(config) => config.check().err().unwrap_or_default(),
        }
    }

    #[test]
    fn the_way_out_is_checked_before_anything_is_sent() {
        assert_eq!(fault(""), "");
        assert!(fault("networks = [\"10.0.0.1/8\"]").contains("range of addresses"));
        assert!(fault("keep = 0").contains("at least 1"));
        assert!(fault("try_seconds = 100000\nkeep_days = 1").contains("longer than it is kept"));
        let smtp = |rest: &str| fault(&format!("[smtp]\nfrom = \"hsm@example.org\"\n{rest}"));
        assert_eq!(smtp("server = \"mail.example.org:587\""), "");
        assert_eq!(smtp("server = \"[::1]:25\"\ntls = \"none\""), "");
        assert_eq!(smtp("server = \"localhost:25\"\ntls = \"none\""), "");
        assert!(smtp("server = \"mail.example.org:25\"\ntls = \"none\"").contains("this machine alone"));
        assert!(smtp("server = \"mail.example.org\"").contains("host:port"));
        assert!(smtp("server = \"m:25\"\nuser = \"u\"").contains("expected both"));
        assert!(fault("[smtp]\nserver = \"m:25\"\nfrom = \"x\\r\\nBcc: a@b.c\"").contains("no address"));
        assert!(fault("[sms]\nurl = \"ftp://x\"\nsecret_file = \"f\"").contains("http"));
    }
}
