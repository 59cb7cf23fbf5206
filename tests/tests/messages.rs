//! Messages to the outside, as a real web server and a real mail server get them, whatever happens on the way.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::{Daemon, Place, Run, free_address, needs, root};

#[path = "messages/told.rs"]
mod told;

const PATIENCE: Duration = Duration::from_secs(60);
/// Where Debian puts the mail server.
const MAIL_SERVER: &str = "/usr/lib/python3/dist-packages/aiosmtpd/controller.py";

/// A receiver that runs until it is dropped.
struct Receiver(std::process::Child);

impl Receiver {
    fn start(arguments: &[&str]) -> Self {
        // Debian's own, which has the mail server.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(root().join("tests/python/receiver.py")).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n", "the receiver does not start");
        Self(child)
    }

    fn hook(at: SocketAddr, file: &Path, secret: &str, tls: &[&str]) -> Self {
        let (port, readme) = (at.port().to_string(), root().join("README.md"));
        let base = ["hook", &port, &file.to_string_lossy(), &readme.to_string_lossy(), secret];
        Self::start(&[&base, tls].concat())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A place whose messages may go to this machine, with an account.
fn place(more: &str) -> Place {
    Place::new(&format!("[messages]\nnetworks = [\"127.0.0.1\"]\n{more}"))
}

fn json(run: Run) -> Value {
    serde_json::from_str(&run.succeeds().out()).expect("JSON")
}

/// Makes a topic, and gives what its messages are signed with.
fn add(place: &Place, name: &str, url: &str) -> String {
    json(place.admin(&format!("topic add {name} --webhook {url} --json")))["secret"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn messages(place: &Place, more: &str) -> Vec<Value> {
    json(place.admin(&format!("topic messages --json {more}"))).as_array().unwrap().clone()
}

/// What came to a receiver, once it is so much.
#[track_caller]
fn came(file: &Path, least: usize) -> Vec<Value> {
    wait_for("the receiver gets more", || {
        let text = fs::read_to_string(file).unwrap_or_default();
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (lines.len() >= least).then_some(lines)
    })
}

#[track_caller]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} never");
        sleep(Duration::from_millis(20));
    }
}

#[track_caller]
fn becomes(place: &Place, topic: &str, state: &str) -> Value {
    wait_for(&format!("a message is {state}"), || {
        messages(place, &format!("--topic {topic}")).into_iter().find(|message| message["state"] == state)
    })
}

fn started(place: &Place) -> Daemon<'_> {
    let daemon = place.start();
    place.admin("account create acme").succeeds().done();
    daemon
}

/// The name of this machine in certificates, and the authority that vouches for it.
fn certificate(place: &Place) -> [String; 3] {
    let [ca, key, certificate] =
        ["ca.pem", "hook.key", "hook.pem"].map(|name| place.path(name).display().to_string());
    let line = format!(
        "req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 -subj /CN=hook \
         -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE"
    );
    Run::of(Command::new("openssl").args(line.split_whitespace())).succeeds().done();
    fs::copy(&certificate, &ca).unwrap();
    [ca, certificate, key]
}

/// Starts a mail server that asks for TLS and a password, and has the daemon's configuration name it.
fn mail_server(place: &Place, file: &Path) -> Receiver {
    let (at, password) = (free_address(), place.path("password"));
    let [ca, certificate, key] = certificate(place);
    fs::write(&password, "opensesame\n").unwrap();
    place.configure(&format!(
        "[messages]\nca = {ca:?}\n[messages.smtp]\nserver = \"{at}\"\nuser = \"hsm\"\npassword_file = {password:?}\n\
         from = \"hsm@example.org\""
    ));
    Receiver::start(&["mail", &at.port().to_string(), &file.to_string_lossy(), &certificate, &key])
}

#[test]
fn a_program_checks_what_it_is_sent_with_the_lines_of_the_readme() {
    needs!("/usr/bin/python3");
    let place = place("");
    let _daemon = started(&place);
    let (at, file) = (free_address(), place.path("came"));
    let secret = add(&place, "alerts", &format!("http://{at}/hook?a=b"));
    let _receiver = Receiver::hook(at, &file, &secret, &[]);
    let tested = json(place.admin("topic test alerts --json"));
    assert_eq!(tested["state"], "delivered");
    let came = came(&file, 1);
    assert_eq!((&came[0]["path"], &came[0]["good"]), (&"/hook?a=b".into(), &true.into()), "{came:?}");
    assert_eq!((&came[0]["id"], &came[0]["body"]["event"]), (&tested["id"], &"TEST".into()));
    // It is shown where it is kept, and nowhere else.
    place.admin("topic show alerts").succeeds().done();
    for line in ["topic list --json", "topic show alerts --json"] {
        assert!(!place.admin(line).succeeds().out().contains("whsec_"));
    }
    assert!(!place.log().contains(&secret));
    let urn = json(place.admin("topic show alerts --json"))["urn"].as_str().unwrap().to_owned();
    assert!(urn.starts_with("urn:smn:local-1:") && urn.ends_with(":alerts"), "{urn}");
}

#[test]
fn what_waits_comes_in_its_order_after_the_receiver_was_away_and_the_daemon_was_killed() {
    needs!("/usr/bin/python3");
    let place = place("");
    let daemon = started(&place);
    let (at, file) = (free_address(), place.path("came"));
    let secret = add(&place, "alerts", &format!("http://{at}/"));
    let mut sent: Vec<_> = (0..5)
        .map(|_| json(place.admin("topic test alerts --no-wait --json"))["id"].as_str().unwrap().to_owned())
        .collect();
    wait_for("a try fails", || {
        messages(&place, "").last().filter(|first| first["tries"].as_u64() > Some(0)).cloned()
    });
    daemon.kill();
    let daemon = place.start();
    assert!(messages(&place, "").iter().all(|message| message["state"] == "waiting"));
    sent.push(json(place.admin("topic test alerts --no-wait --json"))["id"].as_str().unwrap().to_owned());
    let receiver = Receiver::hook(at, &file, &secret, &[]);
    came(&file, 3);
    daemon.kill();
    let _daemon = place.start();
    let got = came(&file, sent.len());
    wait_for("all are delivered", || {
        messages(&place, "").iter().all(|message| message["state"] == "delivered").then_some(())
    });
    // One that was under way when the daemon was killed may come twice, and is known by its id.
    let mut ids: Vec<_> = got.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    ids.dedup();
    assert_eq!(ids, sent);
    assert!(got.iter().all(|one| one["good"] == true));
    drop(receiver);
}

#[test]
fn a_dead_target_is_given_up_and_told_of() {
    needs!("/usr/bin/python3");
    let place = place("try_seconds = 2");
    let daemon = started(&place);
    let (at, file) = (free_address(), place.path("came"));
    let secret = add(&place, "dead", &format!("http://{}/", free_address()));
    let gone = becomes_after_test(&place, "dead", "failed");
    assert!(gone["why"].as_str().unwrap().contains("refused"), "{gone}");
    // One that is asked for at another place.
    add(&place, "moved", &format!("http://{at}/moved"));
    let _receiver = Receiver::hook(at, &file, &secret, &[]);
    let moved = becomes_after_test(&place, "moved", "failed");
    assert!(moved["why"].as_str().unwrap().contains("redirects are not followed"), "{moved}");
    assert!(came(&file, 1).iter().all(|one| one["path"] == "/moved"), "a redirect is followed");
    place.admin("topic delete moved --yes").succeeds().done();
    place.admin("topic test moved").fails().says("no topic").done();
    daemon.stop();
    let _daemon = place.start();
    assert_eq!(becomes(&place, "dead", "failed")["id"], gone["id"], "it is kept over a restart");
}

#[track_caller]
fn becomes_after_test(place: &Place, topic: &str, state: &str) -> Value {
    place.admin(&format!("topic test {topic} --no-wait")).succeeds().done();
    becomes(place, topic, state)
}

#[test]
fn nothing_is_sent_to_this_machine_or_its_link_unless_it_is_listed() {
    let place = Place::new("");
    let _daemon = started(&place);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for (number, host) in
        ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "[64:ff9b::7f00:1]"]
            .into_iter()
            .enumerate()
    {
        let name = format!("near-{number}");
        add(&place, &name, &format!("http://{host}:{port}/"));
        place.admin(&format!("topic test {name}")).fails().says("in no network").done();
        assert_eq!(messages(&place, &format!("--topic {name}"))[0]["state"], "invalid");
    }
    assert!(listener.accept().is_err(), "somebody connected");
}

