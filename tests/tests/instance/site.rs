//! An HSM with an instance that runs, its people, and ways to reach it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::{Hsm, Reach, Run, Staff};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An HSM with an instance that runs. Ada is security officer of the HSM, Pia of the instance, Quinn of `dev-1`, and
/// Rosa of nothing.
pub(crate) struct Site<'a> {
    pub(crate) hsm: &'a Hsm,
    pub(crate) staff: Staff<'a>,
    pub(crate) name: String,
    pub(crate) port: u16,
    sockets: AtomicUsize,
}

/// A port that nobody listens at now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

impl<'a> Site<'a> {
    /// With an instance of this type that its officer has initialised; `more` goes to its activation.
    pub(crate) fn start(hsm: &'a Hsm, kind: &str, more: &[&str]) -> Self {
        let site = Self::blank(hsm, kind, more);
        site.initialise(&site.name);
        site
    }

    /// The same, not yet initialised.
    pub(crate) fn blank(hsm: &'a Hsm, kind: &str, more: &[&str]) -> Self {
        let staff = Staff::new(hsm, &["Ada", "Pia", "Quinn", "Rosa"]);
        staff.initialise(&["Ada"], 0);
        let words = [
            "people",
            "add",
            "Quinn",
            "--role",
            "partition-so",
            "--key",
            "Quinn.pub",
            "--partition",
            "dev-1",
        ];
        staff.by("Ada", &words).succeeds().done();
        hsm.write("so", "so-pin-1\n");
        hsm.write("user", "user-pin-1\n");
        let order = ["instance", "order", "pay", "--months", "1"];
        staff.by("Ada", &order).succeeds().done();
        let port = free_port();
        let site = Self { hsm, staff, name: "pay-0001".into(), port, sockets: AtomicUsize::new(0) };
        site.activate(&site.name, kind, port, more);
        site.appoint(&site.name, &["--key", "Pia.pub"]);
        site
    }

    /// Another instance with the same officer, which runs.
    pub(crate) fn another(&self) -> String {
        let name = "pay-0002".to_owned();
        self.activate(&name, "server", free_port(), &[]);
        self.appoint(&name, &[]);
        self.initialise(&name);
        name
    }

    fn activate(&self, name: &str, kind: &str, port: u16, more: &[&str]) {
        let port = port.to_string();
        self.staff.by("Ada", &["instance", "allocate", name]).succeeds().done();
        let words = [
            &["instance", "activate", name, "--type", kind, "--vpc", "office", "--subnet", "127.0.77.0/24"][..],
            &["--port", &port, "--allow", "127.0.0.0/8"],
            more,
        ];
        self.staff.by("Ada", &words.concat()).succeeds().says("Creating").done();
        let until = Instant::now() + PATIENCE;
        while self.show_of(name)["status"] != "Running" {
            assert!(Instant::now() < until, "{}", self.show_of(name));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Makes Pia the instance's officer.
    fn appoint(&self, name: &str, key: &[&str]) {
        let words = ["people", "add", "Pia", "--role", "partition-so", "--partition", name];
        self.staff.by("Ada", &[&words[..], key].concat()).succeeds().done();
    }

    fn initialise(&self, name: &str) {
        let words = ["instance", "initialise", name, "--so-pin-file", "so", "--user-pin-file", "user"];
        self.staff.by("Pia", &words).succeeds().done();
    }

    /// The instance, as `--json` shows it.
    pub(crate) fn show(&self) -> Value {
        self.show_of(&self.name)
    }

    fn show_of(&self, name: &str) -> Value {
        let shown = self.staff.by("Ada", &["instance", "show", name, "--json"]).succeeds().out();
        serde_json::from_str(&shown).expect("JSON")
    }

    /// Gives a client a certificate, in a directory of the test's own.
    pub(crate) fn certificate(&self, client: &str, dir: &str) {
        self.certificate_of(&self.name, client, dir);
    }

    /// The same, of another instance.
    pub(crate) fn certificate_of(&self, name: &str, client: &str, dir: &str) {
        let words = ["instance", "certificate", name, "--client", client, "--out", dir];
        self.staff.by("Pia", &words).succeeds().done();
        // What was changed is heeded at once, and yet not before the command has ended.
        let reach = Reach::read(&self.hsm.path(dir));
        let until = Instant::now() + PATIENCE;
        while !reach.is_let_in() {
            assert!(Instant::now() < until, "{client} is not let in");
        }
    }

    /// Waits until a client is let in no more.
    pub(crate) fn refuses_soon(&self, reach: &Reach) {
        let until = Instant::now() + PATIENCE;
        while reach.is_let_in() {
            assert!(Instant::now() < until, "it is let in still");
        }
    }

    /// A socket for applications, behind which is the instance.
    pub(crate) fn tunnel(&self, reach: &Reach) -> PathBuf {
        let number = self.sockets.fetch_add(1, Ordering::Relaxed);
        let socket = self.hsm.path(&format!("agent-{number}.sock"));
        reach.serve(socket.clone());
        socket
    }

    /// Runs `pkcs11-tool` through a socket, not logged in, with the words of a line.
    pub(crate) fn tool(&self, socket: &Path, line: &str) -> Run {
        let mut tool = self.hsm.command("pkcs11-tool");
        tool.env("CLAVIGER_SOCKET", socket).args(["--module", self.hsm.module()]);
        if !line.contains("--list-token-slots") {
            tool.args(["--token-label", &self.name]);
        }
        Run::of(tool.args(line.split_whitespace()))
    }

    /// The same, logged in as the user of the instance.
    pub(crate) fn user(&self, socket: &Path, line: &str) -> Run {
        self.tool(socket, &format!("--login --pin user-pin-1 {line}"))
    }
}
