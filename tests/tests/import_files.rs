//! Keys and certificates from files that openssl and ssh-keygen made, keys made and destroyed from the console, and
//! what leaves again.

use std::path::Path;

use serde_json::Value;
use tests::{Hsm, Run, needs};

fn start() -> Hsm {
    let hsm = Hsm::start();
    hsm.write("pin", format!("{}\n", hsm.pin()));
    hsm.write("passphrase", "open sesame\n");
    hsm.write("wrong", "closed sesame\n");
    hsm.write("data", "what is signed");
    hsm
}

fn admin(hsm: &Hsm, line: &str) -> Run {
    let mut command = hsm.command(Path::new(hsm.module()).with_file_name("hsm-admin"));
    command.args(line.split_whitespace());
    Run::of(&command)
}

fn import(hsm: &Hsm, kind: &str, line: &str) -> Run {
    admin(hsm, &format!("import {kind} {line} {} --user-pin-file pin", hsm.label()))
}

fn objects(hsm: &Hsm) -> Vec<Value> {
    let list = admin(hsm, &format!("object list {} --json", hsm.label())).succeeds();
    let rows: Value = serde_json::from_str(&list.out()).expect("a list");
    rows.as_array().expect("a list").clone()
}

/// What the key of this label signs here, openssl verifies with the public key of the file that it came from.
fn works(hsm: &Hsm, mechanism: &str, label: &str, verify: &str) {
    let format = if mechanism == "ECDSA-SHA256" { "--signature-format openssl" } else { "" };
    let named = |object: &&Value| object["label"] == label && object["class"] == "CKO_PRIVATE_KEY";
    let all = objects(hsm);
    let id = all.iter().find(named).and_then(|object| object["id"].as_str()).expect("a private key");
    hsm.user(&format!("--sign -m {mechanism} --id {id} -i data -o sig {format}")).succeeds().done();
    hsm.line(verify).succeeds().done();
}

#[test]
fn private_keys_in_every_form_that_openssl_writes_come_and_work() {
    needs!("openssl", "pkcs11-tool");
    let hsm = start();
    for line in [
        "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem",
        "openssl rsa -in rsa.pem -traditional -out pkcs1.pem",
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem",
        "openssl ecparam -name secp384r1 -genkey -out sec1.pem",
        "openssl genpkey -algorithm ED25519 -out ed.pem",
        "openssl genpkey -algorithm X25519 -out x.pem",
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -outform DER -out bare.der",
        "openssl pkcs8 -topk8 -in ec.pem -out locked.pem -passout file:passphrase",
        "openssl pkcs8 -topk8 -in ec.pem -out scrypt.pem -passout file:passphrase -scrypt",
        "openssl pkcs8 -topk8 -in ec.pem -out old.pem -passout file:passphrase -v2 des3 -v2prf hmacWithSHA1",
    ] {
        hsm.line(line).succeeds().done();
    }
    for (file, label) in [
        ("rsa.pem", "rsa"),
        ("pkcs1.pem", "pkcs1"),
        ("ec.pem", "ec"),
        ("sec1.pem", "sec1"),
        ("ed.pem", "ed"),
        ("x.pem", "x"),
        ("bare.der", "bare"),
        ("locked.pem", "locked"),
        ("scrypt.pem", "scrypt"),
        ("old.pem", "old"),
    ] {
        import(&hsm, "pem", &format!("{file} --label {label} --passphrase-file passphrase"))
            .succeeds()
            .says("imported")
            .done();
    }
    assert_eq!(objects(&hsm).len(), 20);
    let rsa = "openssl pkeyutl -verify -rawin -in data -sigfile sig -digest sha256 -inkey rsa.pem";
    works(&hsm, "SHA256-RSA-PKCS", "rsa", rsa);
    works(&hsm, "SHA256-RSA-PKCS", "pkcs1", rsa);
    for label in ["ec", "locked", "scrypt", "old"] {
        let verify = "openssl pkeyutl -verify -rawin -in data -sigfile sig -digest sha256 -inkey ec.pem";
        works(&hsm, "ECDSA-SHA256", label, verify);
    }
    works(
        &hsm,
        "ECDSA-SHA256",
        "sec1",
        "openssl pkeyutl -verify -rawin -in data -sigfile sig -digest sha256 -inkey sec1.pem",
    );
    works(&hsm, "EDDSA", "ed", "openssl pkeyutl -verify -rawin -in data -sigfile sig -inkey ed.pem");

    // They do not leave, and do not claim that they were made here.
    let private = hsm.user("--list-objects --type privkey").succeeds();
    assert!(
        !private.out().contains("local") && !private.out().contains("never extractable"),
        "{}",
        private.story()
    );
    assert_eq!(private.out().matches("sensitive").count(), 10, "{}", private.story());

    import(&hsm, "pem", "ec.pem --label ec").succeeds().says("already there").done();
    import(&hsm, "pem", "locked.pem --passphrase-file wrong").fails().says("the passphrase is wrong").done();
    hsm.line("openssl rsa -in rsa.pem -traditional -aes256 -passout file:passphrase -out md5.pem")
        .succeeds()
        .done();
    import(&hsm, "pem", "md5.pem").fails().says("openssl pkcs8").done();
    assert_eq!(objects(&hsm).len(), 20);
}

