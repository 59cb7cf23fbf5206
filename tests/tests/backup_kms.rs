//! A whole HSM's backup carries the KMS: on a clean machine its keys open what they closed before.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Place, Rest, free_address};

#[test]
fn keys_of_the_kms_come_back_on_a_clean_machine_with_their_account_and_open_what_they_closed() {
    let shelf = TempDir::with_prefix("claviger-shelf-").unwrap();
    let path = |name: &str| shelf.path().join(name).display().to_string();
    fs::write(shelf.path().join("passphrase"), "correct horse battery\n").unwrap();
    let with = format!("--passphrase-file {}", path("passphrase"));
    let address = free_address();
    let place = || Place::new(&format!("[rest]\nlisten = \"{address}\"\n"));

    let a = place();
    let daemon = a.start();
    let rest = Rest::new_account(&a, address, "acme");
    let made = a.admin("key create notes --json").succeeds().out();
    let key = serde_json::from_str::<Value>(&made).unwrap()["key_id"].as_str().unwrap().to_owned();
    let closed = rest.kms("encrypt-data", &json!({ "key_id": key, "plain_text": "kept" })).done();
    a.admin(&format!("backup create --hsm --out {} {with}", path("all.backup"))).succeeds().done();
    a.admin(&format!("backup verify {} {with}", path("all.backup"))).succeeds().done();
    daemon.stop();

    let b = place();
    let daemon = b.start();
    b.admin(&format!("backup restore {} {with}", path("all.backup"))).succeeds().done();
    let opens = |place: &Place| {
        let here = rest.again(place);
        let opened = here.kms("decrypt-data", &json!({ "cipher_text": closed["cipher_text"] })).done();
        assert_eq!(opened["plain_text"], "kept", "{opened}");
        place.admin("key show notes").succeeds().says(&key).done();
    };
    opens(&b);
    daemon.stop();
    let daemon = b.start();
    opens(&b);
    b.admin("key create more").succeeds().done();
    daemon.stop();
}
