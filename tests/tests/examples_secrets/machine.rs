//! A machine that has what `examples/` has for secrets, beside an HSM with a secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use tests::{Hsm, Run, root};

pub(crate) const PROGRAMS: &str = "/usr/local/lib/claviger";
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An HSM with the secret `db`, which a user of its own may read, and a machine that has the image's programs.
pub(crate) struct Shop {
    pub(crate) hsm: Hsm,
    pub(crate) memory: TempDir,
    /// The paths of that machine, and what they are on this one.
    pub(crate) places: Vec<(String, String)>,
}

impl Shop {
    pub(crate) fn open(hsm: Hsm) -> Self {
        let memory = TempDir::new_in("/dev/shm").expect("a directory in memory");
        let mut shop = Self { hsm, memory, places: Vec::new() };
        let may = json!({ "Version": "1.1", "Statement": [{
            "Effect": "Allow",
            "Action": ["csms:secretVersion:get"],
            "Resource": ["csms:*:*:secretName:db", "csms:*:*:secretName:gone"],
        }] });
        shop.hsm.write("may.json", may.to_string());
        for line in [
            "user create dev/shop",
            "group create dev/readers",
            "group add dev/readers shop",
            "policy create dev/read-db may.json",
            "policy attach dev/read-db --group readers --project local-1",
            "ak create dev/shop --out access-key.json",
            "secret put db --pair username=app --pair password=first",
            "secret put other --pair password=of-others",
        ] {
            shop.admin(line).succeeds().done();
        }
        fs::create_dir(shop.hsm.path("programs")).expect("a directory");
        let (memory, ca) = (shop.in_memory(""), shop.hsm.var("CA_FILE").to_owned());
        let place = |name: &str| shop.hsm.path(name).to_str().expect("a path").to_owned();
        shop.places = [
            (PROGRAMS, place("programs")),
            ("/run/csms-credentials.sock", place("credentials.sock")),
            ("/run/csms", memory),
            ("/etc/claviger/key/access-key.json", place("access-key.json")),
            ("/etc/claviger/access-key.json", place("access-key.json")),
            ("/etc/claviger/ca/ca.pem", ca.clone()),
            ("/etc/claviger/ca.pem", ca),
            ("/etc/claviger/credentials", place("credentials")),
            ("/etc/claviger/token/token", place("token")),
            ("/etc/claviger/tls/tls", place("tls")),
            ("https://hsm.example.org:8443", shop.hsm.var("KMS_ENDPOINT").to_owned()),
        ]
        .map(|(there, here)| (there.to_owned(), here))
        .to_vec();
        shop.copy_programs();
        shop
    }

    pub(crate) fn admin(&self, line: &str) -> Run {
        let program = Path::new(self.hsm.module()).with_file_name("hsm-admin");
        self.hsm.run(program, line.split(' '))
    }

    pub(crate) fn put(&self, password: &str) {
        let line = format!("secret put db --pair username=app --pair password={password}");
        self.admin(&line).succeeds().done();
    }

    pub(crate) fn in_memory(&self, name: &str) -> String {
        self.memory.path().join(name).to_str().expect("a path").trim_end_matches('/').to_owned()
    }

    pub(crate) fn password(&self) -> String {
        fs::read_to_string(self.in_memory("db.password")).expect("the file")
    }

    /// What a word of a unit, an image or a manifest is on this machine.
    pub(crate) fn here(&self, word: &str) -> String {
        self.places.iter().fold(word.to_owned(), |word, (there, here)| word.replace(there, here))
    }

    /// Follows the `COPY` of the image: what it forgets, no program finds.
    pub(crate) fn copy_programs(&self) {
        let copied = image("COPY").pop().expect("a COPY");
        let words: Vec<_> = copied.split(' ').collect();
        let (to, files) = words.split_last().expect("a place");
        assert_eq!(to.trim_end_matches('/'), PROGRAMS);
        for file in files {
            fs::copy(examples().join(file), self.hsm.path("programs").join(file)).expect(file);
        }
    }

    /// A program of that machine with these variables.
    pub(crate) fn command(&self, words: &[String], variables: &[(String, String)]) -> Command {
        let words: Vec<_> = words.iter().map(|word| self.here(word)).collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().current_dir(self.hsm.path(""));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("PYTHONDONTWRITEBYTECODE", "1");
        command.envs(variables.iter().map(|(name, value)| (name, self.here(value))));
        command
    }

