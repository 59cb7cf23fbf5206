//! Bad input at the REST interface: the vendor's code, the right status, JSON, nothing changed, and the next request served.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::thread::{self, sleep};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tests::{Daemon, Place, Reply, Rest, free_address};

/// How long requests may take to arrive.
const RECEIVE: Duration = Duration::from_secs(2);

const CREATE: &str = "/v1.0/{project_id}/kms/create-key";

/// A place whose daemon offers the services, with more of the configuration.
fn place(more: &str) -> (Place, SocketAddr) {
    let address = free_address();
    let seconds = RECEIVE.as_secs();
    let rest = format!("[rest]\nlisten = \"{address}\"\nreceive_seconds = {seconds}\n");
    (Place::new(&(rest + more)), address)
}

/// One who uses the services of a daemon, a key of theirs, and what the daemon holds.
struct Bench<'a> {
    place: &'a Place,
    rest: Rest,
    key: String,
    kept: String,
}

impl<'a> Bench<'a> {
    /// Makes them on a daemon that runs.
    fn new(place: &'a Place, address: SocketAddr, _daemon: &Daemon<'_>) -> Self {
        let rest = Rest::new_account(place, address, "bench");
        let made = rest.kms("create-key", &json!({ "key_alias": "bench" })).done();
        let key = made["key_info"]["key_id"].as_str().expect("an id").to_owned();
        let mut bench = Self { place, rest, key, kept: String::new() };
        bench.kept = bench.objects();
        bench
    }

    /// How many objects there are in all partitions.
    fn objects(&self) -> String {
        let list = self.place.admin("partition list --json").succeeds().out();
        let list: Value = serde_json::from_str(&list).expect("JSON");
        list.to_string()
    }

    /// Sees that an answer is this refusal, in JSON and with the id of the request, that nothing was changed, and that the
    /// next request is served.
    #[track_caller]
    fn refused(&self, what: &str, reply: &Reply, status: u16, code: &str) {
        let text = String::from_utf8_lossy(&reply.body);
        assert_eq!((reply.status, &*reply.code()), (status, code), "{what}: {text}");
        assert_eq!(reply.header("content-type"), Some("application/json"), "{what}");
        assert_eq!(reply.header("x-request-id").map(str::len), Some(32), "{what}");
        self.serves(what);
    }

    /// Sees that nothing was changed, and that a request is served.
    #[track_caller]
    fn serves(&self, what: &str) {
        let shown = self.rest.kms("describe-key", &json!({ "key_id": self.key }));
        assert_eq!(shown.status, 200, "after {what}: {}", String::from_utf8_lossy(&shown.body));
        assert_eq!(shown.json()["key_info"]["key_state"], "2", "after {what}");
        assert_eq!(self.objects(), self.kept, "after {what}");
    }

    fn post(&self, target: &str, body: &[u8]) -> Reply {
        self.rest.send(&self.rest.signed("POST", target, body)).expect("an answer")
    }
}

