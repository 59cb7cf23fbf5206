//! OpenSSL with `libengine-pkcs11-openssl` as a client: requests, certificates and TLS, all with keys in the token.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::{Hsm, export_public, module_for_engine, needs, not_on_stand_in};

const CONFIG: &str = r"openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
dynamic_path = @ENGINE@
MODULE_PATH = @MODULE@
PIN = @PIN@
init = 0
";

/// What goes into requests and certificates; apart, as openssl would load the engine twice.
const REQUEST: &str = r"[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
[server]
subjectAltName = DNS:localhost
extendedKeyUsage = serverAuth
";

/// A token with OpenSSL set up to use it.
fn start() -> Hsm {
    let hsm = Hsm::start();
    let config = CONFIG
        .replace("@ENGINE@", &module_for_engine())
        .replace("@MODULE@", hsm.module())
        .replace("@PIN@", hsm.pin());
    hsm.write("openssl.cnf", config);
    hsm.write("req.cnf", REQUEST);
    hsm
}

/// Runs openssl with the engine; `@name` in a word stands for the URI of that key.
fn openssl(hsm: &Hsm, line: &str) -> tests::Run {
    tests::Run::of(&command(hsm, line))
}

fn command(hsm: &Hsm, line: &str) -> std::process::Command {
    let uri = |word: &str| match word.strip_prefix('@') {
        Some(name) => format!("pkcs11:token={};object={name};type=private", hsm.label()),
        None => word.to_owned(),
    };
    let mut command = hsm.command("openssl");
    command.args(line.split_whitespace().map(uri)).env("OPENSSL_CONF", hsm.path("openssl.cnf"));
    command
}

fn generate(hsm: &Hsm, kind: &str, id: &str, name: &str) {
    hsm.user(&format!("--keypairgen --key-type {kind} --id {id} --label {name} --usage-sign"))
        .succeeds()
        .done();
}

/// A CA key and a server key in the token, `ca.pem` and a `server.pem` signed by the CA.
fn certify(hsm: &Hsm, ca: &str, server: &str) {
    generate(hsm, ca, "ca", "authority");
    generate(hsm, server, "5e", "server");
    openssl(hsm, "req -new -x509 -sha256 -days 30 -subj /CN=Authority -extensions ca -engine pkcs11 -keyform engine -key @authority -config req.cnf -out ca.pem")
        .succeeds()
        .done();
    openssl(hsm, "req -new -sha256 -subj /CN=localhost -engine pkcs11 -keyform engine -key @server -config req.cnf -out server.csr")
        .succeeds()
        .done();
    openssl(hsm, "x509 -req -sha256 -days 7 -in server.csr -CA ca.pem -engine pkcs11 -CAkeyform engine -CAkey @authority -set_serial 2 -extfile req.cnf -extensions server -out server.pem")
        .succeeds()
        .done();
    hsm.line("openssl verify -x509_strict -CAfile ca.pem server.pem").succeeds().says("OK").done();
}