#[test]
fn a_key_and_its_certificate_get_one_id() {
    needs!("openssl");
    let hsm = start();
    let request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out \
                   cert.pem -subj /CN=served -days 30";
    hsm.line(request).succeeds().done();
    let both = [hsm.read("key.pem"), hsm.read("cert.pem")].concat();
    hsm.write("both.pem", both);
    import(&hsm, "pem", "both.pem").succeeds().done();
    let list = objects(&hsm);
    let ids: std::collections::BTreeSet<_> = list.iter().map(|object| object["id"].to_string()).collect();
    assert_eq!((list.len(), ids.len()), (3, 1), "{list:?}");
    let label = hsm.label();
    admin(&hsm, &format!("export public {label} both.pem --class certificate --out back.pem"))
        .succeeds()
        .done();
    assert_eq!(hsm.read("back.pem"), hsm.read("cert.pem"));
}

#[test]
fn pkcs12_comes_with_and_without_a_passphrase_new_and_old() {
    needs!("openssl", "pkcs11-tool");
    let hsm = start();
    let request =
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=served -days 30";
    hsm.line(request).succeeds().done();
    let export = "openssl pkcs12 -export -inkey key.pem -in cert.pem";
    hsm.line(&format!("{export} -name new -passout file:passphrase -out new.p12")).succeeds().done();
    hsm.line(&format!("{export} -name open -passout pass: -out open.p12")).succeeds().done();
    import(&hsm, "p12", "new.p12 --passphrase-file passphrase").succeeds().says("certificate").done();
    import(&hsm, "p12", "open.p12").succeeds().done();
    let legacy = hsm.line(&format!("{export} -name old -legacy -passout file:passphrase -out old.p12"));
    if legacy.succeeded() {
        import(&hsm, "p12", "old.p12 --passphrase-file passphrase").succeeds().done();
    }
    let verify = "openssl pkeyutl -verify -rawin -in data -sigfile sig -digest sha256 -inkey key.pem";
    works(&hsm, "SHA256-RSA-PKCS", "new", verify);
    let before = objects(&hsm).len();
    import(&hsm, "p12", "new.p12 --passphrase-file wrong").fails().says("the passphrase is wrong").done();
    hsm.write("cut.p12", &hsm.read("new.p12")[..500]);
    import(&hsm, "p12", "cut.p12 --passphrase-file passphrase").fails().says("no PKCS#12").done();
    assert_eq!(objects(&hsm).len(), before);
}

#[test]
fn keys_of_openssh_come_plain_and_encrypted() {
    needs!("ssh-keygen", "pkcs11-tool");
    let hsm = start();
    for (kind, label) in [("ed25519", "ed"), ("rsa", "rsa"), ("ecdsa", "ec")] {
        for passphrase in ["", "open sesame"] {
            let name = if passphrase.is_empty() { label.to_owned() } else { format!("{label}-locked") };
            let options = ["-q", "-t", kind, "-N", passphrase, "-C", &name, "-f", &name];
            hsm.run("ssh-keygen", options).succeeds().done();
            import(&hsm, "ssh", &format!("{name} --passphrase-file passphrase")).succeeds().done();
            // The public key that leaves is the one in the file beside the private one.
            let label = hsm.label();
            let line = format!("export public {label} {name} --class public --form ssh --out {name}.back");
            admin(&hsm, &line).succeeds().done();
            assert_eq!(hsm.read(&format!("{name}.back")), hsm.read(&format!("{name}.pub")), "{name}");
        }
    }
    assert_eq!(objects(&hsm).len(), 12);
    import(&hsm, "ssh", "ed-locked --label x --passphrase-file wrong")
        .fails()
        .says("the passphrase is wrong")
        .done();
    import(&hsm, "ssh", "ed.pub").fails().says("no private key").done();
    assert_eq!(objects(&hsm).len(), 12);
}

#[test]
fn what_cannot_be_read_is_told_and_changes_nothing() {
    let hsm = start();
    hsm.write("empty", "");
    hsm.write("text", "hello");
    for kind in ["pem", "p12", "ssh"] {
        for file in ["empty", "text", "/dev/null", "/", "nowhere"] {
            import(&hsm, kind, &format!("{file} --passphrase-file passphrase")).fails().done();
        }
    }
    assert_eq!(objects(&hsm).len(), 0);
}

