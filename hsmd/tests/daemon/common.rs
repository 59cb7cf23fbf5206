//! A daemon of a test's own, and a client that speaks the wire.

use std::fs;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use wire::admin::{Ask, Told};
use wire::calls::Call;
use wire::calls::session::OpenSession;
use wire::codec::{decode, encode};
use wire::handshake::{ApplicationToken, Hello, Opened, Welcome};
use wire::{Rv, SessionHandle, SlotId, frame};

pub(crate) const SO_PIN: &[u8] = b"87654321";
pub(crate) const USER_PIN: &[u8] = b"12345678";

/// State of a daemon, which may run or not.
pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
}

impl Place {
    /// A place whose root key is there, and whose PINs cost little; `more` is added to the configuration.
    pub(crate) fn new(more: &str) -> Self {
        let place = Self::without_root_key(&format!("[root_key]\nfile = \"root.key\"\n{more}"));
        assert!(place.run(&["--make-root-key"]).status.success());
        place
    }

    /// A place whose configuration says of the root key what `more` says.
    pub(crate) fn without_root_key(more: &str) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        let path = |name: &str| place.path(name).display().to_string();
        let more = more.replace("\"root.key\"", &format!("{:?}", path("root.key")));
        let (socket, admin, store) = (path("hsmd.sock"), path("admin.sock"), path("store"));
        let socket_table = format!("[socket]\npath = {socket:?}\nadmin = {admin:?}\n");
        // What a test adds to [socket] goes under the one table of that name.
        let more = match more.split_once("[socket]\n") {
            None => format!("{socket_table}{more}"),
            Some((before, after)) => format!("{before}{socket_table}{after}"),
        };
        let config = format!("{more}\n[store]\npath = {store:?}\n[pins]\nmemory = 8\npasses = 1\n");
        fs::write(place.config(), config).unwrap();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("hsmd.toml")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hsmd"));
        command.arg("--config").arg(self.config()).env_remove("NOTIFY_SOCKET").env_remove("JOURNAL_STREAM");
        command
    }

    /// Runs the daemon to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Runs the daemon to its end, with one self-test that fails.
    pub(crate) fn run_with_fault(&self, test: &str) -> Output {
        self.command().env("CLAVIGER_SELF_TEST_FAULT", test).output().unwrap()
    }

    /// Starts the daemon and waits until it listens.
    pub(crate) fn start(&self) -> Daemon<'_> {
        self.start_with(|command| command)
    }

    pub(crate) fn start_with(&self, how: impl FnOnce(&mut Command) -> &mut Command) -> Daemon<'_> {
        let log = fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command();
        how(&mut command).stdin(Stdio::null()).stderr(log);
        let mut daemon = Daemon { place: self, child: command.spawn().unwrap() };
        let until = Instant::now() + Duration::from_secs(30);
        while UnixStream::connect(self.path("hsmd.sock")).is_err() {
            let ended = daemon.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "no daemon ({ended:?}):\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        daemon
    }

    /// All lines that daemons here have logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

/// A daemon that runs; killed when dropped.
pub(crate) struct Daemon<'a> {
    pub(crate) place: &'a Place,
    child: Child,
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon<'_> {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Ends it as the service manager does.
    pub(crate) fn stop(mut self) -> ExitStatus {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).unwrap();
        self.child.wait().unwrap()
    }

    pub(crate) fn raw(&self) -> UnixStream {
        let socket = UnixStream::connect(self.place.path("hsmd.sock")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket
    }

    pub(crate) fn client(&self) -> Client {
        Client::over(self.raw(), None).unwrap()
    }

    pub(crate) fn ask(&self, ask: &Ask) -> Told {
        let mut socket = UnixStream::connect(self.place.path("admin.sock")).unwrap();
        let (mut request, mut reply) = (Vec::new(), Vec::new());
        frame::begin(&mut request);
        encode(ask, &mut request).unwrap();
        frame::end(&mut request, &mut socket).unwrap();
        frame::read(&mut socket, &mut reply).unwrap();
        decode(&reply).unwrap()
    }

    /// Makes a partition with both PINs, and gives its slot.
    pub(crate) fn partition(&self, label: &str) -> SlotId {
        let ask = Ask::PartitionCreate {
            label: label.into(),
            policy: "standard".into(),
            so_pin: Some(SO_PIN.into()),
            user_pin: Some(USER_PIN.into()),
        };
        match self.ask(&ask) {
            Told::Partition(partition) => SlotId(partition.slot),
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the log has a line with this text.
    pub(crate) fn logs(&self, text: &str) {
        wait_for_log(self.place, text);
    }
}

pub(crate) fn wait_for_log(place: &Place, text: &str) {
    let until = Instant::now() + Duration::from_secs(10);
    while !place.log().contains(text) {
        assert!(Instant::now() < until, "{text:?} is not in the log:\n{}", place.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// An application's connection.
pub(crate) struct Client {
    pub(crate) socket: UnixStream,
    pub(crate) opened: Opened,
}

impl Client {
    pub(crate) fn over(mut socket: UnixStream, join: Option<ApplicationToken>) -> Result<Self, (Rv, String)> {
        let mut bytes = Vec::new();
        frame::begin(&mut bytes);
        encode(&Hello::new(join), &mut bytes).unwrap();
        frame::end(&mut bytes, &mut socket).unwrap();
        frame::read(&mut socket, &mut bytes).unwrap();
        match decode(&bytes).unwrap() {
            Welcome::Open(opened) => Ok(Self { socket, opened: *opened }),
            Welcome::Refused { rv, reason } => Err((rv, reason)),
        }
    }

    pub(crate) fn call<C: Call>(&mut self, call: &C) -> Result<C::Reply, Rv> {
        self.try_call(call).unwrap()
    }

    pub(crate) fn try_call<C: Call>(&mut self, call: &C) -> io::Result<Result<C::Reply, Rv>> {
        let mut request = Vec::new();
        frame::begin(&mut request);
        request.extend_from_slice(&C::CODE.to_le_bytes());
        encode(call, &mut request).unwrap();
        frame::end(&mut request, &mut self.socket)?;
        self.answer().map(|(rv, reply)| if rv == Rv::OK { Ok(decode(&reply).unwrap()) } else { Err(rv) })
    }

    pub(crate) fn answer(&mut self) -> io::Result<(Rv, Vec<u8>)> {
        let mut reply = Vec::new();
        frame::read(&mut self.socket, &mut reply)?;
        let rest = reply.split_off(8);
        Ok((Rv(u64::from_le_bytes(reply.try_into().unwrap())), rest))
    }

    pub(crate) fn session(&mut self, slot: SlotId) -> SessionHandle {
        self.call(&OpenSession { slot, flags: 6 }).unwrap()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }
}

/// Copies a directory with all in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}
