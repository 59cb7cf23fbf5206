//! Rotation of passwords in real databases, which this test starts, while clients log in there with what is current, and
//! whatever breaks on the way: the daemon, the database, the network between.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::{MariaDb, Place, Postgres, Random, Redis, Rest, Run, Shell, free_address, needs, postgres};

#[path = "rotation/console.rs"]
mod console;
#[path = "rotation/flood.rs"]
mod flood;
#[path = "rotation/hosts.rs"]
mod hosts;
#[path = "rotation/redis.rs"]
mod redis;
#[path = "rotation/steps.rs"]
mod steps;
#[path = "rotation/way.rs"]
mod way;

use way::Way;

const PATIENCE: Duration = Duration::from_secs(60);
/// How often a client logs in.
const OFTEN: Duration = Duration::from_millis(20);
/// The first password of the account.
const FIRST: &str = "First-password-1";

/// A place for a daemon that may reach this machine, and the services as an account of it uses them.
fn world() -> (Place, Rest) {
    let listen = free_address();
    let place =
        Place::new(&format!("[rest]\nlisten = \"{listen}\"\n[rotation]\nnetworks = [\"127.0.0.1\"]\n"));
    let daemon = place.start();
    let rest = Rest::new_account(&place, listen, "acme");
    daemon.kill();
    (place, rest)
}

/// A database as clients of its own see it.
#[derive(Clone)]
struct Database {
    engine: &'static str,
    address: SocketAddr,
    ca: PathBuf,
    admin: [&'static str; 2],
}

impl Database {
    fn mariadb(place: &Place, server: &MariaDb) -> Self {
        server.command(&format!(
            "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY); \
             CREATE USER app@'%' IDENTIFIED BY '{FIRST}'; GRANT SELECT, INSERT ON shop.* TO app@'%'"
        ));
        let admin = [MariaDb::ADMIN, MariaDb::ADMIN_PASSWORD];
        Self { engine: "mysql", address: server.address(), ca: ca_file(place, server.ca_pem()), admin }
    }

    fn postgres(place: &Place, server: &Postgres) -> Self {
        server.command(&format!("CREATE ROLE app LOGIN PASSWORD '{FIRST}'"));
        server.command("CREATE TABLE orders (id INT PRIMARY KEY)");
        server.command("GRANT SELECT, INSERT ON orders TO app");
        let admin = [Postgres::ADMIN, Postgres::ADMIN_PASSWORD];
        Self { engine: "postgresql", address: server.address(), ca: ca_file(place, server.ca_pem()), admin }
    }

    fn redis(place: &Place, server: &Redis) -> Self {
        server.command(&format!("ACL SETUSER app on >{FIRST} ~orders:* +@read +@write +@connection"));
        let admin = [Redis::ADMIN, Redis::ADMIN_PASSWORD];
        Self { engine: "redis", address: server.address(), ca: ca_file(place, server.ca_pem()), admin }
    }

    /// The same behind another address.
    fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    fn register(&self, place: &Place) -> Run {
        let [admin, password] = self.admin;
        let file = place.path("admin-password");
        fs::write(&file, password).unwrap();
        place.admin(&format!(
            "database add orders --engine {} --host localhost --port {} --ca {} --admin {admin} --password-file {}",
            self.engine,
            self.address.port(),
            self.ca.display(),
            file.display()
        ))
    }

