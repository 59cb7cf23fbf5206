//! A Redis server.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use nix::sys::signal::Signal;

use super::{NAME, Place, Shell};
use crate::Run;

/// Where a Redis server keeps its accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// In an ACL file.
    File,
    /// In its configuration.
    Configuration,
    /// Nowhere: they end with it.
    Memory,
}

/// A Redis server; it ends with this value. Its `default` account is off.
pub struct Redis(Place);

impl Redis {
    /// Who may do all.
    pub const ADMIN: &str = "administrator";
    /// That account's password.
    pub const ADMIN_PASSWORD: &str = "Administrators-1";
    /// The name that its certificate has.
    pub const NAME: &str = NAME;

    /// Starts one with an ACL file. Needs `redis-server` and `redis-cli`.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Accounts::File, &[])
    }

    /// Starts one that keeps its accounts there, with more lines of configuration.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_with(accounts: Accounts, settings: &[&str]) -> Self {
        let place = Place::new(None);
        fs::write(place.path("ca.pem"), &place.ca_pem).expect("a file");
        let mut own = vec!["port 0".to_owned(), format!("tls-port {}", place.address.port())];
        for (name, file) in [("cert", "cert.pem"), ("key", "key.pem"), ("ca-cert", "ca.pem")] {
            own.push(format!("tls-{name}-file {}", place.path(file)));
        }
        own.push("tls-auth-clients no".to_owned());
        own.extend(settings.iter().map(|&line| line.to_owned()));
        Self::started(place, accounts, own)
    }

    /// Starts one that speaks no TLS.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_without_tls() -> Self {
        let place = Place::new(None);
        let port = format!("port {}", place.address.port());
        Self::started(place, Accounts::File, vec![port])
    }

    fn started(mut place: Place, accounts: Accounts, mut settings: Vec<String>) -> Self {
        let dir = format!("dir {}", place.dir.path().display());
        let log = format!("logfile {}", place.path("log"));
        let own = ["bind 127.0.0.1", "loglevel debug", "slowlog-log-slower-than 0", "save \"\"", &dir, &log];
        settings.splice(0..0, own.map(str::to_owned));
        let admin = format!("user {} on >{} ~* &* +@all", Self::ADMIN, Self::ADMIN_PASSWORD);
        let users = [admin, "user default off resetpass".to_owned()];
        match accounts {
            Accounts::File => {
                fs::write(place.path("users.acl"), users.join("\n") + "\n").expect("a file");
                settings.push(format!("aclfile {}", place.path("users.acl")));
            }
            Accounts::Configuration | Accounts::Memory => settings.extend(users),
        }
        let mut server = Command::new("redis-server");
        if accounts == Accounts::Memory {
            // What stands on the command line is configuration without a file.
            for line in &settings {
                server.args(format!("--{line}").split(' '));
            }
        } else {
            fs::write(place.path("redis.conf"), settings.join("\n") + "\n").expect("a file");
            server.arg(place.path("redis.conf"));
        }
        place.start(server, |place| {
            Run::of(Self::client(place, Self::ADMIN, Self::ADMIN_PASSWORD).arg("PING")).succeeded()
        });
        Self(place)
    }

    /// A client of an account, which ends with a fault if it is told one.
    fn client(place: &Place, name: &str, password: &str) -> Command {
        let mut client = Command::new("redis-cli");
        client.args(["-e", "--no-auth-warning", "-h", "127.0.0.1", "-p", &place.address.port().to_string()]);
        let authority = place.path("ca.pem");
        if fs::exists(&authority).expect("a folder") {
            client.args(["--tls", "--sni", NAME, "--cacert", &authority]);
        }
        client.args(["--user", name]).env("REDISCLI_AUTH", password);
        client
    }

    /// Runs a command, of words with a blank between, as an account.
    pub fn command_as(&self, name: &str, password: &str, command: &str) -> Run {
        Run::of(Self::client(&self.0, name, password).args(command.split(' ')))
    }

    /// A connection of an account, which stays open.
    #[must_use]
    pub fn shell_as(&self, name: &str, password: &str) -> Shell {
        Shell::of(&mut Self::client(&self.0, name, password))
    }

    /// Runs a command, of words with a blank between, as the administrator, and gives what it prints.
    ///
    /// # Panics
    /// If it fails.
    #[track_caller]
    pub fn command(&self, command: &str) -> String {
        self.command_as(Self::ADMIN, Self::ADMIN_PASSWORD, command).succeeds().out()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// The authority of its certificate.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.0.ca_pem
    }

    /// All that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.0.log()
    }

    /// Ends it, so that nobody listens any more.
    pub fn stop(&mut self) {
        self.0.end(Signal::SIGKILL);
    }

    /// Starts it again, at its address and with the accounts that it keeps, ended or not.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.stop();
        self.0.start_again();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}
