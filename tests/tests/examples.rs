//! The programs of `examples/`, as a reader would run them.

use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::{Beside, Hsm, Run, free_address, huawei_cloud_python, needs, not_on_stand_in};

struct Example {
    hsm: Hsm,
    python: PathBuf,
    key: String,
    /// Where the store is.
    store: String,
}

impl Example {
    /// With a key of the KMS.
    fn new(hsm: Hsm, python: PathBuf) -> Self {
        let store = format!("http://{}", free_address());
        let mut example = Self { hsm, python, key: String::new(), store };
        let made: Value = serde_json::from_str(&example.admin("key create disks --json")).expect("JSON");
        made["key_id"].as_str().expect("an id").clone_into(&mut example.key);
        example
    }

    fn admin(&self, line: &str) -> String {
        let mut command = self.hsm.command(Path::new(self.hsm.module()).with_file_name("hsm-admin"));
        Run::of(command.args(line.split(' '))).succeeds().out()
    }

    /// Runs Python with these words, in the folder of the HSM.
    fn python(&self, words: &[&str]) -> Run {
        let mut command = self.hsm.command(&self.python);
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("AWS_ENDPOINT_URL", &self.store);
        command.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any");
        Run::of(command.env("AWS_DEFAULT_REGION", "us-east-1").args(words))
    }

    fn run(&self, program: &str, words: &[&str]) -> Run {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("examples").join(program);
        self.python(&[&[program.to_str().expect("a path")], words].concat())
    }

    fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.hsm.path(name)).expect(name)
    }
}

macro_rules! example {
    () => {{
        let Some(python) = huawei_cloud_python() else { return };
        let hsm = Hsm::start();
        not_on_stand_in!(hsm, "it has no KMS");
        Example::new(hsm, python)
    }};
}

/// A server that speaks S3.
fn store(example: &Example) -> Beside {
    let address = example.store.trim_start_matches("http://");
    let (host, port) = address.rsplit_once(':').expect("a port");
    let mut server = example.hsm.command(&example.python);
    server.args(["-m", "moto.server", "-H", host, "-p", port]);
    let (store, began) = (Beside::of(server.stdout(Stdio::null()).stderr(Stdio::null())), Instant::now());
    while TcpStream::connect(address).is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "the store does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
    store
}

/// Requirement: KMS-030
#[test]
fn a_volume_opens_while_kms_has_its_key_enabled() {
    needs!("cryptsetup");
    let example = example!();
    example.run("kms-luks", &["create", "data.img", &example.key, "32M"]).succeeds().done();
    example.run("kms-luks", &["check", "data.img"]).succeeds().says("KMS opens data.img").done();
    let dump = example.hsm.line("cryptsetup luksDump --dump-json-metadata data.img").succeeds().out();
    let header: Value = serde_json::from_str(&dump).expect("JSON");
    assert_eq!(header["tokens"]["0"]["type"], "claviger-kms");
    // Another key than that of the header does not open it.
    example.hsm.write("wrong", [7; 64]);
    let open = "cryptsetup open --test-passphrase --key-file wrong data.img";
    example.hsm.line(open).fails().done();

    example.run("kms-luks", &["create", "data.img", &example.key, "32M"]).fails().says("exists").done();
    example.run("kms-luks", &["create", "other.img", "nobodys-key", "32M"]).fails().says("KMS.0207").done();
    example.run("kms-luks", &["create", "other.img", &example.key, "much"]).fails().says("64M").done();
    assert!(!example.hsm.path("other.img").exists());

    example.admin("key disable disks --yes");
    example.run("kms-luks", &["check", "data.img"]).fails().says("KMS.0209").done();
    example.admin("key enable disks");
    example.run("kms-luks", &["check", "data.img"]).succeeds().done();
}