#[test]
fn a_receiver_that_stands_still_keeps_back_no_other_and_no_end() {
    needs!("/usr/bin/python3");
    let place = place("");
    let daemon = started(&place);
    let (at, file) = (free_address(), place.path("came"));
    add(&place, "still", &format!("http://{at}/stands-still"));
    let secret = add(&place, "alerts", &format!("http://{at}/"));
    let _receiver = Receiver::hook(at, &file, &secret, &[]);
    place.admin("topic test still --no-wait").succeeds().done();
    came(&file, 1);
    let began = Instant::now();
    place.admin("topic test alerts").succeeds().done();
    assert!(began.elapsed() < Duration::from_secs(10), "it waited for the other");
    let began = Instant::now();
    daemon.stop();
    assert!(began.elapsed() < Duration::from_secs(10), "the end waits for a receiver");
    let _daemon = place.start();
    let still = messages(&place, "--topic still");
    assert_eq!((still.len(), &still[0]["state"]), (1, &"waiting".into()), "{still:?}");
}

#[test]
fn https_is_for_who_can_be_believed() {
    needs!("/usr/bin/python3", "openssl");
    let place = place("");
    let [ca, certificate, key] = certificate(&place);
    let daemon = started(&place);
    let (at, file) = (free_address(), place.path("came"));
    let secret = add(&place, "alerts", &format!("https://{at}/"));
    let _receiver = Receiver::hook(at, &file, &secret, &[&certificate, &key]);
    place.admin("topic test alerts").fails().says("TLS").done();
    assert!(!file.exists(), "something was sent");
    daemon.stop();
    place.configure(&format!("[messages]\nnetworks = [\"127.0.0.0/8\"]\nca = {ca:?}"));
    let _daemon = place.start();
    assert_eq!(came(&file, 1)[0]["good"], true);
    becomes(&place, "alerts", "delivered");
}

