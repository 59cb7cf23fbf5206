//! HTTPS with a key that stays in a token: curl and OpenSSL at the other end.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use tests::{PIN, Place, Run, free_address, needs};

/// What curl ends with if there is no TLS with the server.
const NO_TLS: i32 = 35;
/// What curl ends with if it does not trust the server's certificate.
const NO_TRUST: i32 = 60;

struct Https {
    place: Place,
    address: SocketAddr,
}

impl Https {
    /// A place whose HTTPS has the key `rest` of the partition `web`; `more` goes into the section.
    fn new(more: &str) -> Self {
        let address = free_address();
        let place = Place::new("");
        let [module, pin] = [place.program("libclaviger.so"), place.path("pin")];
        place.configure(&format!(
            "[rest]\nlisten = \"{address}\"\n{more}\n[rest.token]\nmodule = {module:?}\ntoken = \"web\"\n\
             key = \"rest\"\npin_file = {pin:?}\n"
        ));
        place.set("CLAVIGER_SOCKET", &place.path("hsmd.sock"));
        let https = Self { place, address };
        https.pin(PIN, 0o600);
        https
    }

    fn pin(&self, pin: &str, mode: u32) {
        let file = self.place.path("pin");
        fs::write(&file, format!("{pin}\n")).unwrap();
        fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
    }

    /// `hsm-admin` with the right PIN of the partition's user.
    fn admin(&self, line: &str) -> Run {
        let file = self.place.path("right");
        fs::write(&file, format!("{PIN}\n")).unwrap();
        self.place.admin(&format!("{line} --user-pin-file {}", file.display()))
    }

    fn generate(&self, kind: &str) {
        self.admin(&format!("key generate web --type {kind} --label rest")).succeeds().done();
    }

    fn authority(&self) -> std::path::PathBuf {
        self.place.path("rest/token/ca.pem")
    }

    fn curl(&self, authority: &Path) -> Run {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "20", "--cacert"]).arg(authority);
        Run::of(curl.arg(format!("https://localhost:{}/", self.address.port())))
    }

    /// A handshake of OpenSSL's, of a version and with the signatures that it offers.
    fn openssl(&self, authority: &Path, version: &str, signatures: &str) -> Run {
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-verify_return_error", "-verify_hostname", "localhost", "-CAfile"]);
        openssl
            .arg(authority)
            .args([version, "-sigalgs", signatures, "-connect"])
            .arg(self.address.to_string());
        Run::of(&openssl)
    }

    /// A handshake of somebody who trusts nobody.
    fn knock(&self) {
        let mut openssl = Command::new("openssl");
        openssl.args(["s_client", "-verify_return_error", "-connect"]).arg(self.address.to_string());
        Run::of(&openssl).fails().done();
    }

    fn line(&self, line: &str) -> Run {
        let mut words = line.split_whitespace();
        Run::of(Command::new(words.next().unwrap()).args(words).current_dir(self.place.path("")))
    }
}

