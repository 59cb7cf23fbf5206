//! Migration from SoftHSM2: a real token moves here with all that can, and its clients go on with another module
//! path.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tests::{Hsm, Run, module_for_engine, needs, python_pkcs11};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// An HSM, and beside it a SoftHSM2 token with the same label and PIN.
struct Move {
    hsm: Hsm,
}

impl Move {
    fn start() -> Self {
        let hsm = Hsm::start();
        fs::create_dir(hsm.path("tokens")).expect("a folder");
        hsm.write("softhsm2.conf", format!("directories.tokendir = {}\n", hsm.path("tokens").display()));
        hsm.write("pin", format!("{}\n", hsm.pin()));
        hsm.write("so.pin", "87654321\n");
        hsm.write("data", "what is signed");
        let token = Self { hsm };
        let line = format!(
            "softhsm2-util --init-token --free --label {} --pin {} --so-pin 87654321",
            token.hsm.label(),
            token.hsm.pin()
        );
        Run::of(&token.words(&line)).succeeds().done();
        token
    }

    fn words(&self, line: &str) -> Command {
        let mut words = line.split_whitespace();
        let mut command = self.hsm.command(words.next().expect("a program"));
        command.args(words).env("SOFTHSM2_CONF", self.hsm.path("softhsm2.conf"));
        command
    }

    /// Runs `pkcs11-tool` on the SoftHSM2 token.
    fn there(&self, line: &str) -> Run {
        let (label, pin) = (self.hsm.label(), self.hsm.pin());
        Run::of(&self.words(&format!(
            "pkcs11-tool --module {MODULE} --token-label {label} --login --pin {pin} {line}"
        )))
    }

    /// Runs `pkcs11-tool` on ours.
    fn here(&self, line: &str) -> Run {
        self.hsm.user(line)
    }

    fn admin(&self, line: &str) -> Run {
        let mut command = self.hsm.command(Path::new(self.hsm.module()).with_file_name("hsm-admin"));
        command.args(line.split_whitespace());
        Run::of(&command)
    }

    /// Imports the token.
    fn import(&self, more: &str) -> Run {
        let label = self.hsm.label();
        self.admin(&format!("import softhsm tokens {label} --source-pin-file pin --user-pin-file pin {more}"))
    }

    fn rows(run: &Run) -> Vec<Value> {
        let rows: Value = serde_json::from_str(&run.out()).unwrap_or_else(|_| panic!("{}", run.story()));
        rows.as_array().expect("rows").clone()
    }

    /// The files of the token's objects.
    fn files(&self) -> Vec<PathBuf> {
        let token = fs::read_dir(self.hsm.path("tokens")).unwrap().next().unwrap().unwrap().path();
        let files = fs::read_dir(token).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "object")).collect()
    }

    fn objects(&self) -> usize {
        let list = self.admin(&format!("object list {} --json", self.hsm.label())).succeeds();
        Self::rows(&list).len()
    }

    /// A key of each kind, a certificate and data.
    fn fill(&self) {
        for line in [
            "--keypairgen --key-type rsa:2048 --id 01 --label rsa",
            "--keypairgen --key-type EC:prime256v1 --id 02 --label ec",
            "--keypairgen --key-type EC:edwards25519 --id 03 --label ed",
            "--keygen --key-type AES:32 --id 04 --label aes --sensitive",
            "--keygen --key-type GENERIC:32 --id 05 --label generic --extractable",
        ] {
            self.there(line).succeeds().done();
        }
        self.hsm.write("des3.key", [5; 24]);
        self.there("--write-object des3.key --type secrkey --key-type DES3:24 --id 07 --label des3")
            .succeeds()
            .done();
        self.there("--write-object data --type data --label note --application-label app --private")
            .succeeds()
            .done();
        let request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.pem \
                       -out cert.pem -subj /CN=moved -days 30";
        self.hsm.line(request).succeeds().done();
        self.hsm.line("openssl x509 -in cert.pem -outform DER -out cert.der").succeeds().done();
        self.there("--write-object cert.der --type cert --id 02 --label cert").succeeds().done();
    }
}

