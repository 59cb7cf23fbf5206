//! The daemon is killed with `kill -9` and started again; `pkcs11-tool` sees what it acknowledged.

use tests::{Hsm, export_public, needs, not_on_stand_in};

#[test]
fn a_key_signs_after_the_daemon_was_killed_and_started_again() {
    needs!("pkcs11-tool", "openssl");
    let mut hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no daemon");
    hsm.user("--keypairgen --key-type EC:prime256v1 --id 01 --label survivor").succeeds().done();
    export_public(&hsm, "01");
    let before = hsm.read("pub.pem");
    hsm.kill_and_start_again();
    export_public(&hsm, "01");
    assert_eq!(hsm.read("pub.pem"), before);
    hsm.write("data", "signed after the fall");
    hsm.line("openssl dgst -sha256 -binary -out digest data").succeeds().done();
    hsm.user(
        "--sign --mechanism ECDSA --signature-format openssl --id 01 --input-file digest --output-file sig",
    )
    .succeeds()
    .done();
    hsm.line("openssl dgst -sha256 -verify pub.pem -signature sig data").succeeds().done();
}

#[test]
fn what_was_destroyed_stays_destroyed() {
    needs!("pkcs11-tool");
    let mut hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no daemon");
    hsm.user("--keygen --key-type AES:32 --id 01 --label destroyed").succeeds().done();
    hsm.user("--keygen --key-type AES:32 --id 02 --label kept").succeeds().done();
    hsm.user("--delete-object --type secrkey --id 01").succeeds().done();
    hsm.kill_and_start_again();
    hsm.user("--list-objects").succeeds().says("kept").never_says("destroyed").done();
}

#[test]
fn a_new_pin_holds_and_the_count_of_wrong_ones_goes_on() {
    needs!("pkcs11-tool");
    let mut hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no daemon, and counts no wrong PINs");
    hsm.user("--change-pin --new-pin 24682468").succeeds().done();
    let mut wrong = 0;
    while !hsm.tool("--login --pin 00000000 --list-objects").fails().text().contains("CKR_PIN_LOCKED") {
        wrong += 1;
        assert!(wrong < 100, "a hundred wrong PINs should lock the user out");
        hsm.kill_and_start_again();
        hsm.tool("--list-token-slots").succeeds().says("user PIN").done();
    }
    assert!(wrong >= 3, "a typing error or two is forgiven");
    hsm.tool("--login --pin 24682468 --list-objects").fails().says("CKR_PIN_LOCKED").done();
}