#[test]
fn mail_reaches_a_real_server_over_tls_and_each_address_once() {
    needs!("/usr/bin/python3", "openssl", MAIL_SERVER);
    let place = Place::new("");
    let file = place.path("came");
    let _receiver = mail_server(&place, &file);
    let _daemon = started(&place);
    place.admin("topic add people --mail ops@example.org --mail full@example.org").succeeds().done();
    place.admin("topic test people").fails().says("the mailbox is full").done();
    becomes(&place, "people", "delivered");
    let came = came(&file, 2);
    let to: Vec<_> = came.iter().map(|mail| mail["to"][0].as_str().unwrap()).collect();
    assert_eq!(to, ["ops@example.org", "full@example.org"], "one got it twice, or not at all");
    for mail in &came {
        assert_eq!((&mail["tls"], &mail["user"]), (&true.into(), &"hsm".into()), "{mail}");
        assert_eq!(
            (&mail["sender"], &mail["headers"]["From"]),
            (&"hsm@example.org".into(), &"hsm@example.org".into())
        );
        assert_eq!(mail["headers"]["Subject"], "Test of a topic");
        let body: Value = serde_json::from_str(mail["body"].as_str().unwrap()).expect("JSON in the mail");
        assert_eq!(body["event"], "TEST");
    }
    assert_eq!(came[0]["headers"]["Message-ID"], came[1]["headers"]["Message-ID"]);
    assert!(!place.log().contains("opensesame"));
}

#[test]
fn without_tls_no_password_leaves_and_without_a_server_no_mailbox_is_taken() {
    needs!("/usr/bin/python3", MAIL_SERVER);
    let place = Place::new("");
    let daemon = started(&place);
    place.admin("topic add people --mail ops@example.org").fails().says("no mail server").done();
    daemon.stop();
    let (at, file) = (free_address(), place.path("came"));
    place.configure(&format!("[messages.smtp]\nserver = \"{at}\"\nfrom = \"hsm@example.org\""));
    let _daemon = place.start();
    let port = at.port().to_string();
    // It has no TLS to go over to.
    let _receiver = Receiver::start(&["mail", &port, &file.to_string_lossy()]);
    place.admin("topic add people --mail ops@example.org").succeeds().done();
    place.admin("topic test people").fails().done();
    assert!(!file.exists(), "a mail was sent in the clear");
    place.admin("topic add evil --mail a@b.c,d@e.f").fails().says("no address").done();
}