#[test]
fn every_object_of_a_softhsm2_token_moves_with_its_attributes_and_works_here() {
    needs!("pkcs11-tool", "softhsm2-util", "openssl", MODULE);
    let token = Move::start();
    token.fill();
    let hash = "openssl dgst -sha256 -binary -out hash data";
    token.hsm.line(hash).succeeds().done();
    for line in [
        "--sign -m SHA256-RSA-PKCS --id 01 -i data -o rsa.sig",
        "--sign -m ECDSA --id 02 -i hash -o ec.sig",
        "--sign -m EDDSA --id 03 -i data -o ed.sig",
        "--encrypt -m AES-CBC-PAD --iv 000102030405060708090a0b0c0d0e0f --id 04 -i data -o aes.enc",
    ] {
        token.there(line).succeeds().done();
    }

    // A dry run tells, and changes nothing.
    let dry = token.import("--dry-run --json").fails();
    let would = Move::rows(&dry);
    assert_eq!(
        would.iter().filter(|row| row["result"] == "would-be-imported").count(),
        10,
        "{}",
        dry.story()
    );
    assert_eq!(token.objects(), 0);

    // What is not supported is refused by name, and all else comes.
    let run = token.import("--json").fails();
    let rows = Move::rows(&run);
    assert_eq!(rows.len(), 11, "{}", run.story());
    for row in &rows {
        let expected = if row["label"] == "des3" { "refused" } else { "imported" };
        assert_eq!(row["result"], expected, "{row}");
        let checked = row["checked"].to_string();
        match (row["class"].as_str().unwrap(), row["label"].as_str().unwrap()) {
            ("private key", _) => assert!(checked.contains("public key") && checked.contains("signature")),
            ("secret key", "aes" | "generic") => assert!(checked.contains("check value"), "{row}"),
            (_, "des3") => assert!(row["reason"].as_str().unwrap().contains("CKK_DES3"), "{row}"),
            _ => {}
        }
    }
    assert_eq!(token.objects(), 10);

    // What was made there holds here.
    for line in [
        "--verify -m SHA256-RSA-PKCS --id 01 -i data --signature-file rsa.sig",
        "--verify -m ECDSA --id 02 -i hash --signature-file ec.sig",
        "--verify -m EDDSA --id 03 -i data --signature-file ed.sig",
        "--decrypt -m AES-CBC-PAD --iv 000102030405060708090a0b0c0d0e0f --id 04 -i aes.enc -o aes.dec",
        "--read-object --type data --label note -o note",
        "--read-object --type cert --label cert -o cert.back",
    ] {
        token.here(line).succeeds().done();
    }
    assert_eq!(token.hsm.read("aes.dec"), token.hsm.read("data"));
    assert_eq!(token.hsm.read("note"), token.hsm.read("data"));
    assert_eq!(token.hsm.read("cert.back"), token.hsm.read("cert.der"));

    // And the other way round: what is signed here verifies there.
    token.here("--sign -m SHA256-RSA-PKCS --id 01 -i data -o back.sig").succeeds().done();
    token
        .there("--verify -m SHA256-RSA-PKCS --id 01 -i data --signature-file back.sig")
        .succeeds()
        .says("Signature is valid")
        .done();

    // A second time, all is there already.
    let again = token.import("--json").fails();
    for row in Move::rows(&again) {
        let expected = if row["label"] == "des3" { "refused" } else { "already-there" };
        assert_eq!(row["result"], expected, "{row}");
    }
    assert_eq!(token.objects(), 10);
}

#[test]
fn dsa_and_diffie_hellman_keys_and_their_parameters_move_and_work_here() {
    needs!("python3", "softhsm2-util", MODULE);
    let token = Move::start();
    let Some(python) = python_pkcs11(&token.hsm) else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/moved.py");
    let moved = |step: &str, module: &str| {
        let mut command = token.words(python.to_str().unwrap());
        Run::of(command.arg(&script).arg(step).env("P11_MODULE", module)).succeeds().says("passed").done();
    };
    moved("make", MODULE);
    let run = token.import("--json");
    let rows = Move::rows(&run);
    assert_eq!(rows.len(), 5, "{}", run.story());
    for row in &rows {
        assert_eq!(row["result"], "imported", "{row}");
        if row["class"] == "private key" {
            let checked = row["checked"].to_string();
            assert!(checked.contains("public key") && checked.contains("signature"), "{row}");
        }
    }
    run.succeeds().done();
    moved("use", token.hsm.module());
}

#[test]
fn the_attributes_of_what_moved_are_those_it_had() {
    needs!("pkcs11-tool", "softhsm2-util", MODULE);
    let token = Move::start();
    for line in [
        "--keypairgen --key-type rsa:2048 --id 01 --label rsa --usage-sign",
        "--keygen --key-type AES:32 --id 04 --label closed --sensitive",
        "--keygen --key-type AES:16 --id 05 --label open --extractable",
    ] {
        token.there(line).succeeds().done();
    }
    token.import("").succeeds().says("imported").done();
    let shown = |run: Run| -> Vec<String> {
        let words = ["label:", "ID:", "Usage:", "Access:", "Object;"];
        let out = run.succeeds().out();
        let told = |line: &&str| words.iter().any(|word| line.contains(word)) && !line.contains("Unique");
        let lines = out.lines().filter(told);
        let mut objects: Vec<String> = Vec::new();
        for line in lines {
            match objects.last_mut() {
                Some(object) if !line.contains("Object;") => object.push_str(line.trim()),
                _ => objects.push(line.trim().to_owned()),
            }
        }
        objects.sort();
        objects
    };
    let (there, here) = (shown(token.there("--list-objects")), shown(token.here("--list-objects")));
    assert!(
        there.iter().any(|object| object.contains("always sensitive, never extractable, local")),
        "{there:?}"
    );
    assert_eq!(there, here);
}

