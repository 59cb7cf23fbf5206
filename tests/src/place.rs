//! A daemon on a state of a test's own: its configuration, what is on its disk, and its end are the test's.
//!
//! Where [`crate::Hsm`] gives a running HSM as an operator would start it, a [`Place`] is for tests that kill
//! the daemon, change its files or fill its disk. Each application loads a copy of the module, and so is an
//! application of its own though it lives in the test's process.

use std::ffi::CString;
use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::ptr::null_mut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use conformance::module::Module;
use conformance::names::Rv;
use conformance::session::Session;
use cryptoki_sys as ck;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use wire::admin::{Ask, Told};
use wire::codec::{decode, encode};
use wire::frame;

use crate::{Client, Run};

/// The security officer's PIN of every partition.
pub const SO_PIN: &str = "87654321";
/// The user's PIN of every partition.
pub const PIN: &str = "12345678";

/// How long the daemon may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// State of a daemon, which may run or not.
pub struct Place {
    dir: TempDir,
    bin: PathBuf,
    modules: AtomicUsize,
    /// Variables of the daemon's environment.
    vars: Mutex<Vec<(String, PathBuf)>>,
}

impl Place {
    /// A place with a root key file and PINs that cost little to check. `more` is TOML: its keys are added to
    /// the configuration's tables, and a `[root_key]` takes the place of the file.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new(more: &str) -> Self {
        let dir = TempDir::with_prefix("claviger-test-").expect("a temporary directory");
        Self::within(dir, more)
    }

    /// As [`Self::new`], in a given directory.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn within(dir: TempDir, more: &str) -> Self {
        let place = Self { dir, bin: programs(), modules: AtomicUsize::new(0), vars: Mutex::default() };
        place.configure(more);
        if more.parse::<toml::Table>().is_ok_and(|more| !more.contains_key("root_key")) {
            place.hsmd(&["--make-root-key"]).succeeds().done();
        }
        place
    }

    /// Writes the configuration anew, with `more` as in [`Self::new`].
    ///
    /// # Panics
    /// If `more` is not TOML.
    pub fn configure(&self, more: &str) {
        let path = |name: &str| self.path(name).display().to_string();
        let base = format!(
            "[socket]\npath = {:?}\nadmin = {:?}\n[store]\npath = {:?}\n[pins]\nmemory = 8\npasses = 1\n",
            path("hsmd.sock"),
            path("admin.sock"),
            path("store"),
        );
        let mut config: toml::Table = base.parse().expect("TOML");
        let mut more: toml::Table = more.parse().expect("TOML");
        if !more.contains_key("root_key") {
            let file = toml::Value::String(path("root.key"));
            more.insert("root_key".into(), toml::Table::from_iter([("file".to_owned(), file)]).into());
        }
        for (name, keys) in more {
            match (config.get_mut(&name), keys) {
                (Some(toml::Value::Table(table)), toml::Value::Table(keys)) => table.extend(keys),
                (_, keys) => drop(config.insert(name, keys)),
            }
        }
        fs::write(self.path("hsmd.toml"), config.to_string()).expect("a configuration");
    }

    /// A path in the place.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The file of the store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.path("store/claviger.redb")
    }

    /// A program of ours, such as `hsm-admin`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Gives daemons that are started from now on a variable in their environment.
    ///
    /// # Panics
    /// If another thread panicked here.
    pub fn set(&self, name: &str, value: &Path) {
        self.vars.lock().expect("variables").push((name.to_owned(), value.to_owned()));
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program("hsmd"));
        command.arg("--config").arg(self.path("hsmd.toml"));
        command.env_remove("NOTIFY_SOCKET").env_remove("JOURNAL_STREAM");
        command.envs(self.vars.lock().expect("variables").iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the daemon to its end: for a start that is to be refused.
    pub fn hsmd(&self, arguments: &[&str]) -> Run {
        Run::of(self.command().args(arguments))
    }

    /// Runs `hsm-admin` with the words of a line.
    pub fn admin(&self, line: &str) -> Run {
        let mut command = Command::new(self.program("hsm-admin"));
        command.arg("--socket").arg(self.path("admin.sock")).args(line.split_whitespace());
        Run::of(&command)
    }

    /// Starts the daemon and waits until it listens. Its log goes on in the file `log`.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(&self) -> Daemon<'_> {
        self.try_start().unwrap_or_else(|| panic!("no daemon:\n{}", self.end_of_log()))
    }

    /// Starts the daemon and waits until it listens; none if it ends by itself before.
    ///
    /// # Panics
    /// If it neither listens nor ends, or ends by a signal.
    pub fn try_start(&self) -> Option<Daemon<'_>> {
        let mut daemon = self.spawn(&[]);
        let until = Instant::now() + PATIENCE;
        while UnixStream::connect(self.path("hsmd.sock")).is_err() {
            if let Some(ended) = daemon.child.try_wait().expect("a child") {
                assert!(ended.code().is_some(), "hsmd crashed ({ended}):\n{}", self.end_of_log());
                return None;
            }
            assert!(Instant::now() < until, "hsmd does not start:\n{}", self.end_of_log());
            sleep(Duration::from_millis(2));
        }
        Some(daemon)
    }

    /// Starts the daemon and does not wait.
    ///
    /// # Panics
    /// If there is no such program.
    pub fn spawn(&self, arguments: &[&str]) -> Daemon<'_> {
        let log = File::options().create(true).append(true).open(self.path("log")).expect("a log");
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Daemon { place: self, child: command.spawn().expect("hsmd") }
    }

    /// All that daemons here have logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.path("log")).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// The last lines of the log, for people.
    #[must_use]
    pub fn end_of_log(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Waits for a line of the log, after its first `after` bytes, that holds all of `words`.
    ///
    /// # Panics
    /// If none comes.
    #[track_caller]
    pub fn logs_after(&self, after: usize, words: &[&str]) -> String {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let log = self.log();
            let new = log.get(after..).unwrap_or_default();
            if let Some(line) = new.lines().find(|line| words.iter().all(|word| line.contains(word))) {
                return line.to_owned();
            }
            assert!(Instant::now() < until, "no line of the log has {words:?}:\n{new}");
            sleep(Duration::from_millis(5));
        }
    }

    /// Waits for a line of the log that holds all of `words`.
    ///
    /// # Panics
    /// If none comes.
    #[track_caller]
    pub fn logs(&self, words: &[&str]) -> String {
        self.logs_after(0, words)
    }

    /// A module of its own, initialised: one more application.
    ///
    /// # Panics
    /// If it does not load or initialise.
    #[must_use]
    pub fn application(&self) -> &'static Module {
        let number = self.modules.fetch_add(1, Ordering::Relaxed);
        // The loader knows a file by its inode, so each copy has statics of its own.
        let copy = self.path(&format!("libclaviger-{number}.so"));
        fs::copy(self.program("libclaviger.so"), &copy).expect("a copy of the module");
        let module = Module::load(&copy).expect("the module loads");
        self.initialize(module).ok().expect("C_Initialize");
        module
    }

    /// `C_Initialize`, with the socket in `pReserved`.
    ///
    /// # Panics
    /// If `CLAVIGER_SOCKET` is set, which the module would heed instead.
    pub fn initialize(&self, module: &Module) -> Rv {
        assert!(std::env::var_os("CLAVIGER_SOCKET").is_none(), "unset CLAVIGER_SOCKET to run these tests");
        let socket = self.path("hsmd.sock").into_os_string().into_encoded_bytes();
        let socket = CString::new(socket).expect("a path");
        module.initialize_with(Some(ck::CK_C_INITIALIZE_ARGS {
            CreateMutex: None,
            DestroyMutex: None,
            LockMutex: None,
            UnlockMutex: None,
            flags: ck::CKF_OS_LOCKING_OK,
            pReserved: if socket.is_empty() { null_mut() } else { socket.as_ptr().cast_mut().cast() },
        }))
    }

    /// A new application's session on the partition `label`, with the user logged in.
    ///
    /// # Panics
    /// If there is no such partition.
    #[must_use]
    pub fn user(&self, label: &str) -> Session {
        let module = self.application();
        let slot = module.slot_of(label).expect("a partition");
        let session = Session::open(module, slot).expect("a session");
        session.login(ck::CKU_USER, PIN).ok().expect("C_Login");
        session
    }
}

