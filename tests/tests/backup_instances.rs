//! A whole HSM's backup carries its instances: on a clean machine they serve the clients that they served before.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tests::{Hsm, Place, Reach, Run, needs};

#[path = "instance/site.rs"]
#[allow(dead_code, reason = "what other tests of instances need is there too")]
mod site;

use site::Site;

const PATIENCE: Duration = Duration::from_secs(60);

/// What outlasts the first machine: the backup, Ada's UKey, and what the client has.
fn keep(hsm: &Hsm, shelf: &Path) {
    for file in ["all.backup", "passphrase", "Ada.ukey", "Ada.pin", "data", "sig"] {
        fs::copy(hsm.path(file), shelf.join(file)).unwrap();
    }
    fs::create_dir(shelf.join("access")).unwrap();
    for entry in fs::read_dir(hsm.path("access")).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), shelf.join("access").join(entry.file_name())).unwrap();
    }
}

fn restore(place: &Place, shelf: &Path) -> Run {
    let text = |name: &str| shelf.join(name).display().to_string();
    place.admin(&format!("backup restore {} --passphrase-file {}", text("all.backup"), text("passphrase")))
}

/// The instance on the new machine, as its security officer sees it.
fn show(place: &Place, shelf: &Path) -> Value {
    let text = |name: &str| shelf.join(name).display().to_string();
    let line = format!("--ukey {} --ukey-pin-file {}", text("Ada.ukey"), text("Ada.pin"));
    let shown = place.admin(&format!("{line} instance show pay-0001 --json")).succeeds().out();
    serde_json::from_str(&shown).unwrap()
}

fn until(what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// `pkcs11-tool` on the new machine, through the client's tunnel.
fn through(place: &Place, shelf: &Path, line: &str) -> Run {
    let mut tool = Command::new("pkcs11-tool");
    tool.env("CLAVIGER_SOCKET", shelf.join("agent.sock")).current_dir(shelf);
    tool.arg("--module").arg(place.program("libclaviger.so"));
    tool.args(["--token-label", "pay-0001", "--login", "--pin", "user-pin-1"]);
    Run::of(tool.args(line.split_whitespace()))
}

#[test]
fn an_instance_comes_back_on_a_clean_machine_and_its_client_goes_on_with_its_certificate() {
    needs!("pkcs11-tool");
    let shelf = TempDir::with_prefix("claviger-shelf-").unwrap();
    let shelf = shelf.path();
    let hsm = Hsm::start();
    let site = Site::start(&hsm, "server", &[]);
    site.staff.by("Ada", &["instance", "tag", "add", &site.name, "team", "payments"]).succeeds().done();
    site.certificate("web", "access");
    hsm.write("data", "what is signed");
    hsm.write("passphrase", "correct horse battery\n");
    let socket = site.tunnel(&Reach::read(&hsm.path("access")));
    for line in [
        "--keypairgen --key-type EC:prime256v1 --id 01 --label k --usage-sign",
        "--sign -m ECDSA-SHA256 --id 01 -i data -o sig",
    ] {
        site.user(&socket, line).succeeds().done();
    }
    let before = site.show();
    let words = ["backup", "create", "--hsm", "--out", "all.backup", "--passphrase-file", "passphrase"];
    site.staff.by("Ada", &words).succeeds().done();
    keep(&hsm, shelf);

    // The first machine has the address still: the new one cannot listen there, says why, and serves all else.
    let place = Place::new("");
    let daemon = place.start();
    restore(&place, shelf).succeeds().says("pay-0001").done();
    until("it says that it cannot listen", || show(&place, shelf)["failure"].is_string());
    let shown = show(&place, shelf);
    assert!(shown["failure"].as_str().unwrap().contains("cannot listen at 127.0.77."), "{shown}");
    for fact in
        ["id", "status", "expires", "tags", "active", "limits", "initialised", "clients", "partitions"]
    {
        assert_eq!(shown[fact], before[fact], "{fact}");
    }
    assert_eq!(shown["tags"][0][1], "payments", "{shown}");

    // The first machine is lost, and its address comes to be the new one's.
    drop(site);
    drop(hsm);
    until("it listens", || show(&place, shelf)["failure"].is_null());
    let reach = Reach::read(&shelf.join("access"));
    until("the client is let in with the certificate it had", || reach.is_let_in());
    reach.serve(shelf.join("agent.sock"));
    through(&place, shelf, "--verify -m ECDSA-SHA256 --id 01 -i data --signature-file sig")
        .succeeds()
        .says("Signature is valid")
        .done();
    through(&place, shelf, "--sign -m ECDSA-SHA256 --id 01 -i data -o again").succeeds().done();

    // So it is after a restart, and a second restore must be meant.
    daemon.stop();
    let daemon = place.start();
    until("the client is let in after a restart", || reach.is_let_in());
    daemon.stop();
}

#[test]
fn an_instance_of_the_same_name_keeps_a_backup_out_before_anything_is_changed() {
    let shelf = TempDir::with_prefix("claviger-shelf-").unwrap();
    let path = |name: &str| shelf.path().join(name).display().to_string();
    fs::write(shelf.path().join("passphrase"), "correct horse battery\n").unwrap();
    let create =
        format!("backup create --hsm --out {} --passphrase-file {}", path("all.backup"), path("passphrase"));
    let order = "instance order pay --quantity 1 --test-only --months 1";

    let a = Place::new("");
    let daemon = a.start();
    daemon.partition("payments", "standard");
    a.admin(order).succeeds().done();
    a.admin(&create).succeeds().done();
    // On the machine that it is of, it is there already: that must be meant.
    restore(&a, shelf.path()).fails().says("is there already").done();
    daemon.stop();

    // On another, one of its name or with its number keeps all of the backup out.
    let another = order.replace("pay", "other");
    for (there, why) in
        [(order, "another one of that name"), (&*another, "had the number that \"other\" has")]
    {
        let b = Place::new("");
        let daemon = b.start();
        b.admin(there).succeeds().done();
        let before = b.admin("instance list").out();
        restore(&b, shelf.path()).fails().says("instance \"pay\"").says(why).done();
        assert_eq!(b.admin("instance list").out(), before);
        b.admin("partition list").succeeds().never_says("payments").done();
        daemon.stop();
    }
}
