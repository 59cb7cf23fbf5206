//! A Linux host of a test's own: an OpenSSH server on a free port of this machine, with accounts that are not this
//! machine's. It runs in namespaces in which `/etc`, `/home`, root's home, `/run`, `/dev` and logs are others.

use std::fs::{self, File, Permissions};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::{Run, free_address};

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Puts the folder's own directories over the machine's, for what runs in here alone, and becomes the server.
const ENTER: &str = "set -e
for node in null zero full random urandom tty; do mount --bind /dev/$node dev/$node; done
mount --bind /dev/pts dev/pts
for place in etc home root run var/log var/mail; do mount --bind $place /$place; done
mount --rbind dev /dev
exec /usr/sbin/sshd -D -f sshd_config";

/// What [`ENTER`] finds in the folder. The host has keys of its own.
const FURNISH: &str = "set -e
cp -a /etc etc
rm -f etc/ssh/ssh_host_*
mkdir -p home root run/sshd var/log var/mail dev/pts dev/shm
chmod 755 . home; chmod 700 root
for node in null zero full random urandom tty; do touch dev/$node; done
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for kind in ed25519 ecdsa rsa; do ssh-keygen -q -N '' -t $kind -f etc/ssh/ssh_host_${kind}_key; done";

/// A host with an OpenSSH server; it ends with this value.
pub struct SshHost {
    dir: TempDir,
    address: SocketAddr,
    process: Option<Child>,
    system_log: Arc<Mutex<String>>,
}

impl SshHost {
    /// Who may do all with `sudo`, without a password.
    pub const ADMIN: &str = "admin";
    /// That account's password.
    pub const ADMIN_PASSWORD: &str = "Administrators-1";
    /// Who may do nothing of the kind.
    pub const APP: &str = "app";
    /// That account's first password.
    pub const APP_PASSWORD: &str = "Initial-app-1";