    /// A session of the engine's own client, over TLS.
    fn client(&self, account: &str, password: &str) -> Command {
        let (port, ca) = (self.address.port(), self.ca.display());
        if self.engine == "mysql" {
            let mut client = Command::new("mariadb");
            client.args([
                "--no-defaults",
                "--protocol=tcp",
                "--host=localhost",
                "--batch",
                "--skip-column-names",
            ]);
            client.args([format!("--port={port}"), format!("--user={account}"), format!("--ssl-ca={ca}")]);
            client.arg("--ssl-verify-server-cert").arg("--unbuffered").env("MYSQL_PWD", password);
            client
        } else if self.engine == "redis" {
            let mut client = Command::new("redis-cli");
            client.args(["-e", "--no-auth-warning", "-h", "localhost", "--tls", "--cacert"]).arg(&self.ca);
            client.args(["-p", &port.to_string(), "--user", account]).env("REDISCLI_AUTH", password);
            client
        } else {
            let mut client = Command::new("psql");
            client.args(["--no-psqlrc", "--no-align", "--tuples-only"]).env("PGPASSWORD", password);
            let way = format!("host=localhost hostaddr=127.0.0.1 port={port} user={account} dbname=postgres");
            client.arg(format!("{way} sslmode=verify-full sslrootcert={ca}"));
            client
        }
    }

    /// Whether an account logs in; else what its client says.
    fn log_in(&self, account: &str, password: &str) -> Result<(), String> {
        let mut client = self.client(account, password);
        match self.engine {
            "mysql" => client.arg("--execute=SELECT 1"),
            "redis" => client.args(["ECHO", "1"]),
            _ => client.arg("--command=SELECT 1"),
        };
        let done = client.output().expect("the client");
        match done.status.success() && done.stdout == b"1\n" {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
        }
    }
}

/// A session that stays open.
fn session(database: &Database, account: &str, password: &str) -> Shell {
    Shell::of(&mut database.client(account, password))
}

fn ca_file(place: &Place, pem: &str) -> PathBuf {
    let path = place.path("db-ca.pem");
    fs::write(&path, pem).unwrap();
    path
}

/// The account of a server that a secret is made of, with a daemon that runs.
fn hosted(place: &Place, server: &MariaDb, more: &str) -> Database {
    let database = Database::mariadb(place, server);
    database.register(place).succeeds().says("Registered database").done();
    host(place, more).succeeds().says("Made secret").done();
    database
}

/// Makes the secret of `app`.
fn host(place: &Place, more: &str) -> Run {
    let file = place.path("app-password");
    fs::write(&file, FIRST).unwrap();
    place.admin(&format!(
        "secret host db --database orders --account app --password-file {} --yes {more}",
        file.display()
    ))
}

fn json(run: Run) -> Value {
    serde_json::from_str(&run.succeeds().out()).expect("JSON")
}

fn rotate(place: &Place) -> Run {
    place.admin("secret rotate db --yes --json")
}

/// The value of a stage, as an application reads it.
fn read_value(rest: &Rest, stage: &str) -> io::Result<Value> {
    let target = format!("/v1/{{project_id}}/secrets/db/versions/{stage}");
    let reply = rest.send(&rest.signed("GET", &target, b""))?;
    Ok(serde_json::from_str(reply.done()["version"]["secret_string"].as_str().unwrap()).unwrap())
}

/// The account of a stage.
fn read(rest: &Rest, stage: &str) -> io::Result<[String; 2]> {
    let value = read_value(rest, stage)?;
    Ok(["name", "password"].map(|field| value[field].as_str().unwrap().to_owned()))
}

/// Logs in with what is current.
#[track_caller]
fn assert_current_logs_in(rest: &Rest, database: &Database) {
    let [name, password] = read(rest, "SYSCURRENT").unwrap();
    database.log_in(&name, &password).unwrap_or_else(|why| panic!("{name} does not log in: {why}"));
}

/// What failed, the newest first: code and words.
fn failures(place: &Place) -> Vec<(String, String)> {
    let all = json(place.admin("secret rotations db --failed --json"));
    let get = |task: &Value, name: &str| task[name].as_str().unwrap().to_owned();
    all.as_array()
        .unwrap()
        .iter()
        .map(|task| (get(task, "task_error_code"), get(task, "task_error_msg")))
        .collect()
}

/// Has a client read what is current and log in with it, over and over, while something else is done.
struct Polled {
    log_ins: usize,
    failed: Vec<String>,
    /// The longest time from one that went well to the next.
    gap: Duration,
}

fn polling(rest: &Rest, database: &Database, what: impl FnOnce(&AtomicUsize)) -> Polled {
    let log_in = |value: &Value| {
        let [name, password] = ["name", "password"].map(|field| value[field].as_str().unwrap());
        database.log_in(name, password)
    };
    polling_by(rest, log_in, what)
}

/// The same, where somebody says how the value logs in.
fn polling_by(
    rest: &Rest,
    log_in: impl Fn(&Value) -> Result<(), String> + Sync,
    what: impl FnOnce(&AtomicUsize),
) -> Polled {
    let (over, begun) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            let mut polled = Polled { log_ins: 0, failed: Vec::new(), gap: Duration::ZERO };
            let mut last = Instant::now();
            while !over.load(Ordering::SeqCst) {
                let began = Instant::now();
                begun.fetch_add(1, Ordering::SeqCst);
                let value = read_value(rest, "SYSCURRENT").expect("the daemon is there");
                match log_in(&value) {
                    Ok(()) => {
                        polled.log_ins += 1;
                        polled.gap = polled.gap.max(last.elapsed());
                        last = Instant::now();
                    }
                    Err(why) => polled.failed.push(why),
                }
                sleep(OFTEN.saturating_sub(began.elapsed()));
            }
            polled
        });
        what(&begun);
        over.store(true, Ordering::SeqCst);
        client.join().expect("the client")
    })
}

