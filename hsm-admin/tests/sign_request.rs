//! `sign-request`: what the official SDK signs, from the command line, and what curl makes of it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::SystemTime;

use crypto::Secret;
use serde_json::Value;
use signing::huawei::{Authorization, Error, Payload, Request, verify};
use tempfile::TempDir;

fn run(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hsm-admin"));
    // No daemon is asked: there is none.
    command.env("CLAVIGER_ADMIN_SOCKET", "/nowhere/admin.sock").stdin(Stdio::null()).args(words);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn every_request_of_the_official_sdk_is_signed_the_same_from_the_command_line() {
    let all: Value = serde_json::from_str(include_str!("../../signing/tests/data/huawei.json")).unwrap();
    let dir = TempDir::new().unwrap();
    let (key, body) = (dir.path().join("sk"), dir.path().join("body"));
    let (key_file, body_file) = (key.to_str().unwrap(), body.to_str().unwrap());
    fs::write(&key, all["secret_key"].as_str().unwrap()).unwrap();
    let field = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut seen = 0;
    for vector in all["vectors"].as_array().unwrap() {
        let url = format!("http://{}{}", field(&all, "host"), field(vector, "request_target"));
        let (ak, date, method) =
            (field(&all, "access_key"), field(&all, "x_sdk_date"), field(vector, "method"));
        let mut words = vec!["sign-request", "--ak", &ak, "--sk-file", key_file, "--date", &date];
        let authorization = field(vector, "authorization");
        let algorithm = authorization.split(' ').next().unwrap().to_lowercase();
        words.extend(["--algorithm", &algorithm]);
        if algorithm.starts_with("v11") {
            words.extend(["--region", "local-1", "--service", "csms"]);
        }
        let token = dir.path().join("token");
        let mut headers = Vec::new();
        for (name, value) in vector["headers"].as_object().unwrap() {
            match name.as_str() {
                "Host" | "X-Sdk-Date" => {}
                "X-Security-Token" => {
                    fs::write(&token, value.as_str().unwrap()).unwrap();
                    words.extend(["--security-token-file", token.to_str().unwrap()]);
                }
                // Not a name that the command takes; it is not signed either.
                "my_header" => {}
                name => headers.push(format!("{name}: {}", value.as_str().unwrap())),
            }
        }
        words.extend(headers.iter().flat_map(|header| ["--header", header.as_str()]));
        if let Some(content) = vector["body"].as_str() {
            fs::write(&body, content).unwrap();
            words.extend(["--body", body_file]);
        }
        words.extend(["--format", "headers", &method, &url]);
        let out = run(&words);
        assert_eq!(out.status.code(), Some(0), "{words:?}: {}", text(&out.stderr));
        let line = format!("Authorization: {authorization}");
        assert!(text(&out.stdout).lines().any(|other| other == line), "{words:?}:\n{}", text(&out.stdout));

        words.push("--json");
        let json: Value = serde_json::from_slice(&run(&words).stdout).unwrap();
        assert_eq!(json["canonical_request"], vector["canonical_request"], "{words:?}");
        assert_eq!(json["string_to_sign"], vector["string_to_sign"], "{words:?}");
        assert_eq!(json["url"], url, "what the SDK sends is sent as it is");
        seen += 1;
    }
    assert_eq!(seen, 14);
}

#[test]
fn what_cannot_be_signed_is_wrong_usage_and_the_secret_key_is_never_printed() {
    let dir = TempDir::new().unwrap();
    let key = dir.path().join("sk");
    fs::write(&key, "SKsecret0123456789\n").unwrap();
    let key = key.to_str().unwrap();
    let signed = |more: &[&str]| run(&[&["sign-request", "--ak", "AK", "--sk-file", key], more].concat());
    for (more, says) in [
        (&["GET", "hsm:8443/v1"][..], "a URL begins with https:// or http://"),
        (&["G T", "https://hsm/"], "a method is a word such as GET"),
        (&["GET", "https://hsm/", "--header", "Host: other"], "--header: host comes from other options"),
        (&["GET", "https://hsm/", "--header", "X-A: 1", "--header", "x-a: 2"], "x-a occurs more than once"),
        (&["GET", "https://hsm/", "--date", "today"], "is not a time as 20260601T120000Z"),
        (&["GET", "https://hsm/", "--algorithm", "v11-hmac-sha256"], "--region"),
        (
            &["GET", "https://hsm/", "--algorithm", "v11-hmac-sha256", "--region", "a/b", "--service", "kms"],
            "words of letters",
        ),
        (
            &["POST", "https://hsm/", "--header", "X-Sdk-Content-Sha256: UNSIGNED-PAYLOAD"],
            "the body must be signed",
        ),
    ] {
        let out = signed(more);
        assert_eq!(out.status.code(), Some(2), "{more:?}");
        assert!(text(&out.stderr).contains(says), "{more:?}: {}", text(&out.stderr));
    }
    let out = run(&["sign-request", "--ak", "A K", "--sk-file", key, "GET", "https://hsm/"]);
    assert!(text(&out.stderr).contains("the access key is empty, too long, or no word"));
    let out = run(&["sign-request", "--ak", "AK", "GET", "https://hsm/"]);
    assert!(text(&out.stderr).contains("no terminal to ask for the secret key: give --sk-file or --sk-fd"));
    for format in ["curl", "headers", "canonical"] {
        let out = signed(&["--format", format, "GET", "https://hsm/"]);
        assert_eq!(out.status.code(), Some(0));
        assert!(!out.stdout.is_empty() && !text(&out.stdout).contains("SKsecret"), "{format}");
    }
}

/// A request as it arrives.
#[derive(Debug)]
struct Arrived {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Arrived {
    /// Takes one request and answers it.
    fn at(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let mut headers = Vec::new();
        loop {
            let mut line = Vec::new();
            reader.read_until(b'\n', &mut line).unwrap();
            let line = line.trim_ascii();
            let Some(colon) = line.iter().position(|&byte| byte == b':') else { break };
            let name = String::from_utf8(line[..colon].to_vec()).unwrap();
            headers.push((name, line[colon + 1..].trim_ascii().to_vec()));
        }
        let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length.map_or(0, |(_, value)| text(value).parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        reader
            .get_mut()
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .unwrap();
        Self { method, target, headers, body }
    }

    fn checked(&self, secret: &Secret) -> Result<(), Error> {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let request = Request { method: &self.method, path, query, headers: &headers, body: &self.body };
        let authorization = Authorization::of(&request)?;
        verify(&request, &authorization, Payload::Signed, Some(secret), SystemTime::now())
    }
}

/// Whether there is no curl to try.
fn lacks_curl() -> bool {
    if Command::new("curl").arg("--version").output().is_err() {
        let required = std::env::var("CLAVIGER_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
        assert!(!required, "curl is not installed, and CLAVIGER_REQUIRE_CLIENTS=1 (scripts/install-clients)");
        println!("skipped: curl is not installed (scripts/install-clients does it)");
        return true;
    }
    false
}

/// What arrives when a shell reads a command for curl from its standard input, as behind a pipe.
fn sent(listener: &TcpListener, printed: &str) -> Arrived {
    let mut shell = Command::new("sh");
    shell.env("no_proxy", "*").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut shell = shell.spawn().unwrap();
    let line = printed.replacen("curl", "curl --max-time 30", 1);
    shell.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
    thread::scope(|scope| {
        let arrived = scope.spawn(|| Arrived::at(listener));
        let ended = shell.wait().unwrap();
        assert!(ended.success(), "{ended}: {printed}");
        arrived.join().unwrap()
    })
}

#[test]
fn curl_sends_a_body_that_came_from_standard_input() {
    if lacks_curl() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (key, body) = (dir.path().join("sk"), dir.path().join("body"));
    fs::write(&key, "secret").unwrap();
    let words = ["sign-request", "--ak", "AK", "--sk-file", key.to_str().unwrap(), "POST", &url];
    let signed = |content: &[u8], more: &[&str]| {
        fs::write(&body, content).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hsm-admin"));
        command.args([&words, more].concat()).stdin(fs::File::open(&body).unwrap()).output().unwrap()
    };
    let content = "@{\"key_alias\": \"it's $(x)\"}\n\n";
    for dash in ["-", "@-"] {
        let out = signed(content.as_bytes(), &["--body", dash]);
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        let printed = text(&out.stdout);
        let (_, line) = printed.split_once("| curl").expect("the shell hands curl the body");
        assert!(!line.contains("key_alias"), "everyone can see it: {line}");
        let sent = sent(&listener, printed);
        sent.checked(&Secret::new(b"secret".to_vec())).unwrap();
        assert_eq!(text(&sent.body), content);
    }
    for content in [&b"\xff"[..], b"\0", &[b'a'; 200 << 10]] {
        let out = signed(content, &["--body", "-"]);
        assert_eq!(out.status.code(), Some(2));
        assert!(text(&out.stderr).contains("must be in a file"), "{}", text(&out.stderr));
        let out = signed(content, &["--body", "-", "--format", "headers"]);
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    }
}

#[test]
fn curl_sends_what_was_signed() {
    if lacks_curl() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let secret = "it's a \"secret\" key";
    let (key, body) = (dir.path().join("sk"), dir.path().join("my body"));
    fs::write(&key, secret).unwrap();
    fs::write(&body, "{\"key_alias\": \"成本 $(x)\"}\n").unwrap();
    let body = body.to_str().unwrap();
    let with_at = format!("@{body}");
    for (method, target, more) in [
        ("GET", "", &[][..]),
        ("GET", "/v1/a/../b/./c", &[]),
        (
            "GET",
            "/v1/tags/a%2Fb/{x}[1-3]/ü?limit=50&name=b c&name=a+b&flag",
            &["--header", "User-Agent: me/1"],
        ),
        ("HEAD", "/v1/%7Ekey", &[]),
        ("DELETE", "/v1/aliases", &["--body", body]),
        (
            "POST",
            "/v1.0/kms/create-key",
            &["--body", &with_at, "--header", "X-Note: it's \"quoted\" $(x) `y`"],
        ),
        ("PUT", "/v1", &["--body", body, "--header", "X-Empty:", "--header", "X-Project-Id: 0123"]),
        ("GET", "/v1", &["--algorithm", "sdk-hmac-sm3"]),
        ("GET", "/v1", &["--algorithm", "v11-hmac-sha256", "--region", "local-1", "--service", "kms"]),
    ] {
        let url = format!("{origin}{target}");
        let words = ["sign-request", "--ak", "AK", "--sk-file", key.to_str().unwrap(), method, &url];
        let out = run(&[&words, more].concat());
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        let printed = text(&out.stdout);
        assert!(!printed.contains("secret"), "{printed}");
        let sent = sent(&listener, printed);
        let answer = sent.checked(&Secret::new(secret.into()));
        assert!(answer.is_ok(), "{answer:?}\n{printed}\n{sent:?}");
        assert_eq!(sent.method, method);
        assert_eq!(sent.body.is_empty(), !more.contains(&"--body"), "{printed}");
    }
}