#[test]
fn the_key_of_https_is_made_and_stays_in_a_partition() {
    needs!("curl", "openssl");
    let https = Https::new("");
    let daemon = https.place.start();
    // The partition may come later than the daemon.
    https.knock();
    https.place.logs(&["ERROR", "no TLS connection can be made", "there is no token of this label"]);
    daemon.partition("web", "standard");
    https.knock();
    https.place.logs(&["ERROR", "no TLS connection can be made", "there is no private key of this label"]);
    https.generate("ec:P-256");

    // A handshake makes the certificate, for the key in the partition.
    https.knock();
    let authority = https.authority();
    https.curl(&authority).succeeds().says("versions").done();
    let own = https.place.path("own.pem").display().to_string();
    https.place.admin(&format!("export public web rest --class public --out {own}")).succeeds().done();
    let shown = https.line("openssl x509 -in rest/token/certificate.pem -noout -pubkey").succeeds().out();
    assert_eq!(shown, fs::read_to_string(own).unwrap());
    let files = fs::read_dir(https.place.path("rest/token")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["ca.pem", "certificate.pem"]);
    assert!(!https.place.path("rest/key.pem").exists());

    // Many at once, more than there are sessions kept.
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| (0..4).for_each(|_| https.curl(&authority).succeeds().done()));
        }
    });

    // Nobody can shake hands while the HSM is sealed, and everybody again once it is open.
    https.place.admin("seal").succeeds().done();
    https.curl(&authority).fails_with(NO_TLS).done();
    https.place.admin("unseal").succeeds().done();
    https.curl(&authority).succeeds().done();
    daemon.kill();
    let daemon = https.place.start();
    https.curl(&authority).succeeds().done();

    // Another key of the same name has another certificate.
    let before = https.place.path("before.pem");
    fs::copy(&authority, &before).unwrap();
    for class in ["private", "public"] {
        https.admin(&format!("key destroy web rest --class {class} --yes")).succeeds().done();
    }
    https.generate("rsa:2048");
    https.curl(&before).fails().done();
    https.curl(&before).fails_with(NO_TRUST).done();
    https.curl(&authority).succeeds().done();
    https.openssl(&authority, "-tls1_2", "RSA+SHA384").succeeds().says("Verification: OK").done();
    drop(daemon);
}

#[test]
fn a_key_that_a_certificate_was_given_for_signs_as_its_type_does() {
    needs!("curl", "openssl");
    for (kind, signatures, versions) in [
        ("RSA -pkeyopt rsa_keygen_bits:2048", "RSA-PSS+SHA256", &["-tls1_2", "-tls1_3"][..]),
        ("RSA -pkeyopt rsa_keygen_bits:3072", "RSA+SHA512", &["-tls1_2"]),
        ("EC -pkeyopt ec_paramgen_curve:P-384", "ECDSA+SHA384", &["-tls1_2", "-tls1_3"]),
        ("EC -pkeyopt ec_paramgen_curve:P-521", "ECDSA+SHA512", &["-tls1_2", "-tls1_3"]),
        ("ED25519", "ed25519", &["-tls1_2", "-tls1_3"]),
    ] {
        let https = Https::new("");
        let certificate = https.place.path("certificate.pem");
        let config = fs::read_to_string(https.place.path("hsmd.toml")).unwrap();
        let rest = format!("[rest]\ncertificate = {certificate:?}\n");
        fs::write(https.place.path("hsmd.toml"), config.replace("[rest]\n", &rest)).unwrap();
        https.line(&format!("openssl genpkey -algorithm {kind} -out key.pem")).succeeds().done();
        let request =
            "openssl req -x509 -key key.pem -days 30 -subj /CN=web -addext subjectAltName=DNS:localhost";
        https.line(&format!("{request} -out certificate.pem")).succeeds().done();

        let daemon = https.place.start();
        daemon.partition("web", "standard");
        let key = https.place.path("key.pem");
        https.admin(&format!("import pem {} web --label rest", key.display())).succeeds().done();
        fs::remove_file(key).unwrap();
        for version in versions {
            https.openssl(&certificate, version, signatures).succeeds().says("Verification: OK").done();
        }
        assert!(!https.authority().exists());

        // A certificate that is for another key is for none.
        https.admin("key destroy web rest --class private --yes").succeeds().done();
        https.line(&format!("openssl genpkey -algorithm {kind} -out key.pem")).succeeds().done();
        let key = https.place.path("key.pem");
        https.admin(&format!("import pem {} web --label rest", key.display())).succeeds().done();
        https.openssl(&certificate, versions[0], signatures).fails().done();
        https.place.logs(&[
            "ERROR",
            "key \"rest\" of token \"web\"",
            "is not the one that the certificate is for",
        ]);
    }
}