#[test]
fn a_key_that_moved_does_not_wrap_what_is_sensitive_although_it_was_local() {
    needs!("pkcs11-tool", "softhsm2-util", MODULE);
    let token = Move::start();
    token.there("--keygen --key-type AES:32 --id 04 --label kek --sensitive").succeeds().done();
    token.import("").succeeds().says("marks them CKA_TRUSTED").done();
    token
        .here("--keygen --key-type AES:32 --id 09 --label target --sensitive --extractable")
        .succeeds()
        .done();
    let label = token.hsm.label();
    token
        .admin(&format!("export wrapped {label} target --under kek --out wrapped --user-pin-file pin"))
        .fails()
        .says("made here")
        .done();
    assert!(!token.hsm.path("wrapped").exists());
}

#[test]
fn the_clients_of_softhsm2_go_on_with_another_module_path() {
    needs!("pkcs11-tool", "softhsm2-util", "openssl", "ssh-keygen", MODULE, module_for_engine().as_str());
    // Of these two kinds only: OpenSSL's engine stops at a token of SoftHSM2 with an Ed25519 key in it.
    let token = Move::start();
    token.there("--keypairgen --key-type rsa:2048 --id 01 --label rsa").succeeds().done();
    token.there("--keypairgen --key-type EC:prime256v1 --id 02 --label ec").succeeds().done();
    let hsm = &token.hsm;
    let openssl = |module: &str, out: &str| {
        hsm.write(
            "openssl.cnf",
            format!(
                "openssl_conf = init\n[init]\nengines = engines\n[engines]\npkcs11 = pkcs11\n[pkcs11]\nengine_id = \
                 pkcs11\ndynamic_path = {}\nMODULE_PATH = {module}\nPIN = {}\ninit = 0\n",
                module_for_engine(),
                hsm.pin()
            ),
        );
        hsm.write("req.cnf", "[req]\ndistinguished_name = name\n[name]\n");
        let key = format!("pkcs11:token={};object=rsa;type=private", hsm.label());
        let line = format!(
            "openssl req -new -x509 -sha256 -days 30 -subj /CN=Moved -engine pkcs11 -keyform engine -key {key} \
             -config req.cnf -out {out}"
        );
        let mut command = token.words(&line);
        command.env("OPENSSL_CONF", hsm.path("openssl.cnf"));
        Run::of(&command).succeeds().done();
        hsm.line(&format!("openssl verify -CAfile {out} {out}")).succeeds().done();
        hsm.line(&format!("openssl x509 -in {out} -noout -pubkey")).succeeds().out()
    };
    let ssh = |module: &str| {
        hsm.write("askpass", format!("#!/bin/sh\necho {}\n", hsm.pin()));
        fs::set_permissions(hsm.path("askpass"), Permissions::from_mode(0o700)).expect("a mode");
        let run = |line: &str| {
            let mut command = token.words(line);
            command.env("SSH_ASKPASS", hsm.path("askpass")).env("SSH_ASKPASS_REQUIRE", "force");
            command.env("DISPLAY", "none").env_remove("SSH_AUTH_SOCK");
            Run::of(&command).succeeds()
        };
        let mut keys: Vec<_> =
            run(&format!("ssh-keygen -D {module}")).out().lines().map(str::to_owned).collect();
        keys.sort();
        let rsa = keys.iter().find(|key| key.starts_with("ssh-rsa")).expect("the RSA key");
        hsm.write("ca.pub", format!("{rsa}\n"));
        run(&format!("ssh-keygen -s ca.pub -D {module} -I tester -n tester -V +1h user.pub")).done();
        run("ssh-keygen -L -f user-cert.pub").says("tester").done();
        keys
    };
    hsm.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "user"]).succeeds().done();
    let (openssl_before, ssh_before) = (openssl(MODULE, "before.pem"), ssh(MODULE));
    token.import("").succeeds().says("imported").done();
    assert_eq!(openssl(hsm.module(), "after.pem"), openssl_before);
    assert_eq!(ssh(hsm.module()), ssh_before);
}

