//! Import through the source's own PKCS#11 module: a real NSS database and a SoftHSM2 token, whose sensitive keys their
//! own modules wrap.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::{Hsm, Run, kryoptic, needs};

const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";
const SOFTOKEN: &str = "/usr/lib/x86_64-linux-gnu/libsoftokn3.so";
/// What the console ends with if some of it was done.
const PARTLY: i32 = 5;

fn start() -> Hsm {
    let hsm = Hsm::start();
    hsm.write("pin", format!("{}\n", hsm.pin()));
    hsm.write("there.pin", "a password of its own\n");
    hsm.write("wrong.pin", "another password\n");
    hsm.write("data", "what is signed");
    hsm.line("openssl dgst -sha256 -binary -out hash data").succeeds().done();
    hsm
}

fn admin(hsm: &Hsm, line: &str) -> Command {
    let mut command = hsm.command(Path::new(hsm.module()).with_file_name("hsm-admin"));
    command.args(line.split_whitespace()).env("SOFTHSM2_CONF", hsm.path("softhsm2.conf"));
    command
}

fn import(hsm: &Hsm, line: &str) -> Run {
    let more = "--user-pin-file pin --json";
    Run::of(&admin(hsm, &format!("import {line} {} {more}", hsm.label())))
}

fn rows(run: &Run) -> Vec<Value> {
    let rows: Value = serde_json::from_str(&run.out()).unwrap_or_else(|_| panic!("{}", run.story()));
    rows.as_array().expect("rows").clone()
}

/// What became of each object, by class and label.
fn results(run: &Run) -> BTreeMap<(String, String), Value> {
    let named =
        |row: &Value| (row["class"].as_str().unwrap().to_owned(), row["label"].as_str().unwrap().to_owned());
    rows(run).into_iter().map(|row| (named(&row), row)).collect()
}

fn objects(hsm: &Hsm) -> Vec<Value> {
    rows(&Run::of(&admin(hsm, &format!("object list {} --json", hsm.label()))).succeeds())
}

fn certutil(hsm: &Hsm, line: &str) {
    hsm.line(&format!("certutil -d sql:nss -f there.pin {line}")).succeeds().done();
}

/// An NSS database with a password, with keys that certutil made and one that came in a file.
fn nss_database(hsm: &Hsm) {
    hsm.write("noise", [0x5a; 64]);
    fs::create_dir(hsm.path("nss")).unwrap();
    certutil(hsm, "-N");
    certutil(hsm, "-S -k rsa -g 2048 -s CN=rsa -n web-rsa -x -t CT,, -v 12 -z noise");
    certutil(hsm, "-S -k ec -q nistp256 -s CN=ec -n web-ec -x -t CT,, -v 12 -z noise");
    for line in [
        "openssl req -x509 -newkey rsa:3072 -nodes -keyout key.pem -out file.crt -subj /CN=file -days 30",
        "openssl pkcs12 -export -inkey key.pem -in file.crt -name file -out file.p12 -passout file:there.pin",
        "pk12util -i file.p12 -d sql:nss -k there.pin -w there.pin",
    ] {
        hsm.line(line).succeeds().done();
    }
}

#[test]
fn keys_and_certificates_of_an_nss_database_come_and_sign_here() {
    needs!("certutil", "pk12util", "openssl", "pkcs11-tool", SOFTOKEN);
    let hsm = start();
    nss_database(&hsm);
    let before = fs::read(hsm.path("nss/key4.db")).unwrap();

    import(&hsm, "nss nss --source-pin-file wrong.pin").fails().says("wrong PIN").done();
    assert!(objects(&hsm).is_empty());

    let run = import(&hsm, "nss nss --source-pin-file there.pin").succeeds();
    let rows = rows(&run);
    let of = |class: &str| rows.iter().filter(|row| row["class"] == class).cloned().collect::<Vec<_>>();
    assert_eq!((of("private key").len(), of("certificate").len()), (3, 3), "{}", run.story());
    for row in &rows {
        assert_eq!(row["result"], "imported", "{row}");
    }
    for key in of("private key") {
        let checked = key["checked"].to_string();
        assert!(checked.contains("public key") && checked.contains("signature"), "{key}");
    }
    assert!(run.out().contains("for what NSS trusts it is not taken over"), "{}", run.story());
    assert_eq!(fs::read(hsm.path("nss/key4.db")).unwrap(), before, "the database was only read");

    let all = objects(&hsm);
    for (label, name) in [("web-rsa", "rsa"), ("web-ec", "ec"), ("file", "rsa")] {
        let is_it = |object: &&Value| object["class"] == "CKO_CERTIFICATE" && object["label"] == label;
        let id = all.iter().find(is_it).and_then(|object| object["id"].as_str()).expect("a certificate");
        hsm.line(&format!("certutil -d sql:nss -L -n {label} -a -o {label}.pem")).succeeds().done();
        hsm.line(&format!("openssl x509 -in {label}.pem -pubkey -noout -out {label}.pub")).succeeds().done();
        let mechanism =
            if name == "ec" { "ECDSA-SHA256 --signature-format openssl" } else { "SHA256-RSA-PKCS" };
        hsm.user(&format!("--sign -m {mechanism} --id {id} -i data -o sig")).succeeds().done();
        hsm.line(&format!("openssl dgst -sha256 -verify {label}.pub -signature sig data"))
            .succeeds()
            .says("Verified OK")
            .done();
    }

    // What was sensitive there is so here, and what could leave can leave here.
    hsm.user("--list-objects --type privkey").succeeds().says("sensitive").says("extractable").done();

    let again = import(&hsm, "nss nss --source-pin-file there.pin").succeeds();
    for row in self::rows(&again) {
        assert_eq!(row["result"], "already-there", "{row}");
    }
}

