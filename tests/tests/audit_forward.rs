//! Forwarding of audit records over TCP and TLS: every record arrives, whichever side is away for a while.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tests::{Place, Run};
use wire::admin::audit::{Ask as Audit, Told as Answer};
use wire::admin::{Ask, Told};

const PATIENCE: Duration = Duration::from_secs(60);

/// The numbers of the records in lines of JSON.
fn numbers(lines: &str) -> BTreeSet<u64> {
    let number = |line: &str| {
        let (_, rest) = line.split_once("\"sequence\":")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    lines.lines().filter_map(number).collect()
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (socket, _) = listener.accept().unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Reads lines until the record of this number has come.
fn read_to(socket: &TcpStream, last: u64) -> String {
    let (mut lines, mut reader) = (String::new(), BufReader::new(socket));
    while numbers(&lines).last().is_none_or(|number| *number < last) {
        assert!(reader.read_line(&mut lines).unwrap() > 0, "the daemon hung up after {lines}");
    }
    lines
}

fn newest(daemon: &tests::Daemon<'_>) -> (u64, Option<u64>) {
    match daemon.ask(&Ask::Audit(Audit::Status)) {
        Told::Audit(Answer::Status(status)) => (status.records, status.unsent),
        other => panic!("{other:?}"),
    }
}

/// Waits until the daemon knows that all it sent was received.
fn all_is_sent(daemon: &tests::Daemon<'_>) {
    let until = Instant::now() + PATIENCE;
    while newest(daemon).1 != Some(0) {
        assert!(Instant::now() < until, "what was received is still counted as unsent");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn renames(daemon: &tests::Daemon<'_>, names: &[&str]) {
    for pair in names.windows(2) {
        let ask = Ask::PartitionRename { partition: pair[0].into(), label: pair[1].into() };
        assert!(matches!(daemon.ask(&ask), Told::Partition(_)));
    }
}

#[test]
fn every_record_arrives_though_either_side_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let place = Place::new(&format!("[audit.forward]\nto = \"tcp://{address}\"\n"));
    let daemon = place.start();
    let first = accept(&listener);
    daemon.partition("a", "standard");
    let mut arrived = numbers(&read_to(&first, newest(&daemon).0));

    // The receiver goes away, and comes back elsewhere in time.
    drop(first);
    drop(listener);
    renames(&daemon, &["a", "b", "c", "d"]);
    let behind = newest(&daemon).1.unwrap();
    assert!(behind > 0, "nobody is there to receive it");
    let listener = TcpListener::bind(address).unwrap();
    let second = accept(&listener);
    arrived.extend(numbers(&read_to(&second, newest(&daemon).0)));

    // The daemon is killed, and goes on.
    daemon.kill();
    let daemon = place.start();
    let third = accept(&listener);
    renames(&daemon, &["d", "e"]);
    let last = newest(&daemon).0;
    arrived.extend(numbers(&read_to(&third, last)));
    all_is_sent(&daemon);
    assert_eq!(arrived, (1..=last).collect());
    drop(third);
    daemon.stop();
    let _ = place.verified();
}

#[test]
fn a_log_that_begins_anew_is_sent_from_its_beginning() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let place = Place::new(&format!("[audit.forward]\nto = \"tcp://{address}\"\n"));
    let daemon = place.start();
    let first = accept(&listener);
    daemon.partition("a", "standard");
    renames(&daemon, &["a", "b", "c", "d", "e", "f", "g", "h"]);
    let before = newest(&daemon).0;
    read_to(&first, before);
    all_is_sent(&daemon);
    daemon.stop();
    drop(first);

    let segment = place.audit().join("audit-00000001.log");
    let whole = fs::read(&segment).unwrap();
    fs::write(&segment, &whole[..whole.len() / 2]).unwrap();
    let log = place.log().len();
    let daemon = place.spawn(&["--accept-audit-loss"]);
    let second = accept(&listener);
    let lines = read_to(&second, 1);
    assert_eq!(numbers(&lines).first(), Some(&1), "{lines}");
    place.logs_after(log, &["INFO", "hsmd", "listens"]);
    assert!(newest(&daemon).0 < before, "the new log has as many records as the old one");
    daemon.stop();
}

#[test]
fn syslog_over_tls_comes_from_a_daemon_that_checks_whom_it_talks_to() {
    let place = Place::new("");
    let openssl = |line: &str| {
        let mut command = Command::new("openssl");
        Run::of(command.current_dir(place.path("")).args(line.split_whitespace())).succeeds().done();
    };
    for (name, host) in [("good", "localhost"), ("other", "elsewhere.example")] {
        openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={host} \
             -addext subjectAltName=DNS:{host} -addext basicConstraints=critical,CA:FALSE -keyout {name}.key -out {name}.pem"
        ));
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let serve = |name: &str| {
        Command::new("openssl")
            .current_dir(place.path(""))
            .args(["s_server", "-quiet", "-naccept", "9", "-accept", &port.to_string()])
            .args(["-cert", &format!("{name}.pem"), "-key", &format!("{name}.key")])
            .stdin(Stdio::piped())
            .stdout(File::options().create(true).append(true).open(place.path("received")).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    place.configure(&format!(
        "[audit.forward]\nto = \"tls://localhost:{port}\"\nformat = \"syslog\"\nca = {:?}\n",
        place.path("good.pem").display().to_string()
    ));
    let mut wrong = serve("other");
    std::thread::sleep(Duration::from_millis(300));
    let daemon = place.start();
    daemon.partition("a", "standard");
    place.logs(&["WARN", "audit records are not forwarded"]);
    wrong.kill().unwrap();
    wrong.wait().unwrap();
    assert_eq!(fs::read(place.path("received")).unwrap(), b"", "nothing is told to a stranger");
    let mut good = serve("good");
    let until = Instant::now() + PATIENCE;
    let received = || {
        let mut text = String::new();
        let _ = File::open(place.path("received")).and_then(|mut file| file.read_to_string(&mut text));
        text
    };
    while !received().contains("create_the_partition") {
        assert!(Instant::now() < until, "nothing came: {}", received());
        std::thread::sleep(Duration::from_millis(100));
    }
    let text = received();
    let (length, message) = text.split_once(' ').unwrap();
    let message = &message[..length.parse().unwrap()];
    assert!(message.starts_with('<') && message.contains("claviger"), "{message}");
    daemon.stop();
    good.kill().unwrap();
    good.wait().unwrap();
}