/// A TLS server that dies with the test.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(hsm: &Hsm, options: &str) -> Self {
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        let line = format!(
            "s_server -accept 127.0.0.1:{port} -cert server.pem -engine pkcs11 -keyform engine -key @server -www {options}"
        );
        let child = command(hsm, &line)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("openssl s_server");
        let mut server = Self { child, port };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begin.elapsed() > Duration::from_secs(20)
                || server.child.try_wait().is_ok_and(|end| end.is_some())
            {
                panic!("the server does not listen: {}", server.stop());
            }
            sleep(Duration::from_millis(20));
        }
        server
    }

    /// Ends the server; returns what it printed.
    fn stop(&mut self) -> String {
        let _ = self.child.kill();
        let mut text = String::new();
        if let Some(mut out) = self.child.stdout.take() {
            let _ = out.read_to_string(&mut text);
        }
        if let Some(mut err) = self.child.stderr.take() {
            let _ = err.read_to_string(&mut text);
        }
        let _ = self.child.wait();
        text
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Shakes hands as a client that trusts the CA only; `expected` must be in what the client reports.
fn shake(hsm: &Hsm, server: &mut Server, options: &str, expected: &[&str]) {
    let line = format!(
        "openssl s_client -connect 127.0.0.1:{} -servername localhost -verify_hostname localhost -CAfile ca.pem -verify_return_error {options}",
        server.port
    );
    let client = hsm.line(&line);
    if !client.succeeded() {
        panic!("{}\n-- the server: {}", client.story(), server.stop());
    }
    let text = client.text();
    for word in expected.iter().chain(&["Verification: OK"]) {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_request_signed_in_the_token_verifies() {
    needs!("pkcs11-tool", "openssl", &module_for_engine());
    let hsm = start();
    for (kind, id) in [("rsa:2048", "01"), ("EC:prime256v1", "02"), ("EC:secp384r1", "03")] {
        let name = format!("key{id}");
        generate(&hsm, kind, id, &name);
        openssl(&hsm, &format!("req -new -sha256 -subj /CN=request -engine pkcs11 -keyform engine -key @{name} -config req.cnf -out request.pem"))
            .succeeds()
            .done();
        hsm.line("openssl req -in request.pem -verify -noout").succeeds().says("verify OK").done();
        export_public(&hsm, id);
        hsm.line("openssl req -in request.pem -noout -pubkey -out named.pem").succeeds().done();
        assert_eq!(hsm.read("named.pem"), hsm.read("pub.pem"), "the request names the key of the token");
    }
}

#[test]
fn a_wrong_pin_signs_nothing() {
    needs!("pkcs11-tool", "openssl", &module_for_engine());
    let hsm = start();
    not_on_stand_in!(hsm, "it crashes when openssl ends");
    generate(&hsm, "EC:prime256v1", "01", "key");
    let config = String::from_utf8(hsm.read("openssl.cnf")).expect("UTF-8");
    hsm.write("openssl.cnf", config.replace(&format!("PIN = {}", hsm.pin()), "PIN = 0000000"));
    openssl(
        &hsm,
        "req -new -subj /CN=x -engine pkcs11 -keyform engine -key @key -config req.cnf -out never.pem",
    )
    .fails()
    .done();
    assert!(!hsm.path("never.pem").exists() || hsm.read("never.pem").is_empty());
}

#[test]
fn tls_1_2_with_an_rsa_key_signs_with_pkcs1_and_with_pss() {
    needs!("pkcs11-tool", "openssl", &module_for_engine());
    let hsm = start();
    certify(&hsm, "rsa:2048", "rsa:2048");
    let mut server = Server::start(&hsm, "-tls1_2");
    shake(
        &hsm,
        &mut server,
        "-tls1_2 -sigalgs RSA+SHA256 -cipher ECDHE-RSA-AES256-GCM-SHA384",
        &["TLSv1.2", "Peer signature type: RSA\n"],
    );
    shake(
        &hsm,
        &mut server,
        "-tls1_2 -sigalgs rsa_pss_rsae_sha256",
        &["TLSv1.2", "Peer signature type: RSA-PSS"],
    );
}

#[test]
fn mail_for_a_key_in_the_token_is_opened() {
    needs!("pkcs11-tool", "openssl", &module_for_engine());
    let hsm = start();
    hsm.user("--keypairgen --key-type rsa:2048 --id 01 --label mail --usage-sign --usage-decrypt")
        .succeeds()
        .done();
    openssl(&hsm, "req -new -x509 -sha256 -subj /CN=mail -engine pkcs11 -keyform engine -key @mail -config req.cnf -out mail.pem")
        .succeeds()
        .done();
    hsm.write("letter", "for your eyes only");
    hsm.line("openssl cms -encrypt -binary -aes256 -in letter -outform DER -out sealed mail.pem")
        .succeeds()
        .done();
    openssl(
        &hsm,
        "cms -decrypt -binary -inform DER -in sealed -engine pkcs11 -keyform engine -inkey @mail -out opened",
    )
    .succeeds()
    .done();
    assert_eq!(hsm.read("opened"), b"for your eyes only");
}

#[test]
fn tls_1_3_with_an_rsa_key_signs_with_pss() {
    needs!("pkcs11-tool", "openssl", &module_for_engine());
    let hsm = start();
    certify(&hsm, "rsa:3072", "rsa:2048");
    let mut server = Server::start(&hsm, "-tls1_3");
    for hash in ["256", "384", "512"] {
        let options = format!("-tls1_3 -sigalgs rsa_pss_rsae_sha{hash}");
        let digest = format!("Peer signing digest: SHA{hash}");
        shake(&hsm, &mut server, &options, &["TLSv1.3", &digest, "Peer signature type: RSA-PSS"]);
    }
}

#[test]
fn tls_with_a_p256_key_works_in_both_versions() {
    needs!("pkcs11-tool", "openssl", &module_for_engine());
    let hsm = start();
    certify(&hsm, "EC:prime256v1", "EC:prime256v1");
    let mut server = Server::start(&hsm, "");
    shake(&hsm, &mut server, "-tls1_2", &["TLSv1.2", "Peer signature type: ECDSA"]);
    shake(&hsm, &mut server, "-tls1_3", &["TLSv1.3", "Peer signature type: ECDSA"]);
}

#[test]
fn tls_1_3_with_a_p384_key_certified_by_an_rsa_key() {
    needs!("pkcs11-tool", "openssl", &module_for_engine());
    let hsm = start();
    certify(&hsm, "rsa:2048", "EC:secp384r1");
    let mut server = Server::start(&hsm, "-tls1_3");
    shake(
        &hsm,
        &mut server,
        "-tls1_3",
        &["TLSv1.3", "Peer signing digest: SHA384", "Peer signature type: ECDSA"],
    );
}

#[test]
fn one_server_process_shakes_hands_many_times() {
    needs!("pkcs11-tool", "openssl", &module_for_engine());
    let hsm = start();
    certify(&hsm, "EC:prime256v1", "EC:prime256v1");
    let mut server = Server::start(&hsm, "");
    for _ in 0..50 {
        shake(&hsm, &mut server, "", &["TLSv1.3"]);
    }
}
