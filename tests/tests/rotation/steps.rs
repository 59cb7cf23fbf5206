//! Each moment of a rotation at which a server is talked to, and the daemon or the server killed right then.
//!
//! A rotation talks twice: it sets the password, and it logs in. Before the first the version is written already; after the
//! second it becomes current.

use std::sync::{Arc, Mutex};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tests::{MariaDb, Place, Postgres, Redis, Rest, needs, postgres};

use super::way::{Moment, Way};
use super::{Database, assert_current_logs_in, failures, host, rotate, settled, world};

const MOMENTS: [(Moment, usize); 4] =
    [(Moment::Open, 0), (Moment::Over, 0), (Moment::Open, 1), (Moment::Over, 1)];

/// A server that can be killed, and is started again where it was.
trait Server: Send + 'static {
    fn prepare(&self, place: &Place) -> Database;
    fn kill(&mut self);
    fn restart(&mut self);
}

impl Server for MariaDb {
    fn prepare(&self, place: &Place) -> Database {
        self.command(
            "DROP DATABASE IF EXISTS shop; DROP USER IF EXISTS app@'%'; DROP USER IF EXISTS app_clone@'%'",
        );
        Database::mariadb(place, self)
    }

    fn kill(&mut self) {
        self.stop();
    }

    fn restart(&mut self) {
        self.restart();
    }
}

impl Server for Postgres {
    fn prepare(&self, place: &Place) -> Database {
        self.command("DROP TABLE IF EXISTS orders");
        for role in ["app_clone", "app"] {
            self.command(&format!("DROP ROLE IF EXISTS {role}"));
        }
        Database::postgres(place, self)
    }

    fn kill(&mut self) {
        self.stop();
    }

    fn restart(&mut self) {
        self.restart();
    }
}

impl Server for Redis {
    fn prepare(&self, place: &Place) -> Database {
        self.command("ACL DELUSER app app_clone");
        Database::redis(place, self)
    }

    fn kill(&mut self) {
        self.stop();
    }

    fn restart(&mut self) {
        self.restart();
    }
}

/// A secret of an account that is reached over a way.
fn hosted(server: &dyn Server, more: &str) -> (Place, Rest, Database, Way) {
    let (place, rest) = world();
    let database = server.prepare(&place);
    let way = Way::to(database.address);
    let daemon = place.start();
    database.at(way.address).register(&place).succeeds().done();
    host(&place, more).succeeds().done();
    daemon.kill();
    (place, rest, database, way)
}

fn the_daemon_is_killed(server: &dyn Server) {
    for more in ["--dual", ""] {
        let (place, rest, database, way) = hosted(server, more);
        for (moment, after) in MOMENTS {
            let daemon = place.start();
            let pid = Pid::from_raw(daemon.pid().cast_signed());
            way.at(moment, after, move || kill(pid, Signal::SIGKILL).unwrap());
            let done = rotate(&place).succeeded();
            assert!(way.was_done(), "{moment:?} {after} does not come");
            // Once all was said, the answer may be as fast.
            assert!(!done || (moment, after) == (Moment::Over, 1), "{moment:?} {after}");
            daemon.kill();
            let daemon = place.start();
            if more.is_empty() {
                settled(&place);
            }
            assert_current_logs_in(&rest, &database);
            settled(&place);
            assert_current_logs_in(&rest, &database);
            rotate(&place).succeeds().done();
            assert_current_logs_in(&rest, &database);
            daemon.kill();
        }
        let _daemon = place.start();
        assert_eq!(failures(&place), [], "what was cut off is completed");
    }
}

fn the_server_is_killed(server: impl Server) {
    let server = Arc::new(Mutex::new(server));
    for more in ["--dual", ""] {
        let (place, rest, database, way) = hosted(&*server.lock().unwrap(), more);
        let _daemon = place.start();
        for (moment, after) in MOMENTS {
            let killed = Arc::clone(&server);
            way.at(moment, after, move || killed.lock().unwrap().kill());
            let done = rotate(&place).succeeded();
            assert!(way.was_done(), "{moment:?} {after} does not come");
            assert!(!done || (moment, after) == (Moment::Over, 1), "{moment:?} {after}");
            server.lock().unwrap().restart();
            if !done && more.is_empty() {
                // What could not be undone is taken up again; asked for, at once.
                rotate(&place).succeeds().done();
            }
            assert_current_logs_in(&rest, &database);
            rotate(&place).succeeds().done();
            settled(&place);
            assert_current_logs_in(&rest, &database);
        }
        let failed = failures(&place);
        assert!(
            failed.len() >= 3 && failed.iter().all(|(code, _)| code == "SERVER_UNREACHABLE"),
            "{failed:?}"
        );
    }
}

/// Requirement: CSMS-014
#[test]
fn at_whatever_moment_the_daemon_is_killed_what_is_current_logs_in() {
    needs!("/usr/sbin/mariadbd", "mariadb", "mariadb-install-db");
    needs!(&postgres(), "psql", "redis-server", "redis-cli");
    thread::scope(|scope| {
        scope.spawn(|| the_daemon_is_killed(&MariaDb::start()));
        scope.spawn(|| the_daemon_is_killed(&Postgres::start()));
        scope.spawn(|| the_daemon_is_killed(&Redis::start()));
    });
}

/// Requirement: CSMS-014
#[test]
fn at_whatever_moment_the_server_is_killed_what_is_current_logs_in() {
    needs!("/usr/sbin/mariadbd", "mariadb", "mariadb-install-db");
    needs!(&postgres(), "psql", "redis-server", "redis-cli");
    thread::scope(|scope| {
        scope.spawn(|| the_server_is_killed(MariaDb::start()));
        scope.spawn(|| the_server_is_killed(Postgres::start()));
        scope.spawn(|| the_server_is_killed(Redis::start()));
    });
}