#[test]
fn an_answer_without_end_is_not_read() {
    let place = place("");
    let _daemon = started(&place);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    add(&place, "endless", &format!("http://{}/", listener.local_addr().unwrap()));
    let endless = std::thread::spawn(move || {
        use std::io::Write;
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 1024]).unwrap();
        let header = format!("X: {}\r\n", "x".repeat(1000));
        socket.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        let mut written = 0_usize;
        while socket.write_all(header.as_bytes()).is_ok() && written < 64 << 20 {
            written += header.len();
        }
        written
    });
    place.admin("topic test endless").fails().says("HTTP").done();
    assert!(endless.join().unwrap() < 32 << 20);
}

/// The six digits in a text.
fn code_in(text: &Value) -> String {
    let digits = text.as_str().unwrap().split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6);
    digits.expect("a code").to_owned()
}

/// Requirement: IAM-093, IAM-094, IAM-096, IAM-097
#[test]
fn codes_of_operation_protection_come_by_mail_and_sms_where_they_are_bound_and_are_good_once() {
    needs!("/usr/bin/python3", MAIL_SERVER);
    let place = Place::new("");
    let (mail_at, sms_at) = (free_address(), free_address());
    let (mails, texts, secret) = (place.path("mails"), place.path("texts"), place.path("secret"));
    fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let daemon = started(&place);
    place.admin("account contact acme --email ann@example.org --phone +4915100000001").succeeds().done();
    // It is bound, and there is nothing to send it by.
    place.admin("account protect acme on").fails().says("account contact").done();
    place.admin("account send-code acme --by email").fails().says("no code can be sent").done();
    daemon.stop();
    place.configure(&format!(
        "[messages.smtp]\nserver = \"{mail_at}\"\ntls = \"none\"\nfrom = \"hsm@example.org\"\n[messages.sms]\n\
         url = \"http://{sms_at}/sms\"\nsecret_file = {secret:?}"
    ));
    let _daemon = place.start();
    let _mail = Receiver::start(&["mail", &mail_at.port().to_string(), &mails.to_string_lossy()]);
    let _sms = Receiver::hook(sms_at, &texts, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &[]);

    let bound = json(place.admin("account protect acme --json"));
    let hints: Vec<_> =
        bound["sent"].as_array().unwrap().iter().map(|one| one["to"].as_str().unwrap()).collect();
    assert_eq!(hints, ["a***@example.org", "***001"]);
    place.admin("account protect acme on").fails().says("needs a code").done();
    place.admin("account send-code acme --by email").succeeds().says("a***@example.org").done();
    place.admin("account send-code acme --by email").fails().says("not sent so often").done();
    let mail = came(&mails, 1).remove(0);
    assert_eq!(mail["to"][0], "ann@example.org");
    let code = code_in(&mail["body"]);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    place.admin(&format!("account protect acme on --code {wrong}")).fails().says("wrong").done();
    place.admin(&format!("account protect acme on --code {code}")).succeeds().says("is on").done();
    place.admin(&format!("account protect acme off --code {code}")).fails().done();
    // Whoever could say where codes go would need none.
    place.admin("account contact acme --email eve@example.org").fails().says("--code").done();

    place.admin("account create beta").succeeds().done();
    let seed = json(place.admin("account mfa create beta --json"))["secret"].as_str().unwrap().to_owned();
    let codes = tests::authenticator(&seed);
    place.admin(&format!("account mfa bind beta {} {}", codes[0], codes[1])).succeeds().done();
    place.admin("account send-code beta --by sms").fails().says("no code can be sent").done();
    place.admin("account contact beta --phone +4915100000002").succeeds().done();
    place.admin("account protect beta on").succeeds().done();
    place.admin("account send-code beta --by sms").succeeds().says("***002").done();
    let text = came(&texts, 1).remove(0);
    assert_eq!(
        (&text["path"], &text["good"], &text["body"]["to"]),
        (&"/sms".into(), &true.into(), &"+4915100000002".into())
    );
    let sent = code_in(&text["body"]["text"]);
    place.admin(&format!("account protect beta off --code {sent}")).succeeds().says("is off").done();

    for code in [&code, &sent] {
        let shown =
            place.log() + &place.admin("topic messages --project acme/local-1 --json").succeeds().out();
        assert!(!shown.contains(code.as_str()), "the code is shown");
    }
}