#[test]
fn a_wrong_body_is_refused_with_the_vendors_code_and_changes_nothing() {
    let (place, address) = place("");
    let daemon = place.start();
    let bench = Bench::new(&place, address, &daemon);
    let text = |body: &str| body.as_bytes().to_vec();
    let create = |field: &str, value: Value| {
        let mut body = json!({ "key_alias": "a" });
        body[field] = value;
        body.to_string().into_bytes()
    };
    let named = |name: &str| create("key_alias", json!(name));
    let nested =
        |depth: usize| format!("{{\"tags\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
    for (body, code) in [
        // No JSON.
        (text("{"), "KMS.0202"),
        (text("{\"key_alias\":\"a\"} {}"), "KMS.0202"),
        (text("{'key_alias':'a'}"), "KMS.0202"),
        (text("{\"key_alias\":\"a\",}"), "KMS.0202"),
        (text("\u{feff}{\"key_alias\":\"a\"}"), "KMS.0202"),
        (text("{\"key_alias\":\"\\ud800\"}"), "KMS.0202"),
        (text("{\"key_alias\":\"a\nb\"}"), "KMS.0202"),
        (b"{\"key_alias\":\"\xff\xfe\"}".to_vec(), "KMS.0202"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec(), "KMS.0202"),
        (vec![0; 100], "KMS.0202"),
        (text("{\"key_alias\":1e999}"), "KMS.0202"),
        (nested(200), "KMS.0202"),
        (nested(400_000), "KMS.0202"),
        (text("{\"a\":").repeat(150_000), "KMS.0202"),
        // JSON, and no object.
        (text("[]"), "KMS.0202"),
        (text("null"), "KMS.0202"),
        (text("\"key_alias\""), "KMS.0202"),
        // Fields that are missing, unknown, or of another type.
        (text(""), "KMS.0204"),
        (text("{}"), "KMS.0204"),
        (text("{\"key_alias\":null}"), "KMS.0204"),
        (create("key_alias", json!(1)), "KMS.0308"),
        (create("key_alias", json!(["a"])), "KMS.0308"),
        (create("key_alias", json!({ "a": "b" })), "KMS.0308"),
        (create("key_spec", json!(true)), "KMS.0308"),
        (create("tags", json!("a")), "KMS.0308"),
        (create("tags", json!([1])), "KMS.0308"),
        (create("key_allias", json!("a")), "KMS.0308"),
        (create("__proto__", json!({})), "KMS.0308"),
        (create("project_id", json!("0123456789abcdef0123456789abcdef")), "KMS.0308"),
        (create("sequence", json!("a")), "KMS.0206"),
        (create("sequence", json!(1)), "KMS.0206"),
        // Values that are too long, or what they may not be.
        (named(""), "KMS.1101"),
        (named(&"a".repeat(256)), "KMS.1101"),
        (named(&"a".repeat(1 << 19)), "KMS.1101"),
        (named("a/default"), "KMS.1101"),
        (create("key_description", json!("ä".repeat(256))), "KMS.1103"),
        (create("key_spec", json!("AES_256\0")), "KMS.1110"),
        // Names that look like others: full width, Cyrillic, combining, invisible, turned around, a null, a tag.
        (named("ａ"), "KMS.1101"),
        (named("аdmin"), "KMS.1101"),
        (named("e\u{301}"), "KMS.1101"),
        (named("a\u{200b}"), "KMS.1101"),
        (named("a\u{202e}b"), "KMS.1101"),
        (named("a\0"), "KMS.1101"),
        (named("a\u{e0061}"), "KMS.1101"),
        (named("a\r\nX-Request-Id: 1"), "KMS.1101"),
        (named("😀"), "KMS.1101"),
        (text("{\"key_alias\":\"good\",\"key_alias\":\"not good\"}"), "KMS.1101"),
    ] {
        let what = format!("{:?}", String::from_utf8_lossy(&body[..body.len().min(80)]));
        bench.refused(&what, &bench.post(CREATE, &body), 400, code);
    }
    let key = &bench.key;
    for (operation, body, status, code) in [
        // What could be an alias is none that there is.
        ("describe-key", json!({ "key_id": "a" }), 404, "KMS.0207"),
        ("describe-key", json!({ "key_id": format!("{key}0") }), 404, "KMS.0207"),
        ("describe-key", json!({ "key_id": "a b" }), 400, "KMS.0205"),
        ("describe-key", json!({ "key_id": format!("{key}\0") }), 400, "KMS.0205"),
        ("describe-key", json!({ "key_id": "00000000-0000-0000-0000-000000000000" }), 404, "KMS.0207"),
        (
            "sign",
            json!({ "key_id": key, "message": "?", "signing_algorithm": "ECDSA_SHA_256" }),
            400,
            "KMS.0308",
        ),
        (
            "sign",
            json!({ "key_id": key, "message": "YQ", "signing_algorithm": "ECDSA_SHA_256" }),
            400,
            "KMS.0308",
        ),
        (
            "sign",
            json!({ "key_id": key, "message": "Y Q==", "signing_algorithm": "ECDSA_SHA_256" }),
            400,
            "KMS.0308",
        ),
        ("encrypt-data", json!({ "key_id": key, "plain_text": "a".repeat(4097) }), 400, "KMS.2101"),
        ("encrypt-data", json!({ "key_id": key, "plain_text": "😀".repeat(1025) }), 400, "KMS.2101"),
        ("decrypt-data", json!({ "cipher_text": "" }), 400, "KMS.2201"),
        ("decrypt-data", json!({ "cipher_text": "?" }), 400, "KMS.0308"),
        ("decrypt-data", json!({ "cipher_text": "AAAA".repeat(1 << 17) }), 400, "KMS.2201"),
        ("gen-random", json!({ "random_data_length": "-8" }), 400, "KMS.0308"),
        ("gen-random", json!({ "random_data_length": 8.5 }), 400, "KMS.0308"),
        ("gen-random", json!({ "random_data_length": "18446744073709551616" }), 400, "KMS.0308"),
        ("gen-random", json!({ "random_data_length": "٨" }), 400, "KMS.0308"),
    ] {
        let what = format!("{operation} {:.80}", body.to_string());
        bench.refused(&what, &bench.rest.kms(operation, &body), status, code);
    }
}

#[test]
fn a_path_leads_to_what_was_meant_or_nowhere() {
    let (place, address) = place("");
    let daemon = place.start();
    let bench = Bench::new(&place, address, &daemon);
    let project = &bench.rest.project;
    let body = json!({ "key_id": bench.key }).to_string();
    let signed = |method: &str, path: &str| bench.rest.signed(method, path, body.as_bytes());
    for (method, path, status, code) in [
        ("POST", format!("/v1.0/{project}/kms/nothing"), 404, "APIGW.0101"),
        ("POST", "/v1.0".to_owned(), 405, "APIGW.0101"),
        ("POST", format!("/v1.0/{project}/kms/disable-key/more"), 404, "APIGW.0101"),
        ("POST", format!("/v1.0/{project}/kms//disable-key"), 404, "APIGW.0101"),
        ("POST", format!("//v1.0/{project}/kms/disable-key"), 404, "APIGW.0101"),
        ("POST", format!("/v1.0/{project}/x/../kms/disable-key"), 404, "APIGW.0101"),
        ("POST", format!("/v1.0/x/../{project}/kms/disable-key"), 404, "APIGW.0101"),
        ("POST", format!("/v1.0/{project}/%2e%2e/kms/disable-key"), 404, "APIGW.0101"),
        ("POST", format!("/v1.0/{project}/./kms/disable-key"), 404, "APIGW.0101"),
        ("POST", format!("/v1.0/{project}%2Fkms%2Fdisable-key"), 404, "APIGW.0101"),
        ("POST", format!("/v1.0/{project}/kms%2Fdisable-key"), 404, "APIGW.0101"),
        ("POST", format!("/v1.0/{project}/kms/Disable-Key"), 404, "APIGW.0101"),
        ("POST", format!("/V1.0/{project}/kms/disable-key"), 404, "APIGW.0101"),
        ("POST", format!("/v1.0/{project}/kms/disable-key%00"), 404, "APIGW.0101"),
        ("POST", "/v1.0/%ff/kms/disable-key".to_owned(), 404, "APIGW.0101"),
        ("GET", format!("/v1.0/{project}/kms/disable-key"), 405, "APIGW.0101"),
        ("DELETE", format!("/v1.0/{project}/kms/disable-key"), 405, "APIGW.0101"),
        ("OPTIONS", format!("/v1.0/{project}/kms/disable-key"), 405, "APIGW.0101"),
        // The project: as an SDK that was given none writes it, of nobody, of more than one part, and no id at all.
        ("POST", "/v1.0/%7Bproject_id%7D/kms/disable-key".to_owned(), 403, "KMS.0321"),
        ("POST", "/v1.0/0123456789abcdef0123456789abcdef/kms/disable-key".to_owned(), 403, "KMS.0321"),
        ("POST", format!("/v1.0/x%2F{project}/kms/disable-key"), 403, "KMS.0321"),
        ("POST", "/v1.0/%2e%2e/kms/disable-key".to_owned(), 403, "KMS.0321"),
        ("POST", format!("/v1.0/{project}%20/kms/disable-key"), 403, "KMS.0321"),
        ("POST", format!("/v1.0/{project}/kms/disable-key?project_id=x"), 400, "KMS.0308"),
        ("POST", format!("/v1.0/{project}/kms/disable-key?key%69d=x"), 400, "KMS.0308"),
        ("POST", format!("/v1.0/{project}/kms/disable-key?key_id=%ff"), 400, "KMS.0308"),
        ("POST", format!("/v1.0/{project}/kms/disable-key?key_id=+"), 400, "KMS.0205"),
    ] {
        let reply = bench.rest.send(&signed(method, &path)).expect("an answer");
        bench.refused(&format!("{method} {path}"), &reply, status, code);
    }
    // The braces themselves cannot be in a target, but may be sent all the same.
    let bytes = String::from_utf8(signed("POST", "/v1.0/%7Bproject_id%7D/kms/disable-key")).expect("text");
    let reply =
        bench.rest.send(bytes.replace("%7Bproject_id%7D", "{project_id}").as_bytes()).expect("an answer");
    bench.refused("{project_id}", &reply, 403, "KMS.0321");
}

#[test]
fn who_does_not_prove_who_they_are_is_told_so_and_nothing_more() {
    let (place, address) = place("");
    let daemon = place.start();
    let bench = Bench::new(&place, address, &daemon);
    let rest = &bench.rest;
    let body = json!({ "key_id": bench.key }).to_string();
    let path = format!("/v1.0/{}/kms/disable-key", rest.project);
    let at = |time| rest.signed_with("POST", &path, &[], body.as_bytes(), time);
    let now = SystemTime::now();
    let good = String::from_utf8(at(now)).expect("text");
    let line = |name: &str| {
        let line = good.lines().find(|line| line.starts_with(name)).expect("a header");
        format!("{line}\r\n")
    };
    let without = |name: &str| good.replace(&line(name), "");
    let also = |header: &str| good.replacen("\r\n", &format!("\r\n{header}\r\n"), 1);
    let unsigned = without("authorization");
    let token = |token: &str| unsigned.replacen("\r\n", &format!("\r\nx-auth-token: {token}\r\n"), 1);
    let (mut other, mut forged) = (rest.clone(), rest.clone());
    other.access_key = "A".repeat(20);
    forged.secret = "s".repeat(40);
    let long = "t".repeat(30_000);
    let bytes = |text: String| text.into_bytes();
    for (what, sent, code) in [
        ("no signature", bytes(unsigned.clone()), "APIGW.0301"),
        ("another host", bytes(good.replacen("127.0.0.1", "127.0.0.2", 1)), "APIGW.0301"),
        ("another body", bytes(good.replacen("key_id", "key_ie", 1)), "APIGW.0301"),
        ("another path", bytes(good.replacen("disable-key", "enable-key", 1)), "APIGW.0301"),
        ("another method", bytes(good.replacen("POST", "PUT", 1)), "APIGW.0101"),
        ("16 minutes late", at(now - Duration::from_secs(960)), "APIGW.0303"),
        ("16 minutes early", at(now + Duration::from_secs(960)), "APIGW.0303"),
        ("1970", at(SystemTime::UNIX_EPOCH), "APIGW.0303"),
        ("no date", bytes(without("x-sdk-date")), "APIGW.0301"),
        ("a wrong secret", forged.signed("POST", &path, body.as_bytes()), "APIGW.0301"),
        ("an unknown access key", other.signed("POST", &path, body.as_bytes()), "APIGW.0301"),
        ("two signatures", bytes(also(line("authorization").trim())), "APIGW.0301"),
        ("two dates", bytes(also(line("x-sdk-date").trim())), "APIGW.0301"),
        (
            "an empty signature",
            bytes(also("authorization:").replace(&line("authorization"), "")),
            "APIGW.0301",
        ),
        (
            "a basic one",
            bytes(unsigned.replacen("\r\n", "\r\nauthorization: Basic YTpi\r\n", 1)),
            "APIGW.0301",
        ),
        (
            "no text",
            [b"POST ", path.as_bytes(), b" HTTP/1.1\r\nhost: a\r\nauthorization: \xff\xfe\r\n\r\n"].concat(),
            "APIGW.0301",
        ),
        ("an empty token", bytes(token("")), "APIGW.0301"),
        ("a token of nobody", bytes(token("gAAAAABk")), "APIGW.0301"),
        ("a long token", bytes(token(&long)), "APIGW.0301"),
        ("two tokens", bytes(token("a\r\nx-auth-token: b")), "APIGW.0301"),
        (
            "a signed security token",
            rest.signed_with("POST", &path, &[("x-security-token", "x")], body.as_bytes(), now),
            "APIGW.0301",
        ),
    ] {
        let reply = rest.send(&sent).unwrap_or_else(|error| panic!("{what}: {error}"));
        let status = if code == "APIGW.0101" { 405 } else { 401 };
        bench.refused(what, &reply, status, code);
    }
    let refusal = |rest: &Rest| {
        let reply = rest.send(&rest.signed("POST", &path, body.as_bytes())).expect("an answer");
        let json = reply.json();
        (reply.status, json["error_code"].clone(), json["error_msg"].clone())
    };
    assert_eq!(
        refusal(&other),
        refusal(&forged),
        "who has no access key and who has a wrong secret look alike"
    );
    let log = place.log();
    assert!(!log.contains(&rest.secret) && !log.contains("gAAAAABk"), "a credential is in the log");
}

/// Sends bytes and waits for the daemon to answer or to close the connection, which it must do soon.
fn end_of(rest: &Rest, bytes: &[u8]) -> (io::Result<Reply>, Duration) {
    let began = Instant::now();
    let mut connection = rest.connect().expect("a connection");
    connection.write(bytes).expect("bytes can be sent");
    let reply = connection.read();
    (reply, began.elapsed())
}

#[test]
fn broken_and_slow_requests_end_and_keep_nobody_else_waiting() {
    let (place, address) = place("requests = 4\n");
    let daemon = place.start();
    let bench = Bench::new(&place, address, &daemon);
    let rest = &bench.rest;
    let body = json!({ "key_id": bench.key }).to_string();
    let good = rest.signed("POST", "/v1.0/{project_id}/kms/disable-key", body.as_bytes());
    let text = String::from_utf8(good.clone()).expect("text");
    let length = format!("content-length: {}", body.len());
    let with = |header: &str| text.replacen(&length, header, 1).into_bytes();

    // No HTTP at all, and HTTP that contradicts itself: refused or closed at once, and never acted upon.
    for bytes in [
        b"\r\n\r\n\0\0\0\0\r\n\r\n".to_vec(),
        b"POST\r\n\r\n".to_vec(),
        b"POST / HTTP/9.9\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        with("content-length: -1"),
        with("content-length: 99999999999999999999"),
        with("content-length: 1\r\ncontent-length: 2"),
        with(&format!("{length}\r\ntransfer-encoding: gzip")),
        with("transfer-encoding: chunked"),
        with(&format!("content-length: {}", body.len() - 1)),
        with("content-length: 0"),
        text.replacen("host: ", "host : ", 1).into_bytes(),
        text.replacen("\r\n", &format!("\r\n{}", "x: y\r\n".repeat(1000)), 1).into_bytes(),
        text.replacen("\r\n", &format!("\r\nx: {}\r\n", "y".repeat(1 << 20)), 1).into_bytes(),
        text.replacen("/v1.0", &format!("/{}", "y".repeat(1 << 20)), 1).into_bytes(),
    ] {
        let what = format!("{:.200}", String::from_utf8_lossy(&bytes));
        let mut connection = rest.connect().expect("a connection");
        // The daemon may close it before all is sent.
        let reply = connection.write(&bytes).and_then(|()| connection.read());
        if let Ok(reply) = reply {
            assert!((400..500).contains(&reply.status), "{what}: {reply:?}");
        }
        bench.serves(&what);
    }

    // Halves: the rest never comes.
    let late = RECEIVE + Duration::from_secs(8);
    let head = good.len() - body.len();
    for part in [1, 20, head - 2, head, good.len() - 1] {
        let (reply, took) = end_of(rest, &good[..part]);
        assert!(took >= RECEIVE && took < late, "half a request of {part} bytes ended after {took:?}");
        match reply {
            Ok(reply) => bench.refused("half a request", &reply, 408, "APIGW.0201"),
            // There is nobody to answer as long as there is no head.
            Err(_) => assert!(part < head, "no answer to {part} bytes"),
        }
        bench.serves("half a request");
    }

    // More slow senders than requests may be in work; and others are served meanwhile, and soon.
    let mut slow: Vec<_> = (0..16).map(|_| rest.connect().expect("a connection")).collect();
    for connection in &mut slow {
        connection.write(&good[..good.len() - 1]).expect("bytes can be sent");
    }
    sleep(Duration::from_millis(200));
    for _ in 0..8 {
        bench.serves("slow senders");
    }
    for connection in &mut slow {
        let reply = connection.read().expect("an answer");
        assert_eq!((reply.status, &*reply.code()), (408, "APIGW.0201"));
    }
    // A byte at a time is no way to stay.
    let began = Instant::now();
    let mut drop_by_drop = rest.connect().expect("a connection");
    let sent = good.iter().take_while(|byte| {
        sleep(Duration::from_millis(100));
        drop_by_drop.write(&[**byte]).is_ok() && began.elapsed() < late
    });
    sent.count();
    assert!(began.elapsed() < late, "a byte at a time kept the connection for {:?}", began.elapsed());
    bench.serves("a byte at a time");
}

#[test]
fn a_body_of_13_mb_is_refused_and_one_of_900_kb_is_read() {
    let (place, address) = place("");
    let daemon = place.start();
    let bench = Bench::new(&place, address, &daemon);
    let rest = &bench.rest;
    let long = |bytes: usize| json!({ "key_alias": "a".repeat(bytes) }).to_string().into_bytes();
    bench.refused("900 KB", &bench.post(CREATE, &long(900_000)), 400, "KMS.1101");
    bench.refused("13 MB", &bench.post(CREATE, &long(13 << 20)), 413, "APIGW.0201");
    // Who asks first need not send it.
    let bytes = rest.signed("POST", CREATE, &long(13 << 20));
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n").expect("a head");
    let asks = [&bytes[..head], b"\r\nexpect: 100-continue\r\n\r\n"].concat();
    bench.refused("13 MB asked for", &rest.send(&asks).expect("an answer"), 413, "APIGW.0201");
    // And who does not say how much it will be is stopped as well.
    let chunk = [b"100000\r\n".to_vec(), vec![b' '; 1 << 20], b"\r\n".to_vec()].concat();
    let head = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let lines = head.lines().filter(|line| !line.starts_with("content-length"));
    let head: String = lines.map(|line| format!("{line}\r\n")).collect();
    let chunked = [
        format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes(),
        chunk.repeat(13),
        b"0\r\n\r\n".to_vec(),
    ];
    bench.refused("13 MB in chunks", &rest.send(&chunked.concat()).expect("an answer"), 413, "APIGW.0201");
    // Many at once.
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| bench.refused("13 MB", &bench.post(CREATE, &long(13 << 20)), 413, "APIGW.0201"));
        }
    });
}

#[test]
fn a_sealed_daemon_answers_503_and_serves_once_it_is_open() {
    let (place, address) = place("[root_key]\npassphrase = true\n");
    let passphrase = place.path("passphrase");
    fs::write(&passphrase, "correct horse battery staple\n").expect("a file");
    let unseal = format!("unseal --passphrase-file {}", passphrase.display());
    let daemon = place.start();
    place.admin(&unseal).succeeds().done();
    let rest = Bench::new(&place, address, &daemon).rest;
    daemon.kill();

    let daemon = place.start();
    let reply = rest.kms("gen-random", &json!({ "random_data_length": "8" }));
    assert_eq!((reply.status, &*reply.code()), (503, "APIGW.0202"), "{}", reply.json());
    let reply = rest.send(b"POST /v1.0/x/kms/gen-random HTTP/1.1\r\nhost: a\r\n\r\n").expect("an answer");
    assert_eq!((reply.status, &*reply.code()), (503, "APIGW.0202"), "who asks is not looked at");
    place.admin(&unseal).succeeds().done();
    rest.kms("gen-random", &json!({ "random_data_length": "8" })).done();
    drop(daemon);
}