    /// Starts one that takes passwords and keys. Needs root, `sshd`, `ssh-keygen`, `unshare`, `nsenter` and `sudo`.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&["PasswordAuthentication yes", "KbdInteractiveAuthentication no"])
    }

    /// Starts one with these lines in its `sshd_config`.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_with(options: &[&str]) -> Self {
        let dir = TempDir::with_prefix("claviger-ssh-").expect("a temporary directory");
        let furnish = Command::new("sh").args(["-c", FURNISH]).current_dir(dir.path()).status().expect("sh");
        assert!(furnish.success(), "the folder of a host");
        let system_log = Arc::new(Mutex::new(String::new()));
        let socket = UnixDatagram::bind(dir.path().join("dev/log")).expect("a socket for the system's log");
        fs::set_permissions(dir.path().join("dev/log"), Permissions::from_mode(0o666)).expect("its mode");
        let lines = Arc::clone(&system_log);
        std::thread::spawn(move || keep(&socket, &lines));
        let mut host = Self { dir, address: free_address(), process: None, system_log };
        host.write("sshd_config", &host.config(options));
        host.restart();
        for (name, password) in [(Self::ADMIN, Self::ADMIN_PASSWORD), (Self::APP, Self::APP_PASSWORD)] {
            host.add(name, password);
        }
        host.write("etc/sudoers.d/admin", &format!("{} ALL=(ALL) NOPASSWD: ALL\n", Self::ADMIN));
        host.command("chmod 440 /etc/sudoers.d/admin");
        host
    }

    fn config(&self, options: &[&str]) -> String {
        let port = self.address.port();
        let mut config = format!("Port {port}\nListenAddress 127.0.0.1\nUsePAM yes\nPidFile none\n");
        for kind in ["ed25519", "ecdsa", "rsa"] {
            config += &format!("HostKey /etc/ssh/ssh_host_{kind}_key\n");
        }
        // All that is said of log-ins, so that a test finds in it what should not be there.
        config += "LogLevel DEBUG3\nPermitRootLogin prohibit-password\n";
        config + &options.join("\n") + "\n"
    }

    /// Starts it again, with all that its accounts have become, if it was stopped.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.stop();
        let log = File::options().create(true).append(true).open(self.path("log")).expect("a log");
        let mut server = Command::new("unshare");
        server.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", ENTER]);
        let server =
            server.current_dir(self.dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.process = Some(server.spawn().expect("unshare"));
        let began = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().expect("a child"));
            let goes_on = ended.is_none() && began.elapsed() < PATIENCE;
            assert!(goes_on, "no SSH server ({ended:?}): {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The first process within, whose end is that of all in there.
    fn init(&self) -> Option<u32> {
        let outer = self.process.as_ref()?.id();
        let children = fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file of the host, by its path without the slash before it.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, path: &str, text: &str) {
        self.write_bytes(path, text.as_bytes());
    }

    /// Writes a file of the host that is no text.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write_bytes(&self, path: &str, bytes: &[u8]) {
        fs::write(self.path(path), bytes).expect("a file of the host");
    }

    /// A file of the host, by its path without the slash before it.
    ///
    /// # Panics
    /// If it cannot be read.
    #[must_use]
    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap_or_else(|error| panic!("{path} of the host: {error}"))
    }

    /// Makes an account.
    ///
    /// # Panics
    /// If that fails.
    pub fn add(&self, name: &str, password: &str) {
        self.command(&format!("useradd -m -s /bin/bash {name} && echo '{name}:{password}' | chpasswd"));
    }

    /// Runs a line of shell as the host's root, and gives what it prints.
    ///
    /// # Panics
    /// If it fails, or the host is stopped.
    #[track_caller]
    pub fn command(&self, line: &str) -> String {
        let init = self.init().expect("a host that runs");
        let mut command = Command::new("nsenter");
        command.args([format!("--mount=/proc/{init}/ns/mnt"), "sh".into(), "-c".into(), line.into()]);
        Run::of(&command).succeeds().out()
    }

    /// OpenSSH's own client, which logs in as this account with a password.
    #[must_use]
    pub fn client(&self, name: &str, password: &str) -> Command {
        let mut command = Command::new("sshpass");
        command.env("SSHPASS", password).args(["-e", "ssh"]).args(self.options());
        command.args(["-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"]);
        command.arg(format!("{name}@127.0.0.1"));
        command
    }

    /// OpenSSH's own client, which logs in as this account with a private key.
    ///
    /// # Panics
    /// If the key cannot be put into a file.
    #[must_use]
    pub fn client_with_key(&self, name: &str, private_key: &str) -> Command {
        let file = self.path("client_key");
        fs::write(&file, private_key).expect("a file");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("its mode");
        let mut command = Command::new("ssh");
        command
            .args(self.options())
            .args(["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i"])
            .arg(file);
        command.arg(format!("{name}@127.0.0.1"));
        command
    }

    fn options(&self) -> Vec<String> {
        let known: String = self
            .host_keys()
            .lines()
            .map(|key| format!("[127.0.0.1]:{} {key}\n", self.address.port()))
            .collect();
        self.write("known_hosts", &known);
        let known = format!("UserKnownHostsFile={}", self.path("known_hosts").display());
        let port = self.address.port().to_string();
        let options = ["-F", "none", "-T", "-p", &port, "-o", &known, "-o", "StrictHostKeyChecking=yes"];
        options.map(str::to_owned).to_vec()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its public keys: what is in its `ssh_host_*_key.pub`.
    #[must_use]
    pub fn host_keys(&self) -> String {
        let keys =
            ["ed25519", "ecdsa", "rsa"].map(|kind| self.read(&format!("etc/ssh/ssh_host_{kind}_key.pub")));
        String::from_utf8_lossy(&keys.concat()).into_owned()
    }

    /// All that the server and the host's system have logged.
    ///
    /// # Panics
    /// If the thread that collects the system's log has.
    #[must_use]
    pub fn log(&self) -> String {
        let server = fs::read(self.path("log")).unwrap_or_default();
        String::from_utf8_lossy(&server).into_owned() + &self.system_log.lock().expect("a log")
    }

    /// Ends it and all that runs on it, so that nobody listens any more.
    pub fn stop(&mut self) {
        if let Some(init) = self.init() {
            let _ = kill(Pid::from_raw(init.cast_signed()), Signal::SIGKILL);
        }
        if let Some(mut process) = self.process.take() {
            let _ = process.wait();
        }
    }
}

impl Drop for SshHost {
    fn drop(&mut self) {
        self.stop();
        // Ends the thread that keeps the system's log.
        if let Ok(socket) = UnixDatagram::unbound() {
            let _ = socket.send_to(b"", self.path("dev/log"));
        }
    }
}

/// Keeps what the system logs, until it is sent nothing.
fn keep(socket: &UnixDatagram, lines: &Mutex<String>) {
    let mut line = vec![0; 65536];
    while let Ok(length @ 1..) = socket.recv(&mut line) {
        if let Ok(mut lines) = lines.lock() {
            *lines += &String::from_utf8_lossy(&line[..length]);
            lines.push('\n');
        }
    }
}
