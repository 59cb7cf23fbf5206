//! Servers that say what no server says: whoever may make secrets registers them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tests::{Daemon, Run, free_address, needs, root};

use super::world;

/// One that runs until it is dropped.
struct Flood(Child);

impl Drop for Flood {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The most memory that the daemon has had, in bytes.
fn most_memory(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("the daemon lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[test]
fn a_server_that_answers_without_end_or_sense_neither_ends_nor_fills_the_daemon() {
    needs!("/usr/bin/python3", "openssl");
    let (place, _rest) = world();
    let [key, certificate] = ["flood.key", "flood.pem"].map(|name| place.path(name).display().to_string());
    let line = format!(
        "req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 -subj /CN=flood \
         -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE"
    );
    Run::of(Command::new("openssl").args(line.split_whitespace())).succeeds().done();
    fs::write(place.path("password"), "Secret-1").unwrap();
    let daemon = place.start();
    let before = most_memory(&daemon);
    for (how, engine) in [("mysql", "mysql"), ("absurd", "mysql"), ("postgresql", "postgresql")] {
        let port = free_address().port();
        let mut flood = Command::new("/usr/bin/python3");
        flood.arg(root().join("tests/python/flood.py")).args([how, &port.to_string(), &certificate, &key]);
        let mut flood = Flood(flood.stdout(Stdio::piped()).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(flood.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let add = format!(
            "database add evil --engine {engine} --host localhost --port {port} --ca {certificate} --admin app \
             --password-file {}",
            place.path("password").display()
        );
        place.admin(&add).fails().says("the server").never_says("Secret-1").done();
        let grown = most_memory(&daemon) - before;
        assert!(grown < 64 << 20, "{how}: {} MiB", grown >> 20);
    }
}