/// Waits until a client that began before now has ended.
fn next_turn(begun: &AtomicUsize) {
    let (before, until) = (begun.load(Ordering::SeqCst), Instant::now() + PATIENCE);
    while begun.load(Ordering::SeqCst) < before + 1 {
        assert!(Instant::now() < until, "the client stands still");
        sleep(Duration::from_millis(1));
    }
}

/// Requirement: CSMS-003, CSMS-005, CSMS-006, CSMS-007, CSMS-016, CSMS-048
#[test]
fn with_two_accounts_a_client_that_reads_what_is_current_never_fails_through_fifty_rotations() {
    needs!("/usr/sbin/mariadbd", "mariadb", "mariadb-install-db");
    let (place, rest) = world();
    let server = MariaDb::start();
    let _daemon = place.start();
    let database = hosted(&place, &server, "--dual");
    place.admin("database list").succeeds().says("mysql").says("localhost:").done();
    // The clone may do what the account may, and no more.
    let grants = |who: &str| {
        let shown = server.command(&format!("SHOW GRANTS FOR {who}@'%'")).replace(who, "app");
        let plain = |line: &str| line.split(" IDENTIFIED BY").next().unwrap().to_owned();
        shown.lines().map(plain).collect::<Vec<_>>()
    };
    assert_eq!(grants("app_clone"), grants("app"));
    let first = read(&rest, "SYSCURRENT").unwrap();
    let polled = polling(&rest, &database, |begun| {
        for number in 0..50 {
            rotate(&place).succeeds().done();
            // Whoever has read a value has time to log in with it.
            next_turn(begun);
            let name = read(&rest, "SYSCURRENT").unwrap()[0].clone();
            assert_eq!(name, ["app_clone", "app"][number % 2]);
        }
    });
    println!("{} log-ins, the longest gap between two {:?}", polled.log_ins, polled.gap);
    assert_eq!(polled.failed, Vec::<String>::new());
    assert!(polled.log_ins > 50, "{} log-ins", polled.log_ins);
    // Who kept the first password cannot log in any more.
    assert_eq!(first, ["app", FIRST]);
    assert!(database.log_in("app", FIRST).is_err());
}