/// Requirement: DHSM-053
#[test]
fn keys_of_each_kind_are_made_from_the_console() {
    needs!("pkcs11-tool", "openssl");
    let hsm = start();
    let label = hsm.label();
    for (id, (kind, name)) in [
        ("rsa:2048", "rsa"),
        ("ec:P-256", "p256"),
        ("ec:P-384", "p384"),
        ("ec:P-521", "p521"),
        ("ec:secp256k1", "k1"),
        ("ed25519", "ed"),
        ("x25519", "x"),
        ("aes:256", "aes"),
        ("secret:256", "secret"),
    ]
    .into_iter()
    .enumerate()
    {
        let line =
            format!("key generate {label} --type {kind} --label {name} --id {id:02x} --user-pin-file pin");
        admin(&hsm, &line).succeeds().says(name).done();
    }
    assert_eq!(objects(&hsm).len(), 16);
    let out = format!("export public {label} p256 --class public --out p256.pem");
    admin(&hsm, &out).succeeds().done();
    admin(&hsm, &out).fails().says("p256.pem").done();
    let verify = "openssl pkeyutl -verify -rawin -in data -sigfile sig -digest sha256 -pubin -inkey p256.pem";
    works(&hsm, "ECDSA-SHA256", "p256", verify);
    hsm.user("--list-objects --type privkey")
        .succeeds()
        .says("always sensitive, never extractable, local")
        .done();
    for (line, word) in [
        ("--type rsa:512", "512"),
        ("--type rsa:2047", "expected"),
        ("--type dsa:2048", "expected"),
        ("--type aes:100", "expected"),
    ] {
        let line = format!("key generate {label} {line} --label no --user-pin-file pin");
        admin(&hsm, &line).fails().says(word).done();
    }
    admin(&hsm, &format!("key generate {label} --type aes:256 --label no --user-pin-file wrong"))
        .fails()
        .says("cannot log in")
        .done();
    assert_eq!(objects(&hsm).len(), 16);
}

/// Requirement: DHSM-054
#[test]
fn keys_are_destroyed_from_the_console_with_a_word_typed_or_given() {
    let hsm = start();
    let label = hsm.label();
    for name in ["one", "two"] {
        admin(&hsm, &format!("key generate {label} --type ed25519 --label {name} --user-pin-file pin"))
            .succeeds()
            .done();
    }
    admin(&hsm, &format!("key destroy {label} one --user-pin-file pin --yes"))
        .fails()
        .says("name one by its class")
        .done();
    admin(&hsm, &format!("key destroy {label} one --class private --user-pin-file pin"))
        .fails()
        .says("no terminal to ask for confirmation")
        .done();
    admin(&hsm, &format!("key destroy {label} three --user-pin-file pin --yes"))
        .fails()
        .says("no object")
        .done();
    assert_eq!(objects(&hsm).len(), 4);
    admin(&hsm, &format!("key destroy {label} one --class private --user-pin-file pin --yes"))
        .succeeds()
        .says("Destroyed the private key \"one\"")
        .done();
    let left: Vec<_> = objects(&hsm).iter().map(|object| object["label"].to_string()).collect();
    assert_eq!(left.iter().filter(|label| *label == "\"one\"").count(), 1);
    assert_eq!(left.len(), 3);
}

#[test]
fn what_is_sensitive_leaves_only_wrapped_and_what_stays_does_not_leave() {
    let hsm = start();
    let label = hsm.label();
    for (kind, name, more) in [
        ("aes:256", "kek", ""),
        ("rsa:2048", "leaves", "--extractable"),
        ("aes:128", "small", "--extractable"),
        ("rsa:2048", "stays", ""),
    ] {
        let line = format!("key generate {label} --type {kind} --label {name} {more} --user-pin-file pin");
        admin(&hsm, &line).succeeds().done();
    }
    let wrapped = |object: &str, how: &str, under: &str, out: &str| {
        let line = format!(
            "export wrapped {label} {object} --class {} --under {under} --how {how} --out {out} --user-pin-file pin",
            if object == "small" { "secret" } else { "private" }
        );
        admin(&hsm, &line)
    };
    wrapped("leaves", "aes-kwp", "kek", "leaves.kwp").succeeds().done();
    wrapped("small", "aes-kw", "kek", "small.kw").succeeds().done();
    wrapped("small", "rsa-oaep", "stays --under-class public", "small.oaep").succeeds().done();
    wrapped("leaves", "rsa-aes-kwp", "stays --under-class public", "leaves.rsa").succeeds().done();
    assert!(hsm.read("leaves.kwp").len() > 1000);
    assert_eq!((hsm.read("small.kw").len(), hsm.read("small.oaep").len()), (24, 256));
    assert!(hsm.read("leaves.rsa").len() > 1256);
    wrapped("stays", "aes-kwp", "kek", "stays.kwp").fails().says("CKA_EXTRACTABLE is false").done();
    assert!(!hsm.path("stays.kwp").exists());
    // A private key's public half is all that is shown of it, and only to its user.
    admin(&hsm, &format!("export public {label} stays --class private --out public.pem"))
        .fails()
        .says("--login")
        .done();
    let line =
        format!("export public {label} stays --class private --login --user-pin-file pin --out public.pem");
    admin(&hsm, &line).succeeds().done();
    assert!(hsm.read("public.pem").starts_with(b"-----BEGIN PUBLIC KEY-----"));
    admin(&hsm, &format!("export public {label} kek --login --user-pin-file pin"))
        .fails()
        .says("nothing public")
        .done();
}