/// Requirement: KMS-029, KMS-031
#[test]
fn disk_images_and_objects_of_a_store_are_read_back_whole_or_not_at_all() {
    needs!("/sbin/mke2fs");
    let example = example!();
    let _store = store(&example);
    let bucket = "import boto3; boto3.client('s3').create_bucket(Bucket='archive')";
    example.python(&["-c", bucket]).succeeds().done();
    // A disk image of several pieces; one that ends with a piece; one of nothing.
    let image = "/sbin/mke2fs -q -t ext4 -F disk.img 5000k";
    example.hsm.line(image).succeeds().done();
    example.hsm.write("two-pieces", vec![0x5a; 2 << 20]);
    example.hsm.write("nothing", "");
    for file in ["disk.img", "two-pieces", "nothing"] {
        for place in [format!("s3://archive/{file}"), format!("{file}.sealed")] {
            example.run("kms-object", &["put", file, &place, &example.key]).succeeds().done();
            example.run("kms-object", &["get", &place, "again"]).succeeds().done();
            assert_eq!(example.file("again"), example.file(file), "{place}");
        }
    }
    let sealed = example.file("two-pieces.sealed");
    assert!(!sealed.windows(16).any(|window| window == [0x5a; 16]), "it is not encrypted");

    let refused = |change: &dyn Fn(&mut std::fs::File)| {
        example.hsm.write("changed", &sealed);
        let path = example.hsm.path("changed");
        let mut file = std::fs::File::options().read(true).write(true).open(path).expect("it");
        change(&mut file);
        std::fs::remove_file(example.hsm.path("again")).ok();
        example.run("kms-object", &["get", "changed", "again"]).fails().says("damaged").done();
        assert!(!example.hsm.path("again").exists(), "some of it was given out");
    };
    let length = sealed.len() as u64;
    let (piece, tag) = (1_u64 << 20, 16);
    refused(&|file| {
        let mut byte = [0];
        file.seek(SeekFrom::End(-40)).expect("a place");
        file.read_exact(&mut byte).expect("a byte");
        file.seek(SeekFrom::End(-40)).expect("a place");
        file.write_all(&[byte[0] ^ 1]).expect("written");
    });
    refused(&|file| file.set_len(length - 1).expect("cut"));
    refused(&|file| file.set_len(length - piece - tag).expect("cut at a piece"));
    refused(&|file| {
        file.seek(SeekFrom::End(0)).expect("the end");
        file.write_all(&sealed[sealed.len() - 100..]).expect("written");
    });
    example.run("kms-object", &["get", "disk.img", "again"]).fails().says("kms-object put").done();

    example.admin("key disable disks --yes");
    example.run("kms-object", &["get", "s3://archive/disk.img", "again"]).fails().says("KMS.0209").done();
}

/// A database server with data keys of KMS; it ends with this value.
struct Database<'a> {
    example: &'a Example,
    server: Child,
}

impl<'a> Database<'a> {
    /// The folder of a new database.
    fn install(example: &Example) {
        let user = nix::unistd::User::from_uid(nix::unistd::getuid()).expect("users").expect("this one").name;
        let install = &format!(
            "env TMPDIR={} mariadb-install-db --no-defaults --auth-root-authentication-method=normal --skip-test-db",
            example.hsm.path("").display()
        );
        let data = example.hsm.path("data");
        example.hsm.line(&format!("{install} --user={user} --datadir={}", data.display())).succeeds().done();
    }

    fn command(example: &Example) -> std::process::Command {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("examples").join("kms-mariadb");
        let user = nix::unistd::User::from_uid(nix::unistd::getuid()).expect("users").expect("this one").name;
        let mut command = example.hsm.command(&example.python);
        command.env("PYTHONDONTWRITEBYTECODE", "1").arg(program);
        // With a folder and a socket of its own, and nothing of the machine's.
        command.args(["run", "keys.json", "--", "mariadbd", "--no-defaults", "--skip-networking"]);
        command
            .arg(format!("--user={user}"))
            .arg(format!("--datadir={}", example.hsm.path("data").display()));
        command.arg(format!("--socket={}", example.hsm.path("sock").display()));
        command.arg(format!("--pid-file={}", example.hsm.path("mariadbd.pid").display()));
        command
    }