/// Requirement: CSMS-009, CSMS-010, CSMS-011
#[test]
fn with_one_account_an_open_connection_lives_on_and_the_gap_is_short() {
    needs!("/usr/sbin/mariadbd", "mariadb", "mariadb-install-db");
    let (place, rest) = world();
    let server = MariaDb::start();
    let _daemon = place.start();
    let database = hosted(&place, &server, "");
    let mut open = session(&database, "app", FIRST);
    assert_eq!(open.ask("INSERT INTO shop.orders VALUES (1); SELECT COUNT(*) FROM shop.orders;"), "1");
    let polled = polling(&rest, &database, |begun| {
        for _ in 0..20 {
            rotate(&place).succeeds().done();
            next_turn(begun);
        }
    });
    println!(
        "{} log-ins, {} within a rotation failed, the longest gap {:?}",
        polled.log_ins,
        polled.failed.len(),
        polled.gap
    );
    assert!(polled.log_ins > 5 && polled.gap < Duration::from_secs(10), "{:?}", polled.gap);
    assert_eq!(open.ask("INSERT INTO shop.orders VALUES (2); SELECT COUNT(*) FROM shop.orders;"), "2");
    assert!(database.log_in("app", FIRST).is_err(), "the old password is good");
    assert_current_logs_in(&rest, &database);
}

/// Requirement: CSMS-014
#[test]
fn whenever_the_daemon_is_killed_what_is_current_logs_in() {
    needs!("/usr/sbin/mariadbd", "mariadb", "mariadb-install-db");
    let server = MariaDb::start();
    let mut random = Random::of(Random::seed("CLAVIGER_ROTATION_SEED"));
    for more in ["--dual", ""] {
        let (place, rest) = world();
        server.command("DROP DATABASE IF EXISTS shop; DROP USER IF EXISTS app@'%'");
        let daemon = place.start();
        let database = hosted(&place, &server, more);
        daemon.kill();
        let mut cut = 0;
        for _ in 0..30 {
            let daemon = place.start();
            thread::scope(|scope| {
                let rotation = scope.spawn(|| rotate(&place).succeeded());
                sleep(random.time(Duration::from_millis(120)));
                daemon.kill();
                cut += usize::from(!rotation.join().unwrap());
            });
            let daemon = place.start();
            if more.is_empty() {
                // With one account, once what was cut off is completed.
                settled(&place);
            }
            assert_current_logs_in(&rest, &database);
            settled(&place);
            assert_current_logs_in(&rest, &database);
            daemon.kill();
        }
        println!("{cut} of 30 rotations were cut off");
        assert!(cut > 0, "no rotation was cut off");
    }
}

