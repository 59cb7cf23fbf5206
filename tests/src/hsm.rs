//! A fresh HSM for one test: our daemon through `scripts/dev-up`, or a SoftHSM2 token in its stead.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Run;

/// A running HSM with one initialised token, in a directory of its own. Dropping it stops it.
pub struct Hsm {
    dir: TempDir,
    vars: BTreeMap<String, String>,
    stand_in: bool,
}

impl Hsm {
    /// Starts one.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with further options of `scripts/dev-up`, such as `["--partitions", "2"]`.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn with(options: &[&str]) -> Self {
        let dir = TempDir::with_prefix("claviger-test-").expect("a temporary directory");
        let mut hsm = Self { dir, vars: BTreeMap::new(), stand_in: false };
        if std::env::var("CLAVIGER_TEST_MODULE").is_ok_and(|module| module == "softhsm") {
            hsm.stand_in = true;
            hsm.start_softhsm();
        } else {
            hsm.start_ours(options);
        }
        hsm
    }

    /// Kills the daemon with `kill -9`, as a power cut would, and starts it again on the same state.
    ///
    /// # Panics
    /// If it does not end, or does not start.
    pub fn kill_and_start_again(&mut self) {
        let pid = self.var("HSMD_PID").to_owned();
        self.run("kill", ["-9", &pid]).succeeds().done();
        let killed = Instant::now();
        while !has_let_go(&Path::new("/proc").join(&pid)) {
            assert!(killed.elapsed() < Duration::from_secs(60), "the daemon that was killed does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.start_ours(&["--again"]);
    }

    fn start_ours(&mut self, options: &[&str]) {
        let mut up = Command::new(script("dev-up"));
        up.arg(self.state()).args(options).current_dir(root());
        for line in Run::of(&up).succeeds().out().lines() {
            if let Some((name, value)) = line.strip_prefix("export ").and_then(|line| line.split_once('=')) {
                self.vars.insert(name.to_owned(), value.trim_matches('\'').to_owned());
            }
        }
    }

    fn start_softhsm(&mut self) {
        let (tokens, config) = (self.path("softhsm"), self.path("softhsm2.conf"));
        fs::create_dir(&tokens).expect("a directory for tokens");
        let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
        fs::write(&config, text).expect("a configuration");
        for (name, value) in [
            ("SOFTHSM2_CONF", &*config.to_string_lossy()),
            ("P11_MODULE", "/usr/lib/softhsm/libsofthsm2.so"),
            ("P11_LABEL", "test"),
            ("P11_PIN", "123456"),
            ("P11_SO_PIN", "87654321"),
        ] {
            self.vars.insert(name.to_owned(), value.to_owned());
        }
        let arguments =
            ["--init-token", "--free", "--label", "test", "--pin", "123456", "--so-pin", "87654321"];
        self.run("softhsm2-util", arguments).succeeds().done();
    }

    /// Whether SoftHSM2 stands in for ours.
    #[must_use]
    pub fn is_stand_in(&self) -> bool {
        self.stand_in
    }

    /// An exported variable, such as `P11_LABEL`.
    ///
    /// # Panics
    /// If there is none of this name.
    #[must_use]
    pub fn var(&self, name: &str) -> &str {
        self.vars.get(name).unwrap_or_else(|| panic!("dev-up exported no {name}: {:?}", self.vars.keys()))
    }

    /// The path of the PKCS#11 module.
    #[must_use]
    pub fn module(&self) -> &str {
        self.var("P11_MODULE")
    }

    /// The token's label.
    #[must_use]
    pub fn label(&self) -> &str {
        self.var("P11_LABEL")
    }

    /// The user's PIN.
    #[must_use]
    pub fn pin(&self) -> &str {
        self.var("P11_PIN")
    }

    /// The security officer's PIN.
    #[must_use]
    pub fn so_pin(&self) -> &str {
        self.var("P11_SO_PIN")
    }

    /// A path in the test's own directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file into the test's own directory.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// Reads a file of the test's own directory.
    ///
    /// # Panics
    /// If it is not there.
    #[must_use]
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A command with the HSM's variables, in the test's own directory.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(&self.vars).env("LC_ALL", "C").current_dir(self.dir.path());
        command
    }

    /// Runs a program with the HSM's variables, in the test's own directory.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Run {
        Run::of(self.command(program).args(arguments))
    }

    /// Runs a program whose arguments are the words of a line; no word holds a space.
    pub fn line(&self, line: &str) -> Run {
        let mut words = line.split_whitespace();
        self.run(words.next().unwrap_or_default(), words)
    }

    /// Runs `pkcs11-tool` on the token, not logged in, with the words of a line.
    pub fn tool(&self, line: &str) -> Run {
        let on = ["--module", self.module(), "--token-label", self.label()];
        self.run("pkcs11-tool", on.into_iter().chain(line.split_whitespace()))
    }

    /// Runs `pkcs11-tool` on the token, logged in as the user, with the words of a line.
    pub fn user(&self, line: &str) -> Run {
        self.tool(&format!("--login --pin {} {line}", self.pin()))
    }

    fn state(&self) -> PathBuf {
        self.path("claviger")
    }
}

impl Drop for Hsm {
    fn drop(&mut self) {
        if !self.stand_in {
            let run = Run::of(Command::new(script("dev-down")).arg(self.state()).current_dir(root()));
            if !run.succeeded() {
                eprintln!("{}", run.story());
            }
        }
        if std::thread::panicking() {
            self.show_log();
        }
    }
}

impl Hsm {
    /// Shows the end of the daemon's logs, which say why a call failed.
    fn show_log(&self) {
        let Ok(files) = fs::read_dir(self.state()) else { return };
        for path in files.flatten().map(|file| file.path()) {
            if path.extension().is_some_and(|extension| extension == "log") {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let lines: Vec<_> = text.lines().collect();
                let end = lines.len().saturating_sub(40);
                eprintln!("-- the end of {}:\n{}", path.display(), lines[end..].join("\n"));
            }
        }
    }
}

/// The repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// A script of the repository.
#[must_use]
pub fn script(name: &str) -> PathBuf {
    root().join("scripts").join(name)
}

/// Runs `body` in a process of its own that has the variables of a fresh HSM, as a module reads them when it
/// is loaded. `test` is the name of the calling test, which is run a second time there.
///
/// # Panics
/// If the body does.
pub fn in_own_process(test: &str, body: impl FnOnce()) {
    const INSIDE: &str = "CLAVIGER_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let hsm = Hsm::start();
    let mut again = hsm.command(std::env::current_exe().expect("this program"));
    again.args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    Run::of(&again).succeeds().says("1 passed").done();
}

/// Whether a process that was killed holds no file any more, and so no lock: none of its threads is left, though who
/// started it may not have heard of its end.
fn has_let_go(process: &Path) -> bool {
    let threads = fs::read_dir(process.join("task")).map_or(0, Iterator::count);
    let ended = |stat: String| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']));
    threads == 0 || threads == 1 && fs::read_to_string(process.join("stat")).map_or(true, ended)
}