#[test]
fn an_nss_database_without_a_password_is_read_without_asking_for_one() {
    needs!("certutil", SOFTOKEN);
    let hsm = start();
    hsm.write("noise", [0x5a; 64]);
    fs::create_dir(hsm.path("nss")).unwrap();
    hsm.line("certutil -N -d sql:nss --empty-password").succeeds().done();
    hsm.line("certutil -d sql:nss -S -k ec -q nistp384 -s CN=open -n open -x -t ,, -v 12 -z noise")
        .succeeds()
        .done();
    let run = import(&hsm, "nss nss").succeeds();
    let results = results(&run);
    assert_eq!(results[&("certificate".into(), "open".into())]["result"], "imported");
    assert!(results.iter().any(|((class, _), row)| class == "private key" && row["result"] == "imported"));
    import(&hsm, "nss .").fails().says("no NSS database").done();
}

/// A SoftHSM2 token beside the HSM.
fn softhsm(hsm: &Hsm) {
    fs::create_dir(hsm.path("tokens")).unwrap();
    hsm.write("softhsm2.conf", format!("directories.tokendir = {}\n", hsm.path("tokens").display()));
    hsm.write("there.pin", "123456\n");
    let line = "softhsm2-util --init-token --free --label old --pin 123456 --so-pin 87654321";
    on_softhsm(hsm, line).succeeds().done();
}

fn on_softhsm(hsm: &Hsm, line: &str) -> Run {
    let mut words = line.split_whitespace();
    let mut command = hsm.command(words.next().unwrap());
    Run::of(command.args(words).env("SOFTHSM2_CONF", hsm.path("softhsm2.conf")))
}

fn there(hsm: &Hsm, line: &str) -> Run {
    on_softhsm(hsm, &format!("pkcs11-tool --module {SOFTHSM} --token-label old --login --pin 123456 {line}"))
}

fn from_softhsm(hsm: &Hsm, kind: &str, more: &str) -> Run {
    import(hsm, &format!("{kind} --module {SOFTHSM} --source-pin-file there.pin {more}"))
}

#[test]
fn sensitive_keys_are_wrapped_out_by_their_own_module_and_what_may_not_leave_is_named() {
    needs!("pkcs11-tool", "softhsm2-util", "openssl", SOFTHSM);
    let hsm = start();
    softhsm(&hsm);
    for line in [
        "--keypairgen --key-type rsa:2048 --id 01 --label rsa --sensitive --extractable",
        "--keypairgen --key-type EC:secp384r1 --id 02 --label ec --sensitive --extractable",
        "--keygen --key-type AES:32 --id 04 --label aes --sensitive --extractable",
        "--keygen --key-type GENERIC:20 --id 03 --label odd --sensitive --extractable",
        "--keypairgen --key-type EC:prime256v1 --id 05 --label stays --sensitive",
        "--keypairgen --key-type EC:edwards25519 --id 06 --label ed --sensitive --extractable",
        "--write-object data --type data --label note --application-label app --private",
    ] {
        there(&hsm, line).succeeds().done();
    }
    for line in [
        "--sign -m SHA256-RSA-PKCS --id 01 -i data -o rsa.sig",
        "--encrypt -m AES-CBC-PAD --iv 000102030405060708090a0b0c0d0e0f --id 04 -i data -o aes.enc",
    ] {
        there(&hsm, line).succeeds().done();
    }

    let run = from_softhsm(&hsm, "token", "--token old").fails_with(PARTLY);
    let results = results(&run);
    let refused: Vec<_> = results.iter().filter(|(_, row)| row["result"] == "refused").collect();
    let reasons: Vec<_> = refused
        .iter()
        .map(|((class, label), row)| (&**class, &**label, row["reason"].as_str().unwrap()))
        .collect();
    // SoftHSM2 does not wrap Ed25519 keys, and says so.
    let [("private key", "ed", unwrappable), ("private key", "stays", closed)] = reasons[..] else {
        panic!("{}", run.story())
    };
    assert!(unwrappable.contains("CKR_KEY_NOT_WRAPPABLE"), "{unwrappable}");
    assert!(closed.contains("not extractable"), "{closed}");
    assert_eq!(results.len(), 11, "{}", run.story());
    for label in ["rsa", "ec"] {
        let checked = results[&("private key".into(), label.into())]["checked"].to_string();
        assert!(checked.contains("public key") && checked.contains("signature"), "{checked}");
    }
    for label in ["aes", "odd"] {
        let checked = results[&("secret key".into(), label.into())]["checked"].to_string();
        assert!(checked.contains("check value"), "{checked}");
    }

    for line in [
        "--verify -m SHA256-RSA-PKCS --id 01 -i data --signature-file rsa.sig",
        "--decrypt -m AES-CBC-PAD --iv 000102030405060708090a0b0c0d0e0f --id 04 -i aes.enc -o aes.dec",
        "--sign -m ECDSA --id 02 -i hash -o ec.sig",
        "--read-object --type data --label note -o note",
    ] {
        hsm.user(line).succeeds().done();
    }
    assert_eq!(hsm.read("aes.dec"), hsm.read("data"));
    assert_eq!(hsm.read("note"), hsm.read("data"));
    there(&hsm, "--verify -m ECDSA --id 02 -i hash --signature-file ec.sig").succeeds().done();

    // The key that wrapped them is gone with the session: the token holds what it held.
    let left = there(&hsm, "--list-objects --type secrkey").succeeds().out();
    assert_eq!(left.matches("Secret Key Object").count(), 2, "{left}");
}

