//! Database servers of a test's own: on free ports of this machine, with TLS, in a folder that goes with them.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::{Run, free_address};

mod redis;

pub use redis::{Accounts, Redis};

/// How long a server may take to start, or to answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The name that the servers' certificates have.
const NAME: &str = "database.example";

/// The user `nobody`, who runs what refuses to run as root.
const NOBODY: u32 = 65534;

/// Where Debian has the newest PostgreSQL server, for `needs!`; a pattern that no file has where there is none.
#[must_use]
pub fn postgres() -> String {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let programs = versions.map(|version| version.path().join("bin/postgres"));
    let newest = programs.filter(|program| program.exists()).max();
    newest.map_or("/usr/lib/postgresql/*/bin/postgres".to_owned(), |path| path.display().to_string())
}

/// What every server has: a folder, an address, a certificate, and a process that ends with this value.
struct Place {
    dir: TempDir,
    address: SocketAddr,
    ca_pem: String,
    server: Option<(Command, Ready)>,
    process: Option<Child>,
}

/// Whether a server answers.
type Ready = fn(&Place) -> bool;

impl Place {
    /// A folder with `cert.pem` and `key.pem`, which `owner` may read.
    fn new(owner: Option<u32>) -> Self {
        let dir = TempDir::with_prefix("claviger-db-").expect("a temporary directory");
        let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("no names");
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "Test Authority");
        let key = rcgen::KeyPair::generate().expect("a key");
        let ca_pem = authority.self_signed(&key).expect("an authority").pem();
        let issuer = rcgen::Issuer::new(authority, key);
        let server = rcgen::CertificateParams::new([NAME, "localhost"].map(str::to_owned)).expect("a name");
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = server.signed_by(&key, &issuer).expect("a certificate");
        for (name, text) in [("cert.pem", certificate.pem()), ("key.pem", key.serialize_pem())] {
            let path = dir.path().join(name);
            fs::write(&path, text).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
            chown(&path, owner, owner).expect("its owner");
        }
        chown(dir.path(), owner, owner).expect("the owner of the folder");
        Self { dir, address: free_address(), ca_pem, server: None, process: None }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("log")).unwrap_or_default()).into_owned()
    }

    /// Starts a server and waits until it is ready.
    fn start(&mut self, mut command: Command, ready: Ready) {
        let log = OpenOptions::new().create(true).append(true).open(self.path("log")).expect("a log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.server = Some((command, ready));
        self.start_again();
    }

    /// Starts the server that has ended, with what it kept, where it was.
    fn start_again(&mut self) {
        assert!(self.process.is_none(), "the server runs");
        let (mut command, ready) = self.server.take().expect("a server that was started");
        self.process = Some(command.spawn().expect("the server"));
        self.server = Some((command, ready));
        let began = Instant::now();
        while !ready(self) {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().expect("a child"));
            let goes_on = ended.is_none() && began.elapsed() < PATIENCE;
            assert!(goes_on, "no database server ({ended:?}): {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the server with a signal, at once.
    fn end(&mut self, signal: Signal) {
        if let Some(mut process) = self.process.take() {
            let _ = kill(Pid::from_raw(process.id().cast_signed()), signal);
            let _ = process.wait();
        }
    }
}

/// A MariaDB server; it ends with this value.
pub struct MariaDb(Place);

impl MariaDb {
    /// Who may do all, from anywhere.
    pub const ADMIN: &str = "administrator";
    /// That account's password.
    pub const ADMIN_PASSWORD: &str = "Administrators-1";
    /// The name that its certificate has.
    pub const NAME: &str = NAME;

    /// Starts one. Needs `mariadbd`, `mariadb` and `mariadb-install-db`.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        let place = Place::new(None);
        let (cert, key) = (place.path("cert.pem"), place.path("key.pem"));
        Self::started(place, &[format!("--ssl-cert={cert}"), format!("--ssl-key={key}")])
    }

    /// Starts one that speaks no TLS.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_without_tls() -> Self {
        Self::started(Place::new(None), &["--skip-ssl".to_owned()])
    }

    fn started(mut place: Place, options: &[String]) -> Self {
        let user = nix::unistd::User::from_uid(nix::unistd::getuid()).expect("users").expect("this one").name;
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        install.args([format!("--user={user}"), format!("--datadir={}", place.path("data"))]);
        // Two at once take the same names in the same folder.
        install.env("TMPDIR", place.dir.path());
        Run::of(&install).succeeds().done();
        let mut server = Command::new("mariadbd");
        server.env("TMPDIR", place.dir.path());
        server.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
        // What is committed outlives the server, not the machine.
        server.args(["--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=16M"]);
        server.arg(format!("--user={user}")).arg(format!("--port={}", place.address.port()));
        for (option, file) in [("datadir", "data"), ("socket", "sock"), ("pid-file", "pid")] {
            server.arg(format!("--{option}={}", place.path(file)));
        }
        server.arg("--general-log").arg(format!("--general-log-file={}", place.path("general.log")));
        server.args(options);
        place.start(server, |place| Self::run(place, "SELECT 1").succeeded());
        let (name, password) = (Self::ADMIN, Self::ADMIN_PASSWORD);
        let server = Self(place);
        server.command(&format!(
            "CREATE USER {name}@'%' IDENTIFIED BY '{password}'; GRANT ALL ON *.* TO {name}@'%' WITH GRANT OPTION"
        ));
        server
    }

    fn run(place: &Place, sql: &str) -> Run {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "--user=root", "--batch", "--skip-column-names", "--raw"]);
        client.arg("--default-character-set=utf8mb4");
        Run::of(client.args([format!("--socket={}", place.path("sock")), format!("--execute={sql}")]))
    }

    /// A client for a user at `localhost`.
    fn client_as(&self, name: &str, password: &str) -> Command {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "--batch", "--skip-column-names", "--unbuffered", "--skip-reconnect"]);
        client.args([format!("--user={name}"), format!("--socket={}", self.0.path("sock"))]);
        client.env("MYSQL_PWD", password);
        client
    }

    /// Runs statements as a user at `localhost`.
    pub fn command_as(&self, name: &str, password: &str, sql: &str) -> Run {
        Run::of(self.client_as(name, password).arg(format!("--execute={sql}")))
    }

    /// A connection of a user at `localhost`, which stays open.
    #[must_use]
    pub fn shell_as(&self, name: &str, password: &str) -> Shell {
        Shell::of(&mut self.client_as(name, password))
    }

    /// Runs statements as root, and gives what they print: a line for each row, tabs between columns.
    ///
    /// # Panics
    /// If one fails.
    #[track_caller]
    pub fn command(&self, sql: &str) -> String {
        Self::run(&self.0, sql).succeeds().out()
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

    /// All that it has logged, each statement with it.
    #[must_use]
    pub fn log(&self) -> String {
        let general = fs::read(self.0.path("general.log")).unwrap_or_default();
        self.0.log() + &String::from_utf8_lossy(&general)
    }

    /// Ends it, so that nobody listens any more.
    pub fn stop(&mut self) {
        self.0.end(Signal::SIGKILL);
    }

    /// Starts it again, at its address and with its accounts and data, ended or not.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.stop();
        self.0.start_again();
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A PostgreSQL server; it ends with this value.
pub struct Postgres(Place);

impl Postgres {
    /// Who may do all.
    pub const ADMIN: &str = "administrator";
    /// That account's password.
    pub const ADMIN_PASSWORD: &str = "Administrators-1";
    /// The name that its certificate has.
    pub const NAME: &str = NAME;

    /// Starts one. Needs [`postgres()`].
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        let place = Self::place();
        let (cert, key) = (place.path("cert.pem"), place.path("key.pem"));
        Self::started(
            place,
            &["ssl=on".to_owned(), format!("ssl_cert_file={cert}"), format!("ssl_key_file={key}")],
        )
    }

    /// Starts one that speaks no TLS.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_without_tls() -> Self {
        Self::started(Self::place(), &["ssl=off".to_owned()])
    }

    fn place() -> Place {
        Place::new(nix::unistd::getuid().is_root().then_some(NOBODY))
    }

    /// A program of the server's, run as who may run it.
    fn program(name: &str) -> Command {
        let mut command = Command::new(PathBuf::from(postgres()).with_file_name(name));
        if nix::unistd::getuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.current_dir("/");
        command
    }

    fn started(mut place: Place, settings: &[String]) -> Self {
        let password = place.path("password");
        fs::write(&password, Self::ADMIN_PASSWORD).expect("a file");
        let mut install = Self::program("initdb");
        install.args(["--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C"]);
        install.args([format!("--username={}", Self::ADMIN), format!("--pwfile={password}")]);
        let made = install.arg(format!("--pgdata={}", place.path("data"))).output().expect("initdb");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self::program("postgres");
        server.args(["-D", &place.path("data"), "-p", &place.address.port().to_string()]);
        let own = ["fsync=off", "listen_addresses=127.0.0.1", "log_statement=all", "shared_buffers=16MB"];
        let socket = format!("unix_socket_directories={}", place.dir.path().display());
        for setting in own.into_iter().chain([&*socket]).chain(settings.iter().map(String::as_str)) {
            server.args(["-c", setting]);
        }
        place.start(server, |place| Self::run(place, "postgres", "SELECT 1").succeeded());
        Self(place)
    }

    fn run(place: &Place, database: &str, sql: &str) -> Run {
        let mut client = Self::client_as(place, Self::ADMIN, Self::ADMIN_PASSWORD, database);
        Run::of(client.arg(format!("--command={sql}")))
    }

    fn client_as(place: &Place, name: &str, password: &str, database: &str) -> Command {
        let mut client = Command::new(Path::new(&postgres()).with_file_name("psql"));
        client.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]);
        client.env("PGPASSWORD", password).env("PGCLIENTENCODING", "UTF8");
        client.args([format!("--host={}", place.dir.path().display()), format!("--username={name}")]);
        client.args([format!("--port={}", place.address.port()), format!("--dbname={database}")]);
        client
    }

    /// Runs statements as a role.
    pub fn command_as(&self, name: &str, password: &str, database: &str, sql: &str) -> Run {
        Run::of(Self::client_as(&self.0, name, password, database).arg(format!("--command={sql}")))
    }

    /// A connection of a role, which stays open.
    #[must_use]
    pub fn shell_as(&self, name: &str, password: &str, database: &str) -> Shell {
        Shell::of(&mut Self::client_as(&self.0, name, password, database))
    }

    /// Runs statements as the administrator in the database `postgres`, and gives what they print: a line for
    /// each row, `|` between columns.
    ///
    /// # Panics
    /// If one fails.
    #[track_caller]
    pub fn command(&self, sql: &str) -> String {
        self.command_in("postgres", sql)
    }

    /// As [`Self::command`], in another database.
    ///
    /// # Panics
    /// If one fails.
    #[track_caller]
    pub fn command_in(&self, database: &str, sql: &str) -> String {
        Self::run(&self.0, database, sql).succeeds().out()
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

    /// All that it has logged, each statement with it.
    #[must_use]
    pub fn log(&self) -> String {
        self.0.log()
    }

    /// Ends it, so that nobody listens any more.
    pub fn stop(&mut self) {
        // The processes of its connections end with it, which a kill would leave.
        self.0.end(Signal::SIGQUIT);
    }

    /// Starts it again, at its address and with its roles and data, ended or not.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.stop();
        self.0.start_again();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A client that is asked one thing after another over one connection; it ends with this value.
pub struct Shell {
    process: Child,
    answers: Receiver<io::Result<String>>,
}

impl Shell {
    /// Starts one.
    ///
    /// # Panics
    /// If there is no such program.
    #[must_use]
    pub fn of(client: &mut Command) -> Self {
        let streams = client.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = streams.spawn().expect("a client");
        let lines = BufReader::new(process.stdout.take().expect("its answers")).lines();
        let (told, answers) = channel();
        std::thread::spawn(move || lines.map(|line| told.send(line)).find(Result::is_err));
        Self { process, answers }
    }

    /// What a statement, in SQL with its semicolon, finds: one line. None comes where the connection is gone.
    ///
    /// # Panics
    /// If the client is gone before it is asked, or says nothing for two minutes.
    pub fn ask(&mut self, statement: &str) -> String {
        let input = self.process.stdin.as_mut().expect("its input");
        writeln!(input, "{statement}").and_then(|()| input.flush()).expect("a client that reads");
        self.next_line()
    }

    /// The next line that it prints; none where the connection is gone.
    ///
    /// # Panics
    /// If it says nothing for two minutes.
    pub fn next_line(&mut self) -> String {
        match self.answers.recv_timeout(PATIENCE) {
            Ok(line) => line.expect("an answer"),
            Err(RecvTimeoutError::Disconnected) => String::new(),
            Err(RecvTimeoutError::Timeout) => panic!("no answer"),
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