/// A daemon that runs; killed when dropped.
#[must_use]
pub struct Daemon<'a> {
    place: &'a Place,
    child: Child,
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("-- the end of the log:\n{}", self.place.end_of_log());
        }
    }
}

impl Daemon<'_> {
    /// Its process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(self) {
        drop(self);
    }

    /// Ends it as the service manager does.
    ///
    /// # Panics
    /// If it does not end in good order.
    pub fn stop(mut self) {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).expect("a process");
        let status = self.child.wait().expect("a child");
        assert!(status.success(), "hsmd ended with {status}:\n{}", self.place.end_of_log());
    }

    /// A connection to the applications' socket that has not said a word.
    ///
    /// # Panics
    /// If there is none to be had.
    #[must_use]
    pub fn raw(&self) -> UnixStream {
        let socket = UnixStream::connect(self.place.path("hsmd.sock")).expect("a daemon that listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket
    }

    /// A connection of an application of its own.
    ///
    /// # Panics
    /// If it is refused.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::over(self.raw()).unwrap_or_else(|(rv, reason)| panic!("refused with {rv}: {reason}"))
    }

    /// Asks what the console would.
    ///
    /// # Panics
    /// If no answer comes.
    #[must_use]
    pub fn ask(&self, ask: &Ask) -> Told {
        let mut socket = UnixStream::connect(self.place.path("admin.sock")).expect("the console's socket");
        let (mut request, mut reply) = (Vec::new(), Vec::new());
        frame::begin(&mut request);
        encode(ask, &mut request).expect("a question has an encoding");
        frame::end(&mut request, &mut socket).expect("the daemon reads");
        frame::read(&mut socket, &mut reply).expect("the daemon answers");
        decode(&reply).expect("an answer")
    }

    /// Makes a partition with both PINs, and gives its slot.
    ///
    /// # Panics
    /// If it is refused.
    pub fn partition(&self, label: &str, policy: &str) -> u64 {
        let create = Ask::PartitionCreate {
            label: label.into(),
            policy: policy.into(),
            so_pin: Some(SO_PIN.as_bytes().into()),
            user_pin: Some(PIN.as_bytes().into()),
        };
        match self.ask(&create) {
            Told::Partition(partition) => partition.slot,
            other => panic!("{other:?}"),
        }
    }

    /// Shows a partition.
    ///
    /// # Panics
    /// If there is none of this label.
    #[must_use]
    pub fn show(&self, label: &str) -> wire::admin::Partition {
        match self.ask(&Ask::PartitionShow { partition: label.into() }) {
            Told::Partition(partition) => *partition,
            other => panic!("{other:?}"),
        }
    }

    /// Resident memory, in bytes.
    ///
    /// # Panics
    /// If the daemon is gone.
    #[must_use]
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("kilobytes") * 1024
    }
}

/// Where our programs are: in `CLAVIGER_BIN_DIR`, else beside this test's.
fn programs() -> PathBuf {
    if let Some(bin) = std::env::var_os("CLAVIGER_BIN_DIR") {
        return bin.into();
    }
    let test = std::env::current_exe().expect("this program");
    let bin = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST").to_owned();
    if ["hsmd", "hsm-admin", "libclaviger.so"].iter().any(|name| !bin.join(name).exists()) {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "-p", "hsmd", "-p", "pkcs11", "-p", "hsm-admin"]);
        if bin.ends_with("release") {
            cargo.arg("--release");
        }
        Run::of(&cargo).succeeds().done();
    }
    bin
}