#[test]
fn a_wrong_pin_a_missing_token_and_a_database_are_told_apart() {
    needs!("pkcs11-tool", "softhsm2-util", MODULE);
    let token = Move::start();
    token.there("--keygen --key-type AES:32 --id 04 --label aes").succeeds().done();
    let label = token.hsm.label();
    let import = |folder: &str, pin: &str| {
        token.admin(&format!("import softhsm {folder} {label} --source-pin-file {pin} --user-pin-file pin"))
    };
    token.hsm.write("wrong", "000000\n");
    import("tokens", "wrong").fails().says("the PIN is wrong").done();
    fs::create_dir(token.hsm.path("empty")).unwrap();
    import("empty", "pin").fails().says("no token of SoftHSM2").done();
    import("nowhere", "pin").fails().says("No such file").done();
    fs::create_dir(token.hsm.path("database")).unwrap();
    token.hsm.write("database/sqlite3.db", "");
    import("database", "pin").fails().says("objectstore.backend = db").done();
    assert_eq!(token.objects(), 0);
    // A wrong PIN of ours is the partition's user's, and is counted.
    token
        .admin(&format!("import softhsm tokens {label} --source-pin-file pin --user-pin-file wrong"))
        .fails()
        .says("cannot log in")
        .done();
    // The security officer's PIN opens the same objects.
    token
        .admin(&format!("import softhsm tokens {label} --so --source-pin-file so.pin --user-pin-file pin"))
        .succeeds()
        .says("imported")
        .done();
    assert_eq!(token.objects(), 1);
}

#[test]
fn of_several_tokens_one_is_named() {
    needs!("softhsm2-util", MODULE);
    let token = Move::start();
    let more = format!(
        "softhsm2-util --init-token --free --label other --pin {} --so-pin 87654321",
        token.hsm.pin()
    );
    Run::of(&token.words(&more)).succeeds().done();
    token.import("").fails().says("several tokens").says("other").done();
    token.import("--token other").succeeds().says("nothing to bring in").done();
    token.import("--token third").fails().says("no token \"third\"").done();
}

#[test]
fn what_was_cut_off_or_altered_is_refused_and_the_rest_comes() {
    needs!("pkcs11-tool", "softhsm2-util", MODULE);
    let token = Move::start();
    for line in [
        "--keypairgen --key-type EC:prime256v1 --id 02 --label pair",
        "--keygen --key-type AES:32 --id 04 --label bent --sensitive",
        "--keygen --key-type AES:32 --id 05 --label whole --sensitive",
    ] {
        token.there(line).succeeds().done();
    }
    let holds = |path: &PathBuf, class: u8, text: &[u8]| {
        let bytes = fs::read(path).unwrap();
        bytes[31] == class && (text.is_empty() || bytes.windows(text.len()).any(|window| window == text))
    };
    let files = token.files();
    // A private key that decrypts to another: a bit of the IV before its value.
    let private = files.iter().find(|path| holds(path, 3, b"")).unwrap();
    let mut bytes = fs::read(private).unwrap();
    let value = bytes.windows(8).position(|window| window == 0x11_u64.to_be_bytes()).unwrap();
    bytes[value + 8 + 8 + 8 + 15] ^= 1;
    fs::write(private, &bytes).unwrap();
    // A secret key whose value was changed: its check value tells.
    let bent = files.iter().find(|path| holds(path, 4, b"bent")).unwrap();
    let mut bytes = fs::read(bent).unwrap();
    let value = bytes.windows(8).position(|window| window == 0x11_u64.to_be_bytes()).unwrap();
    bytes[value + 8 + 8 + 8] ^= 1;
    fs::write(bent, &bytes).unwrap();
    // A file that was cut off.
    let public = files.iter().find(|path| holds(path, 2, b"pair")).unwrap();
    let whole = fs::read(public).unwrap();

    let run = token.import("--json").fails();
    let rows = Move::rows(&run);
    let result = |rows: &[Value], class: &str, label: &str| -> (String, String) {
        let row = rows.iter().find(|row| row["class"] == class && row["label"] == label).expect("a row");
        (row["result"].as_str().unwrap().to_owned(), row["reason"].to_string())
    };
    assert_eq!(result(&rows, "secret key", "whole").0, "imported");
    let (refused, reason) = result(&rows, "secret key", "bent");
    assert!(refused == "refused" && reason.contains("altered"), "{reason}");
    let (refused, reason) = result(&rows, "private key", "pair");
    assert!(refused == "refused" && reason.contains("altered"), "{reason}");
    assert_eq!(token.objects(), 2, "{}", run.story());

    fs::write(public, &whole[..whole.len() / 2]).unwrap();
    token.import("").fails().says("cut off").done();
    let newer = [&whole[..16], &9_u64.to_be_bytes(), &whole[24..]].concat();
    fs::write(public, newer).unwrap();
    token.import("").fails().says("newer SoftHSM2").done();
    assert_eq!(token.objects(), 2);
}
