//! People with UKeys who give commands of `hsm-admin`, and consoles that speak the wire themselves.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use ukey::file::{self, Cost, FileKey};
use ukey::{Algorithm, Holder};
use wire::admin::people::{Ask as People, LOGIN, Statement, Told as Answer};
use wire::admin::{Ask, Told};
use wire::codec::{decode, encode};
use wire::{Bytes, frame};

use crate::{Hsm, Run};

/// People whose UKeys lie in the test's own directory, as `NAME.ukey` with the PIN in `NAME.pin`.
pub struct Staff<'a> {
    hsm: &'a Hsm,
    /// What their UKeys are.
    algorithm: Algorithm,
}

impl<'a> Staff<'a> {
    /// Gives each of these people a UKey.
    ///
    /// # Panics
    /// If one cannot be made.
    #[must_use]
    pub fn new(hsm: &'a Hsm, names: &[&str]) -> Self {
        Self::with_keys(hsm, names, Algorithm::Ed25519)
    }

    /// Gives each of these people a UKey of this algorithm.
    ///
    /// # Panics
    /// If one cannot be made.
    #[must_use]
    pub fn with_keys(hsm: &'a Hsm, names: &[&str], algorithm: Algorithm) -> Self {
        let staff = Self { hsm, algorithm };
        for name in names {
            staff.hire(name);
        }
        staff
    }

    /// Gives one more a UKey, whose PIN costs little to try.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn hire(&self, name: &str) {
        let cost = Cost::new(8 << 10, 1, 1).expect("a low cost");
        let pin = format!("pin of {name}");
        let (bytes, public) = file::create(name, self.algorithm, pin.as_bytes(), cost).expect("a UKey");
        self.hsm.write(&format!("{name}.ukey"), bytes);
        self.hsm.write(&format!("{name}.pub"), public.to_bytes());
        self.hsm.write(&format!("{name}.pin"), format!("{pin}\n"));
    }

    /// Somebody's UKey, open.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn key(&self, name: &str) -> FileKey {
        let bytes = self.hsm.read(&format!("{name}.ukey"));
        file::open(&bytes, format!("pin of {name}").as_bytes()).expect("a UKey")
    }

    /// Runs `hsm-admin` as nobody.
    pub fn nobody(&self, words: &[&str]) -> Run {
        Run::of(self.hsm.command(self.program()).env("NO_COLOR", "1").args(words))
    }

    /// Runs `hsm-admin` as somebody.
    pub fn by(&self, name: &str, words: &[&str]) -> Run {
        self.with(name, &[], words)
    }

    /// Runs `hsm-admin` as somebody, with approvals that others wrote to these files.
    pub fn with(&self, name: &str, approvals: &[&str], words: &[&str]) -> Run {
        let (ukey, pin) = (format!("{name}.ukey"), format!("{name}.pin"));
        let mut all = vec!["--ukey", &ukey, "--ukey-pin-file", &pin];
        all.extend(approvals.iter().flat_map(|file| ["--approval", file]));
        all.extend(words);
        self.nobody(&all)
    }

    /// Initialises the HSM with these security officers.
    pub fn initialise(&self, names: &[&str], quorum: u8) {
        let pins: String = names.iter().map(|name| format!("pin of {name}\n")).collect();
        self.hsm.write("pins", pins);
        let ukeys: Vec<_> = names.iter().map(|name| format!("{name}.ukey")).collect();
        let quorum = quorum.to_string();
        let mut words = vec!["people", "init", "--quorum", &quorum, "--pins-file", "pins", "--yes"];
        words.extend(ukeys.iter().map(String::as_str));
        self.nobody(&words).succeeds().done();
    }

    /// Has somebody make a request for a command, into a file.
    pub fn request(&self, name: &str, file: &str, command: &[&str]) -> Run {
        let _ = fs::remove_file(self.hsm.path(file));
        let mut words = vec!["approval", "request", "--out", file, "--"];
        words.extend(command);
        self.by(name, &words)
    }

    /// Has somebody sign a request, into a file, and gives that file's name.
    #[must_use]
    pub fn sign(&self, name: &str, request: &str) -> String {
        let file = format!("{request}.{name}");
        let _ = fs::remove_file(self.hsm.path(&file));
        self.by(name, &["approval", "sign", request, "--out", &file, "--yes"]).succeeds().done();
        file
    }

    /// Has the first of these people give a command that all of them approve.
    pub fn together(&self, names: &[&str], command: &[&str]) -> Run {
        self.request(names[0], "together", command).succeeds().done();
        let approvals: Vec<_> = names.iter().map(|name| self.sign(name, "together")).collect();
        let approvals: Vec<_> = approvals.iter().map(String::as_str).collect();
        self.with(names[0], &approvals, command)
    }

    /// A connection to the admin socket, on which nobody has logged in.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn console(&self) -> Console {
        let socket = self.hsm.var("CLAVIGER_ADMIN_SOCKET");
        Console(UnixStream::connect(socket).expect("the admin socket"))
    }

    /// One on which somebody has.
    ///
    /// # Panics
    /// If they may not.
    #[must_use]
    pub fn console_of(&self, name: &str) -> Console {
        let mut console = self.console();
        let told = console.log_in(&self.key(name));
        assert!(matches!(told, Told::People(Answer::Person(Some(_)))), "{name}: {told:?}");
        console
    }

    fn program(&self) -> PathBuf {
        Path::new(self.hsm.module()).with_file_name("hsm-admin")
    }
}

/// A connection to the admin socket.
pub struct Console(UnixStream);

impl Console {
    /// Asks, and waits for the answer.
    ///
    /// # Panics
    /// If the connection breaks.
    pub fn ask(&mut self, ask: &Ask) -> Told {
        let mut bytes = Vec::new();
        frame::begin(&mut bytes);
        encode(ask, &mut bytes).expect("a question has an encoding");
        frame::end(&mut bytes, &mut self.0).expect("a question can be sent");
        frame::read(&mut self.0, &mut bytes).expect("an answer");
        decode(&bytes).expect("an answer that is known")
    }

    /// What the daemon says against a question.
    ///
    /// # Panics
    /// If it says nothing against it.
    pub fn refused(&mut self, ask: &Ask) -> String {
        match self.ask(ask) {
            Told::Failed { reason } => reason,
            told => panic!("{ask:?} should be refused: {told:?}"),
        }
    }

    /// A challenge: what a signature over nothing more is made of.
    ///
    /// # Panics
    /// If there is none.
    pub fn challenge(&mut self, parts: &[&[u8]]) -> Vec<u8> {
        match self.ask(&Ask::People(People::Challenge)) {
            Told::People(Answer::Challenge { hsm, challenge, pid, .. }) => {
                Statement { hsm: &hsm, challenge: &challenge, pid, parts }.message()
            }
            told => panic!("no challenge: {told:?}"),
        }
    }

    /// Logs in.
    ///
    /// # Panics
    /// If the UKey does not sign.
    pub fn log_in(&mut self, key: &FileKey) -> Told {
        let message = self.challenge(&[]);
        let signature = key.sign(LOGIN, &message).expect("a signature");
        self.answer(key, signature)
    }

    /// Answers a challenge with this.
    pub fn answer(&mut self, key: &FileKey, signature: Vec<u8>) -> Told {
        let ukey = *key.public().id().as_bytes();
        self.ask(&Ask::People(People::Login { ukey, signature: Bytes::from(signature) }))
    }
}
