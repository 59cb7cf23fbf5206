//! Tokens that a real SoftHSM2 made, read and opened.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use softhsm::{Attribute, Class, Error, Stored, Token, Value, Who};
use tempfile::TempDir;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

struct Made {
    dir: TempDir,
}

impl Made {
    /// A token with `what` in it; none where SoftHSM2 or `pkcs11-tool` is not installed.
    fn with(what: &[&str]) -> Option<Self> {
        let there = |name: &str| Command::new(name).arg("--help").output().is_ok();
        if !Path::new(MODULE).exists() || !there("softhsm2-util") || !there("pkcs11-tool") {
            println!("skipped: softhsm2-util or pkcs11-tool is not installed");
            return None;
        }
        let made = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(made.dir.path().join("tokens")).unwrap();
        let config = format!("directories.tokendir = {}/tokens\n", made.dir.path().display());
        fs::write(made.dir.path().join("conf"), config).unwrap();
        made.run("softhsm2-util", "--init-token --free --label old --pin 123456 --so-pin 87654321");
        for line in what {
            let token = format!("--module {MODULE} --token-label old --login --pin 123456 {line}");
            made.run("pkcs11-tool", &token);
        }
        Some(made)
    }

    fn run(&self, program: &str, line: &str) {
        let output = Command::new(program)
            .args(line.split_whitespace())
            .env("SOFTHSM2_CONF", self.dir.path().join("conf"))
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{program} {line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn files(&self) -> Vec<PathBuf> {
        let tokens = fs::read_dir(self.dir.path().join("tokens")).unwrap();
        let files = tokens.flat_map(|token| fs::read_dir(token.unwrap().path()).unwrap());
        let files = files.map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "object")).collect()
    }

    fn token(&self) -> Token {
        let is_token = |path: &&PathBuf| path.file_name().is_some_and(|name| name == "token.object");
        let path = self.files().iter().find(is_token).cloned().unwrap();
        Token::read(&fs::read(path).unwrap()).unwrap()
    }

    fn objects(&self) -> Vec<Vec<u8>> {
        let files = self.files().into_iter().filter(|path| !path.ends_with("token.object"));
        files.map(|path| fs::read(path).unwrap()).collect()
    }

    fn opened(&self, who: Who, pin: &[u8]) -> Vec<BTreeMap<Attribute, Value>> {
        let opened = self.token().open(who, pin).unwrap();
        self.objects().iter().map(|bytes| opened.object(Stored::read(bytes).unwrap()).unwrap()).collect()
    }
}

fn bytes(object: &BTreeMap<Attribute, Value>, attribute: Attribute) -> &[u8] {
    match object.get(&attribute) {
        Some(Value::Bytes(bytes)) => bytes.as_bytes(),
        other => panic!("{attribute} is {other:?}"),
    }
}

#[test]
fn either_pin_opens_the_objects_of_a_token_and_shows_them_in_the_clear() {
    let Some(made) = Made::with(&[
        "--keypairgen --key-type EC:prime256v1 --id 02 --label ec",
        "--keypairgen --key-type rsa:2048 --id 03 --label rsa",
        "--keygen --key-type AES:32 --id 04 --label aes --extractable",
    ]) else {
        return;
    };
    let token = made.token();
    assert_eq!(token.label, "old");
    assert_eq!(token.serial.len(), 16);
    let (user, officer) = (made.opened(Who::User, b"123456"), made.opened(Who::Officer, b"87654321"));
    assert_eq!(user, officer);
    let mut labels: Vec<_> = user.iter().map(|object| bytes(object, Attribute::LABEL)).collect();
    labels.sort_unstable();
    assert_eq!(labels, [&b"aes"[..], b"ec", b"ec", b"rsa", b"rsa"]);
    let class = |object: &BTreeMap<_, _>| match object.get(&Attribute::CLASS) {
        Some(Value::Number(class)) => *class,
        _ => 0,
    };
    let aes = user.iter().find(|object| class(object) == 4).unwrap();
    assert_eq!(bytes(aes, Attribute::VALUE).len(), 32);
    let ec =
        user.iter().find(|object| class(object) == 3 && bytes(object, Attribute::LABEL) == b"ec").unwrap();
    assert!(bytes(ec, Attribute::VALUE).len() <= 32);
}

#[test]
fn a_wrong_pin_opens_nothing() {
    let Some(made) = Made::with(&[]) else { return };
    for pin in [&b"123457"[..], b"87654321", b"", &[0; 300]] {
        assert_eq!(made.token().open(Who::User, pin).unwrap_err(), Error::WrongPin);
    }
    assert_eq!(made.token().open(Who::Officer, b"123456").unwrap_err(), Error::WrongPin);
}

#[test]
fn the_objects_of_another_token_do_not_open() {
    let line = ["--keypairgen --key-type EC:prime256v1 --id 02 --label ec"];
    let (Some(one), Some(other)) = (Made::with(&line), Made::with(&line)) else { return };
    let opened = one.token().open(Who::User, b"123456").unwrap();
    for bytes in other.objects() {
        let stored = Stored::read(&bytes).unwrap();
        let class = stored.class().unwrap();
        let object = opened.object(stored);
        match class {
            Class::PrivateKey => assert!(matches!(object, Err(Error::Altered(_)))),
            _ => drop(object.unwrap()),
        }
    }
}

#[test]
fn an_object_is_no_token_and_a_token_that_is_cut_off_is_refused() {
    let Some(made) = Made::with(&["--keygen --key-type AES:32 --id 04 --label aes"]) else { return };
    let object = made.objects().remove(0);
    assert!(matches!(Token::read(&object), Err(Error::NoToken(_))));
    let path = made.files().into_iter().find(|path| path.ends_with("token.object")).unwrap();
    let token = fs::read(path).unwrap();
    for len in 0..token.len() {
        let opened = Token::read(&token[..len]).and_then(|token| token.open(Who::User, b"123456"));
        assert!(opened.is_err(), "{len} of {} bytes", token.len());
    }
}

#[test]
fn every_file_of_a_real_token_withstands_every_change_of_one_byte() {
    let Some(made) = Made::with(&["--keypairgen --key-type EC:prime256v1 --id 02 --label ec"]) else {
        return;
    };
    let opened = made.token().open(Who::User, b"123456").unwrap();
    for file in made.objects() {
        for at in 0..file.len() {
            let mut bent = file.clone();
            bent[at] ^= 0x81;
            // Neither a panic nor an object without its class.
            if let Ok(object) = Stored::read(&bent).and_then(|stored| opened.object(stored)) {
                assert!(object.contains_key(&Attribute::CLASS));
            }
        }
    }
}