    fn start(example: &'a Example) -> Self {
        let log = std::fs::File::create(example.hsm.path("mariadbd.log")).expect("a log");
        let mut command = Self::command(example);
        let server = command.stdout(Stdio::null()).stderr(log).spawn().expect("the server");
        let (mut database, began) = (Self { example, server }, Instant::now());
        while !database.sql("SELECT 1").succeeded() {
            let ended = database.server.try_wait().expect("a child");
            let log = String::from_utf8_lossy(&example.file("mariadbd.log")).into_owned();
            assert!(ended.is_none() && began.elapsed() < Duration::from_secs(60), "no database: {log}");
            std::thread::sleep(Duration::from_millis(100));
        }
        database
    }

    fn sql(&self, statement: &str) -> Run {
        let mut client = self.example.hsm.command("mariadb");
        let socket = format!("--socket={}", self.example.hsm.path("sock").display());
        Run::of(client.args(["--no-defaults", "--user=root", "--batch", &socket, "--execute", statement]))
    }

    fn stop(mut self) {
        self.sql("SHUTDOWN").succeeds().done();
        self.server.wait().expect("its end");
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Requirement: KMS-032
#[test]
fn tables_of_a_database_are_read_while_kms_has_their_key_enabled() {
    needs!("mariadbd", "mariadb", "mariadb-install-db");
    let example = example!();
    Database::install(&example);
    example.run("kms-mariadb", &["create", "keys.json", &example.key]).succeeds().done();
    example.run("kms-mariadb", &["create", "keys.json", &example.key]).fails().says("there already").done();
    example.run("kms-mariadb", &["add", "keys.json"]).succeeds().says("ENCRYPTION_KEY_ID=2").done();

    let database = Database::start(&example);
    let secret = "a row that nobody finds on the disk";
    for statement in [
        "CREATE DATABASE shop".to_owned(),
        "CREATE TABLE shop.one (text VARCHAR(200))".into(),
        "CREATE TABLE shop.two (text VARCHAR(200)) ENCRYPTED=YES ENCRYPTION_KEY_ID=2".into(),
        format!("INSERT INTO shop.one VALUES ('{secret}')"),
        format!("INSERT INTO shop.two VALUES ('{secret}')"),
    ] {
        database.sql(&statement).succeeds().done();
    }
    database.sql("CREATE TABLE shop.three (a INT) ENCRYPTED=YES ENCRYPTION_KEY_ID=3").fails().done();
    let keys = "SELECT CURRENT_KEY_ID FROM information_schema.INNODB_TABLESPACES_ENCRYPTION WHERE NAME LIKE 'shop/%'";
    assert_eq!(
        database.sql(&format!("{keys} ORDER BY 1")).succeeds().out().lines().collect::<Vec<_>>(),
        ["CURRENT_KEY_ID", "1", "2"]
    );
    database.stop();
    let mut folders = vec![example.hsm.path("data")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let bytes = std::fs::read(&entry).expect("a file");
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "the row is in {}", entry.display());
        }
    }

    example.admin("key disable disks --yes");
    Run::of(&Database::command(&example)).fails().says("KMS.0209").done();
    example.admin("key enable disks");
    let database = Database::start(&example);
    for table in ["one", "two"] {
        database.sql(&format!("SELECT text FROM shop.{table}")).succeeds().says(secret).done();
    }
    database.stop();

    // Other data keys open nothing.
    std::fs::rename(example.hsm.path("keys.json"), example.hsm.path("right.json")).expect("renamed");
    example.run("kms-mariadb", &["create", "keys.json", &example.key]).succeeds().done();
    Run::of(&Database::command(&example)).fails().done();
    example.hsm.write("keys.json", "{}");
    Run::of(&Database::command(&example)).fails().says("kms-mariadb create makes such files").done();
}
