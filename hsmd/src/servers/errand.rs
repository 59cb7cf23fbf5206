//! Errands: calls to servers, each in a process of its own. Who may make secrets says which servers there are, and what one
//! answers is taken apart by libraries that make as much memory for it as it says. A process that ends over that is
//! not the daemon, and holds nothing but what it was sent with.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, ExitCode, Stdio, id};

use dew::csms::{Engine, Fault, Login, Server};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::getppid;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::harden;

/// What the daemon's program is started with for one.
pub(crate) const WORD: &str = "run-errand";
/// The most bytes of one, and of what came of it.
const MOST: u64 = 1 << 20;
/// The address space of the process, and how long it may compute.
const MEMORY: u64 = 512 << 20;
const SECONDS: u64 = 120;

/// An errand.
#[derive(Serialize, Deserialize)]
pub(super) struct Errand {
    pub(super) server: Server,
    /// Where the server is, which was looked at.
    pub(super) address: SocketAddr,
    pub(super) act: Act,
}

/// What is to be done there.
#[derive(Serialize, Deserialize)]
pub(super) enum Act {
    LogIn(Account),
    SetPassword { admin: Account, account: Account },
    CloneAccount { admin: Account, original: String, clone: Account },
    DropAccount { admin: Account, name: String },
}

/// An account and what it proves itself with.
#[derive(Serialize, Deserialize)]
pub(super) struct Account {
    name: String,
    password: Zeroizing<String>,
    is_key: bool,
}

impl From<&Login> for Account {
    fn from(login: &Login) -> Self {
        Self { name: login.name.clone(), password: login.password.clone(), is_key: login.is_key() }
    }
}

impl Errand {
    /// Has it run.
    ///
    /// # Errors
    /// Why it is not done.
    pub(super) fn run(&self) -> Result<(), Fault> {
        let failed =
            |why: &dyn std::fmt::Display| Fault::Unreachable(format!("the server cannot be asked: {why}"));
        let mut asked = Zeroizing::new(Vec::with_capacity(128 << 10));
        serde_json::to_writer(&mut *asked, self).map_err(|error| failed(&error))?;
        let mut command = Command::new("/proc/self/exe");
        command.arg(WORD).arg(id().to_string()).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| failed(&error))?;
        // One that ends before it has read all has no answer either.
        if let Some(mut input) = child.stdin.take() {
            drop(input.write_all(&asked));
        }
        let mut answer = Vec::new();
        if let Some(output) = child.stdout.take() {
            drop(output.take(MOST).read_to_end(&mut answer));
        }
        drop(child.kill());
        drop(child.wait());
        serde_json::from_slice(&answer).unwrap_or_else(|_| {
            let text =
                "the server says what ended the process that asked it: check that it is one of this engine";
            Err(Fault::Unreachable(text.to_owned()))
        })
    }

    fn done(&self) -> Result<(), Fault> {
        match self.server.engine {
            Engine::MySql | Engine::TaurusDb => self.in_database(databases::Engine::MySql),
            Engine::PostgreSql => self.in_database(databases::Engine::PostgreSql),
            Engine::Redis => self.in_database(databases::Engine::Redis),
            Engine::Ssh => self.on_host(),
        }
    }

    fn in_database(&self, engine: databases::Engine) -> Result<(), Fault> {
        let Server { host, ca, database, .. } = &self.server;
        let (name, ca, database) = (host.clone(), ca.clone(), database.clone());
        let server = databases::Server { engine, address: self.address, name, ca, database };
        match &self.act {
            Act::LogIn(account) => databases::log_in(&server, &account.in_database()),
            Act::SetPassword { admin, account } => {
                databases::set_password(&server, &admin.in_database(), &account.in_database())
            }
            Act::CloneAccount { admin, original, clone } => {
                databases::clone_account(&server, &admin.in_database(), original, &clone.in_database())
            }
            Act::DropAccount { admin, name } => databases::drop_account(&server, &admin.in_database(), name),
        }
        .map_err(fault)
    }

    fn on_host(&self) -> Result<(), Fault> {
        let (name, host_keys) = (self.server.host.clone(), self.server.ca.clone());
        let host = hosts::Host { address: self.address, name, host_keys };
        match &self.act {
            Act::LogIn(account) => hosts::log_in(&host, &account.on_host()),
            Act::SetPassword { admin, account: Account { name, password, is_key: true } } => {
                hosts::set_key(&host, &admin.on_host(), name, password)
            }
            Act::SetPassword { admin, account: Account { name, password, .. } } => {
                hosts::set_password(&host, &admin.on_host(), name, password)
            }
            Act::CloneAccount { .. } | Act::DropAccount { .. } => {
                return Err(Fault::Refused("an account of a host has no clone".to_owned()));
            }
        }
        .map_err(host_fault)
    }
}

impl Account {
    fn in_database(&self) -> databases::Account<'_> {
        databases::Account { name: &self.name, password: &self.password }
    }

    fn on_host(&self) -> hosts::Account<'_> {
        let proof = match self.is_key {
            true => hosts::Proof::PrivateKey(&self.password),
            false => hosts::Proof::Password(&self.password),
        };
        hosts::Account { name: &self.name, proof }
    }
}

/// The process of an errand: reads it, does it, and tells what came of it.
pub(crate) fn main() -> ExitCode {
    // Where memory runs out, this process is the one to go.
    drop(std::fs::write("/proc/self/oom_score_adj", "1000"));
    // What cannot be limited is not begun; it is told by saying nothing.
    let limited =
        [(Resource::RLIMIT_AS, MEMORY), (Resource::RLIMIT_CPU, SECONDS), (Resource::RLIMIT_CORE, 0)]
            .into_iter()
            .all(|(what, most)| setrlimit(what, most, most).is_ok());
    if !limited || prctl::set_pdeathsig(Signal::SIGKILL).is_err() || prctl::set_dumpable(false).is_err() {
        return ExitCode::FAILURE;
    }
    // A daemon that ended before this was asked for ends nothing, and the next one does what this would.
    let daemon = std::env::args().nth(2).and_then(|id| id.parse().ok());
    if daemon != Some(getppid().as_raw()) {
        return ExitCode::FAILURE;
    }
    harden::lock_quietly();
    let mut asked = Zeroizing::new(Vec::with_capacity(128 << 10));
    if std::io::stdin().take(MOST).read_to_end(&mut asked).is_err() {
        return ExitCode::FAILURE;
    }
    let Ok(errand) = serde_json::from_slice::<Errand>(&asked) else { return ExitCode::FAILURE };
    match serde_json::to_writer(std::io::stdout(), &errand.done()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The faults of both crates are of the same kinds.
macro_rules! same_fault {
    ($name:ident, $of:path) => {
        fn $name(why: $of) -> Fault {
            use $of as Why;
            let text = why.to_string();
            match why {
                Why::Unreachable(_) => Fault::Unreachable(text),
                Why::Certificate(_) => Fault::Certificate(text),
                Why::Login(_) => Fault::Login(text),
                Why::NoAccount(_) => Fault::NoAccount(text),
                Why::PasswordRule(_) => Fault::PasswordRule(text),
                Why::Refused(_) => Fault::Refused(text),
            }
        }
    };
}

same_fault!(fault, databases::Fault);
same_fault!(host_fault, hosts::Fault);