    /// What the image runs with these arguments.
    pub(crate) fn contained(&self, arguments: &[&str]) -> Command {
        let mut words: Vec<String> =
            serde_json::from_str(&image("ENTRYPOINT").pop().expect("an ENTRYPOINT")).expect("JSON");
        words.extend(arguments.iter().map(|&word| word.to_owned()));
        let mut variables = image_variables();
        variables.push(("CSMS_ENDPOINT".into(), "https://hsm.example.org:8443".into()));
        self.command(&words, &variables)
    }
}

pub(crate) fn examples() -> PathBuf {
    root().join("examples")
}

pub(crate) fn example(name: &str) -> String {
    fs::read_to_string(examples().join(name)).expect(name)
}

/// What the image's file has behind this word.
pub(crate) fn image(word: &str) -> Vec<String> {
    let file = example("secret-container/Containerfile");
    let lines = file.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    lines.map(str::to_owned).collect()
}

pub(crate) fn image_variables() -> Vec<(String, String)> {
    let pair = |line: String| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    image("ENV").into_iter().filter_map(pair).collect()
}

/// Waits for what another process is about to do.
#[track_caller]
pub(crate) fn wait_for(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The lines of a unit behind a name and `=`.
pub(crate) fn unit(name: &str, key: &str) -> Vec<String> {
    let file = example(&format!("secret-systemd/{name}"));
    let value = |line: &str| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
    file.lines().filter_map(value).collect()
}

impl Shop {
    /// What a unit runs, with its variables, its credentials in this directory.
    pub(crate) fn run_of_unit(&self, name: &str, key: &str, credentials: &Path) -> Command {
        let (run, credentials) = (self.in_memory(""), credentials.to_str().expect("a path"));
        let filled = |word: &str| word.replace("%d", credentials).replace("%t/shop", &run);
        let line = unit(name, key).pop().unwrap_or_else(|| panic!("{name} has no {key}"));
        let words: Vec<_> = line.split(' ').map(filled).collect();
        let mut variables: Vec<_> = unit(name, "Environment")
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), filled(value)))
            .collect();
        // That of csms.env.
        variables.push(("CSMS_ENDPOINT".into(), "https://hsm.example.org:8443".into()));
        self.command(&words, &variables)
    }

    /// Installs the program that the units start: it says what is in the file that it is told of.
    pub(crate) fn install_program(&mut self) {
        self.hsm.write("shop", "#!/bin/sh\ncat \"$PASSWORD_FILE\"\n");
        let path = self.hsm.path("shop");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
        self.places.push(("/usr/local/bin/shop".into(), path.to_str().expect("a path").into()));
        fs::copy(examples().join("secret-credential"), self.hsm.path("programs/secret-credential"))
            .expect("it");
    }

    /// Asks for a credential as systemd does, from an end of the connection that it gives this name.
    pub(crate) fn credential(&self, asked: &str) -> Run {
        const ASK: &str = "
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.bind(('\\0' + os.urandom(8).hex() + sys.argv[2]).encode())
s.connect(sys.argv[1])
s.shutdown(socket.SHUT_WR)
while some := s.recv(4096):
    sys.stdout.buffer.write(some)
";
        let socket = self.here("/run/csms-credentials.sock");
        Run::of(Command::new("python3").args(["-c", ASK, &socket, asked]))
    }
}

/// Makes `NAME.crt` and `NAME.key`.
pub(crate) fn certificate(shop: &Shop, name: &str, subject: &str) {
    let line = format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /{subject} \
         -addext subjectAltName=DNS:csms-bridge.shop.svc -keyout {name}.key -out {name}.crt"
    );
    shop.hsm.line(&line).succeeds().done();
}

/// A program that is told to end at the end of the test.
pub(crate) struct Sidecar(pub(crate) Child);

impl Sidecar {
    /// Ends it as a container is ended, and sees that it does.
    pub(crate) fn ends(mut self) {
        Run::of(Command::new("kill").arg(self.0.id().to_string())).succeeds().done();
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.0.try_wait().expect("a child") {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end when it is told to");
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{status}");
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        // One that has ended is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