#[test]
fn a_pin_that_was_refused_is_not_tried_until_it_is_locked() {
    needs!("curl");
    let https = Https::new("");
    let daemon = https.place.start();
    daemon.partition("web", "standard");
    https.generate("ec:P-256");

    https.pin(PIN, 0o644);
    https.knock();
    https.place.logs(&["ERROR", "PIN file", "its mode is 0644, expected 0600 or less"]);
    https.pin("00000000", 0o600);
    thread::scope(|scope| (0..15).for_each(|_| drop(scope.spawn(|| https.knock()))));
    https.knock();
    https.place.logs(&["ERROR", "its PIN was refused; it is tried again when the daemon is started anew"]);
    // One try of the user's was used up.
    https.admin("key generate web --type aes:256 --label other").succeeds().done();
    https.pin(PIN, 0o600);
    https.knock();
    assert!(!https.authority().exists());
    daemon.kill();
    let _daemon = https.place.start();
    https.knock();
    https.curl(&https.authority()).succeeds().done();
}

#[test]
fn one_module_holds_the_key_of_https_and_the_root_key_on_two_tokens() {
    const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";
    needs!("curl", "openssl", "softhsm2-util", "pkcs11-tool", SOFTHSM);
    let https = Https::new("");
    let config = https.place.path("softhsm2.conf");
    fs::create_dir(https.place.path("tokens")).unwrap();
    let tokens = https.place.path("tokens");
    fs::write(&config, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    https.place.set("SOFTHSM2_CONF", &config);
    let run = |line: &str| {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        command.args(words).env("SOFTHSM2_CONF", &config).current_dir(https.place.path(""));
        Run::of(&command).succeeds().done();
    };
    for (label, key) in [
        ("web", "--keypairgen --key-type rsa:2048 --label rest"),
        ("root", "--keygen --key-type AES:32 --label aes"),
    ] {
        run(&format!("softhsm2-util --init-token --free --label {label} --pin {PIN} --so-pin 87654321"));
        run(&format!("pkcs11-tool --module {SOFTHSM} --token-label {label} --login --pin {PIN} {key}"));
    }
    run(&format!(
        "pkcs11-tool --module {SOFTHSM} --token-label web --login --pin {PIN} --keygen --key-type AES:32 --label aes"
    ));
    // SoftHSM2 does not tell a public half with a private key: the certificate is one that is given.
    run(&format!(
        "pkcs11-tool --module {SOFTHSM} --token-label web --read-object --type pubkey --label rest -o web.der"
    ));
    run("openssl rsa -pubin -inform DER -in web.der -out web.pub");
    run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key");
    run("openssl req -x509 -key ca.key -days 30 -subj /CN=authority -out ca.pem");
    run("openssl req -new -key ca.key -subj /CN=web -addext subjectAltName=DNS:localhost -out web.csr");
    let sign = "openssl x509 -req -in web.csr -CA ca.pem -CAkey ca.key -days 30 -copy_extensions copy";
    run(&format!("{sign} -force_pubkey web.pub -out certificate.pem"));
    let written = fs::read_to_string(https.place.path("hsmd.toml")).unwrap();
    let ours = https.place.program("libclaviger.so");
    let written = written.replace(&format!("{ours:?}"), &format!("{SOFTHSM:?}"));
    let certificate = https.place.path("certificate.pem");
    let rest = format!("[rest]\ncertificate = {certificate:?}\n");
    fs::write(https.place.path("hsmd.toml"), written.replace("[rest]\n", &rest)).unwrap();

    let daemon = https.place.start();
    let authority = https.place.path("ca.pem");
    https.curl(&authority).succeeds().done();
    let secret = https.place.path("pin");
    let rekey =
        format!("rekey root --custody token --module {SOFTHSM} --key aes --secret-file {}", secret.display());
    // A PIN that is not asked for again shows nothing.
    https.place.admin(&format!("{rekey} --token web")).fails().says("on different tokens").done();
    https.place.admin(&format!("{rekey} --token root")).succeeds().done();
    https.curl(&authority).succeeds().done();
    for _ in 0..2 {
        https.place.admin("seal").succeeds().done();
        https.curl(&authority).succeeds().done();
        https.place.admin(&format!("unseal --passphrase-file {}", secret.display())).succeeds().done();
    }
    https.curl(&authority).succeeds().done();
    daemon.stop();
}