/// Waits until no rotation is under way.
fn settled(place: &Place) {
    let until = Instant::now() + PATIENCE;
    loop {
        let shown = place.admin("secret history db --json");
        if !shown.succeeded() || !shown.text().contains("SYSPENDING") {
            assert!(shown.succeeded(), "{}", shown.story());
            return;
        }
        assert!(Instant::now() < until, "a rotation stays under way: {}", place.end_of_log());
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn wherever_the_network_is_cut_what_is_current_logs_in_once_it_is_there_again() {
    needs!("/usr/sbin/mariadbd", "mariadb", "mariadb-install-db");
    let server = MariaDb::start();
    for more in ["--dual", ""] {
        let (place, rest) = world();
        server.command("DROP DATABASE IF EXISTS shop; DROP USER IF EXISTS app@'%'");
        let database = Database::mariadb(&place, &server);
        let way = Way::to(server.address());
        let _daemon = place.start();
        database.at(way.address).register(&place).succeeds().done();
        host(&place, more).succeeds().done();
        let mut cut = 0;
        for bytes in (0..2400).step_by(150) {
            way.cut_after(bytes);
            let done = rotate(&place).succeeded();
            way.mend();
            cut += usize::from(!done);
            if !done && more.is_empty() {
                // What could not be undone is taken up again; asked for, at once.
                rotate(&place).succeeds().done();
            }
            assert_current_logs_in(&rest, &database);
        }
        assert!(cut > 3, "{cut} rotations were cut off");
        rotate(&place).succeeds().done();
        settled(&place);
        assert_current_logs_in(&rest, &database);
    }
}

/// Requirement: CSMS-099
#[test]
fn a_failure_says_what_to_do() {
    needs!("/usr/sbin/mariadbd", "mariadb", "mariadb-install-db");
    let (place, rest) = world();
    let mut server = MariaDb::start();
    let way = Way::to(server.address());
    let database = Database::mariadb(&place, &server).at(way.address);
    let _daemon = place.start();
    let other = MariaDb::start_without_tls();
    database.at(other.address()).register(&place).fails().says("TLS").done();
    let wrong = Database { admin: [MariaDb::ADMIN, "wrong"], ..database.clone() };
    wrong.register(&place).fails().says("password").done();
    database.register(&place).succeeds().done();
    database.register(&place).fails().says("already").done();
    let file = place.path("app-password");
    fs::write(&file, "wrong").unwrap();
    let hosted =
        format!("secret host db --database orders --account app --yes --password-file {}", file.display());
    place.admin(&hosted).fails().says("password").done();
    host(&place, "").succeeds().done();
    place.admin("secret put db --file /etc/hostname").fails().says("rotation alone").done();
    way.lead_to(other.address());
    rotate(&place).fails().says("TLS").done();
    way.lead_to(server.address());
    drop(other);
    server.command("INSTALL SONAME 'simple_password_check'");
    server.command("SET GLOBAL simple_password_check_minimal_length = 64");
    rotate(&place).fails().says("does not take the password").done();
    server.command("UNINSTALL SONAME 'simple_password_check'");
    server.command("DROP USER app@'%'");
    rotate(&place).fails().says("app").done();
    server.stop();
    rotate(&place).fails().done();
    let failed = failures(&place);
    let codes: Vec<_> = failed.iter().map(|(code, _)| code.as_str()).collect();
    let all = ["SERVER_UNREACHABLE", "SERVER_NO_ACCOUNT", "SERVER_PASSWORD_RULE", "SERVER_CERTIFICATE"];
    assert_eq!(codes, all);
    assert!(failed.iter().all(|(_, why)| why.len() > 20 && !why.contains(FIRST)), "{failed:?}");
    place.admin("secret rotations").succeeds().says("failed").done();
    let shown = json(place.admin("secret show db --json"));
    assert_eq!(shown["secret_type"], "RDS-FG");
    // Nothing changed.
    assert_eq!(read(&rest, "SYSCURRENT").unwrap(), ["app", FIRST]);
    place.admin("database remove orders --yes").fails().says("db").done();
    place.admin("secret delete db --now --yes").succeeds().done();
    place.admin("database remove orders --yes").succeeds().done();
    place.admin("database list").succeeds().says("`database add`").done();
}

#[test]
fn passwords_of_postgresql_are_rotated_with_one_account_and_with_two() {
    needs!(&postgres(), "psql");
    let server = Postgres::start();
    for more in ["", "--dual"] {
        let (place, rest) = world();
        server.command("DROP TABLE IF EXISTS orders");
        for role in ["app_clone", "app"] {
            server.command(&format!("DROP ROLE IF EXISTS {role}"));
        }
        let database = Database::postgres(&place, &server);
        let _daemon = place.start();
        database.register(&place).succeeds().done();
        host(&place, more).succeeds().done();
        let mut open = session(&database, "app", FIRST);
        assert_eq!(open.ask("SELECT COUNT(*) FROM orders;"), "0");
        let polled = polling(&rest, &database, |begun| {
            for _ in 0..10 {
                rotate(&place).succeeds().done();
                next_turn(begun);
            }
        });
        println!("{more} {} log-ins, {} failed, gap {:?}", polled.log_ins, polled.failed.len(), polled.gap);
        assert!(more.is_empty() || polled.failed.is_empty(), "{:?}", polled.failed);
        assert_eq!(open.ask("SELECT COUNT(*) FROM orders;"), "0");
        assert_current_logs_in(&rest, &database);
        assert!(database.log_in("app", FIRST).is_err());
        let [name, password] = read(&rest, "SYSCURRENT").unwrap();
        let mut another = session(&database, &name, &password);
        assert_eq!(another.ask("INSERT INTO orders VALUES (1) RETURNING id;"), "1");
        drop((open, another));
        server.command(&format!("DROP OWNED BY {}", if more.is_empty() { "app" } else { "app, app_clone" }));
    }
}