#[test]
fn a_token_that_is_not_there_a_wrong_pin_and_what_is_no_module_are_told() {
    needs!("pkcs11-tool", "softhsm2-util", SOFTHSM);
    let hsm = start();
    softhsm(&hsm);
    from_softhsm(&hsm, "token", "--token new").fails().says("no such token").says("\"old\" in slot").done();
    hsm.write("there.pin", "654321\n");
    from_softhsm(&hsm, "kryoptic", "--token old").fails().says("wrong PIN").done();
    from_softhsm(&hsm, "token", "").fails().says("--token").done();
    import(&hsm, "token --module ./data --token old --source-pin-file there.pin")
        .fails()
        .says("cannot be loaded")
        .done();
}

#[test]
fn a_kryoptic_token_comes_through_its_own_module() {
    needs!("pkcs11-tool", "openssl");
    let Some(module) = kryoptic() else { return };
    let module = module.into_os_string().into_string().unwrap();
    let hsm = start();
    let (config, token) = (hsm.path("kryoptic.conf"), hsm.path("token.sql"));
    let slot = format!("[[slots]]\nslot = 42\ndbtype = \"sqlite\"\ndbargs = \"{}\"\n", token.display());
    hsm.write("kryoptic.conf", slot);
    hsm.write("there.pin", "123456\n");
    let there = |line: &str| {
        let mut command = hsm.command("pkcs11-tool");
        command.arg("--module").arg(&module).args(line.split_whitespace());
        Run::of(command.env("KRYOPTIC_CONF", &config))
    };
    there("--slot 42 --init-token --label old --so-pin 87654321").succeeds().done();
    there("--token-label old --login --login-type so --so-pin 87654321 --init-pin --pin 123456")
        .succeeds()
        .done();
    for line in [
        "--keypairgen --key-type rsa:2048 --id 01 --label rsa --sensitive --extractable",
        "--keypairgen --key-type EC:prime256v1 --id 02 --label ec --sensitive --extractable",
        "--keygen --key-type AES:32 --id 04 --label aes --sensitive --extractable",
        "--keypairgen --key-type EC:prime256v1 --id 05 --label stays --sensitive",
    ] {
        there(&format!("--token-label old --login --pin 123456 {line}")).succeeds().done();
    }

    // The configuration goes in as the string that Kryoptic takes.
    let parameters = format!("--parameters kryoptic_conf={}", config.display());
    let line = format!("kryoptic --module {module} --slot 42 --source-pin-file there.pin {parameters}");
    let run = import(&hsm, &line).fails_with(PARTLY);
    let results = results(&run);
    assert_eq!(results.len(), 7, "{}", run.story());
    for ((class, label), row) in &results {
        let stays = (&**class, &**label) == ("private key", "stays");
        assert_eq!(row["result"], if stays { "refused" } else { "imported" }, "{row}");
        if class == "private key" && !stays {
            let checked = row["checked"].to_string();
            assert!(checked.contains("public key") && checked.contains("signature"), "{row}");
        }
    }
    for (mechanism, id) in [("SHA256-RSA-PKCS", "01"), ("ECDSA-SHA256", "02")] {
        hsm.user(&format!("--sign -m {mechanism} --id {id} -i data -o sig")).succeeds().done();
        let verify = format!("--verify -m {mechanism} --id {id} -i data --signature-file sig");
        there(&format!("--token-label old --login --pin 123456 {verify}"))
            .succeeds()
            .says("Signature is valid")
            .done();
    }
}
